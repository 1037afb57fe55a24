import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import TextIO

import pytest
from ci_runners import commands
from hypothesis import given
from made_gates import finding, gate_of, gates, hostile_gate, trial
from made_reports import HOSTILE
from markdown_it import MarkdownIt
from msgspec.structs import replace

from llmops.domain.gate import FINDINGS, GateVerdict
from llmops.errors import UnavailableError
from llmops.reporting.gate.base import GateReport, Reached
from llmops.reporting.gate.console import print_gate
from llmops.reporting.gate.github import append_gate_summary, write_gate_github
from llmops.reporting.gate.json import write_gate_json
from llmops.reporting.gate.junit import write_gate_junit
from llmops.reporting.gate.markdown import render_gate_markdown, write_gate_markdown
from llmops.reporting.terminal import make_screen

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]")
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
each_hostile = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))


def written(write: Callable[[GateReport, TextIO], None], report: GateReport) -> str:
    out = io.StringIO(newline="")
    write(report, out)
    return out.getvalue()


def printed(report: GateReport, **more) -> str:
    out = io.StringIO()
    print_gate(report, make_screen(out, {"CI": "true"}), **more)
    return out.getvalue()


@given(gates())
def test_the_printed_line_every_report_and_the_exit_code_agree(report: GateReport) -> None:
    verdict = report.verdict
    green = verdict.exit_code == 0

    whole = json.loads(written(write_gate_json, report))["verdict"]
    junit = ET.fromstring(written(write_gate_junit, report))
    markdown = written(write_gate_markdown, report)
    github = written(write_gate_github, report)
    console = printed(report)

    assert (whole["exit_code"], whole["status"]) == (verdict.exit_code, verdict.status)
    assert (whole["line"], whole["green"]) == (verdict.line, green)
    cases = junit.findall("testsuite/testcase")
    told = (
        cases[0].find("failure") if cases[0].find("failure") is not None else cases[0].find("error")
    )
    assert (told is None) is green
    assert green or told.get("message") == verdict.line
    assert junit.get("tests") == str(len(cases))
    assert junit.get("failures") == str(len(junit.findall(".//failure")))
    assert junit.get("errors") == str(len(junit.findall(".//error")))
    assert not green or (junit.get("failures") == junit.get("errors") == "0")
    heading, _, line = markdown.split("\n")[:3]
    assert heading.endswith(f" llmops gate: {verdict.status}")
    assert ("✗" in heading) is not green
    assert unescape(line.removeprefix("<code>").removesuffix("</code>")) == verdict.line
    assert github.startswith("::notice " if green else "::error ")
    assert verdict.line.replace("%", "%25") in github.split("\n")[0]
    assert f"\n {verdict.line}\n" in console


@given(gates())
def test_nothing_that_is_not_wholly_well_is_green(report: GateReport) -> None:
    hard = [rule for rule in report.rules if rule.level == "error"]
    broken = [rule for rule in hard if rule.outcome in {"broken", "unknown", "incomparable"}]
    loosened = [one for one in report.findings if one.level == "error"]

    if broken or loosened or not report.rules:
        assert report.verdict.exit_code != 0
    if report.verdict.status == "passed":
        assert all(rule.sign != "red" for rule in report.rules)


def big(count: int = 3000) -> GateReport:
    before = [trial(n, "passed", "x" * 300) for n in range(count)]
    after = [trial(n, "failed", "x" * 300 + "y") for n in range(count)]
    after = [replace(one, case=two.case) for one, two in zip(after, before, strict=True)]
    findings = [finding("case_removed", f"the case {n} was removed" * 8) for n in range(600)]
    return gate_of(before, after, tuple(findings))


@pytest.mark.parametrize("limit", [2_000, 60_000])
def test_a_comment_stays_under_its_limit_by_whole_sections(limit: int) -> None:
    text = render_gate_markdown(big(200), limit=limit)

    assert len(text) < limit
    assert "Left out to keep this short" in text
    assert "### ✗ llmops gate: failed" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0


def test_long_lists_are_cut_on_the_screen_and_say_so() -> None:
    report = big(40)
    reached = tuple(Reached(suite=f"s{n}", included=True) for n in range(30))

    text = printed(replace(report, reached=reached), written=["gate.md"])

    assert "… 560 more findings; all of them: --json" in text
    assert "… 10 more suites" in text
    assert "… 35 more trials; all of them: --first 40, or --json" in text
    assert "→ gate.md" in text


def test_a_gate_that_ran_nothing_is_told_whole() -> None:
    verdict = GateVerdict(status="unchanged", exit_code=0, reason="nothing changed", warnings=1)
    report = gate_of([], [])
    quiet = replace(
        report,
        verdict=verdict,
        rules=(),
        comparison=None,
        totals=None,
        run=None,
        against="the run x",
        reached=(Reached(suite="s", included=False),),
    )

    whole = json.loads(written(write_gate_json, quiet))

    assert whole["pairs"] == []
    assert whole["counts"] is None
    assert "unchanged: nothing changed; 1 warning" in printed(quiet)
    assert "compared with the run x" in printed(quiet)
    assert "nothing that it uses changed" in written(write_gate_markdown, quiet)


@each_hostile
def test_markdown_holds_no_active_element(text: str) -> None:
    whole = written(write_gate_markdown, hostile_gate(text))

    tokens = GITHUB.parse(f"{whole}\nthe end\n")
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks == [
        "<details><summary>9 trials passed before and fail now</summary>",
        "</details>",
    ]
    inline = [part for token in tokens for part in token.children or []]
    assert {p.content for p in inline if p.type == "html_inline"} <= {"<code>", "</code>"}
    assert {part.type for part in inline} <= {
        "text",
        "html_inline",
        "strong_open",
        "strong_close",
        "softbreak",
        "code_inline",
    }
    assert tokens[-2].content == "the end"
    assert commands(whole) == []
    assert not HIDDEN.search(whole)


@each_hostile
def test_junit_parses_and_its_names_are_unique(text: str) -> None:
    whole = written(write_gate_junit, hostile_gate(text))

    cases = ET.fromstring(whole).findall("testsuite/testcase")
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    assert commands(whole) == []


@each_hostile
def test_github_hears_only_our_own_commands(text: str) -> None:
    whole = written(write_gate_github, hostile_gate(text))

    assert commands(whole) == ["error"] * 4 + ["warning", "notice"]
    assert len(whole.splitlines()) == 6
    assert not HIDDEN.search(whole)


@each_hostile
def test_the_screen_and_json_hold_text_and_no_command(text: str) -> None:
    report = hostile_gate(text)

    shown, whole = printed(report), written(write_gate_json, report)

    assert commands(shown) == commands(whole) == []
    assert not HIDDEN.search(shown)
    assert json.loads(whole)["policy"][0]["suite"] == text


def test_annotations_are_at_most_ten_of_a_level() -> None:
    findings = tuple(finding(kind) for kind in sorted(FINDINGS))
    many = gate_of([], [], findings + findings)

    lines = written(write_gate_github, many).splitlines()

    assert sum(line.startswith("::error") for line in lines) == 10
    assert sum(line.startswith("::warning") for line in lines) == 9


def test_a_summary_that_is_full_is_left_alone_and_one_that_is_no_file_is_said(
    tmp_path: Path,
) -> None:
    full = tmp_path / "full.md"
    full.write_text("x" * 900 * 1024, encoding="utf-8")

    append_gate_summary(gate_of([], []), full)

    assert full.stat().st_size == 900 * 1024
    with pytest.raises(UnavailableError, match="summary"):
        append_gate_summary(gate_of([], []), tmp_path)


def test_pairs_are_in_the_json_and_those_that_broke_are_found() -> None:
    report = gate_of([trial(1, "passed")], [trial(1, "failed")])

    whole = json.loads(written(write_gate_json, report))

    assert [pair["outcome"] for pair in whole["pairs"]] == ["broken"]
    assert whole["counts"]["broken"] == len(report.broken) == 1
