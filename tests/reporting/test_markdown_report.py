import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_reports import FAILING, PASSING, report_of, said, scored, trial, written
from markdown_it import MarkdownIt

from llmops.domain.score import Score
from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.page import COMMENT_LIMIT
from llmops.reporting.run.markdown import render_markdown, write_markdown

GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")


def failures(count: int, text: str = "I can look into this. " * 100):
    return [trial("failed", said(text, FAILING), case=f"case-{n}") for n in range(count)]


def test_the_verdict_comes_first():
    lines = written(write_markdown, report_of([trial(), *failures(1)])).splitlines()

    assert lines[0] == "### ✗ llmops: 1 of 2 trials failed"
    assert lines[2] == (
        "**failed** (exit code 1) · 1 passed · 1 failed · 0 errors · pass rate 50 % · "
        "&#36;0.00 of &#36;0.002 · 0.4 s · run <code>7c1e</code>"
    )


def test_a_green_run_is_short():
    shown = written(write_markdown, report_of([trial(), trial(model="haiku")], commit="a1b2c3"))

    assert shown == (
        "### ✓ llmops: all 2 trials passed\n\n"
        "**passed** (exit code 0) · 2 passed · 0 failed · 0 errors · pass rate 100 % · "
        "&#36;0.00 of &#36;0.002 · 0.4 s · run <code>7c1e</code> · commit <code>a1b2c3</code>\n"
        "\n"
        "| suite | <code>fast</code> | <code>haiku</code> |\n"
        "|---|---|---|\n"
        "| ✓ <code>triage</code> | 1/1 | 1/1 |\n"
    )


@pytest.mark.parametrize("limit", [COMMENT_LIMIT, 5_000, 2_000, 1_200])
def test_whole_sections_are_dropped_and_named(limit):
    text = render_markdown(report_of(failures(200)), limit=limit)

    assert len(text) < limit
    tokens = GITHUB.parse(text)
    assert sum(token.type == "fence" for token in tokens) == text.count("<code>triage › case")
    assert text.count("<details>") == text.count("</details>")
    shown = text.count("<code>triage › case")
    left_out = f"Left out to keep this short: {200 - shown} trials that did not pass. "
    assert f"{left_out}All of it: <code>llmops report 7c1e</code>\n" in text


@settings(max_examples=40)
@given(st.integers(700, 30_000), st.integers(0, 60), st.integers(0, 3_000))
def test_no_size_is_ever_exceeded(limit, count, length):
    report = report_of([trial(), *failures(count, "é`" * length)])

    assert len(render_markdown(report, limit=limit)) <= limit
    assert len(render_markdown(report, limit=limit, measure=utf8_size).encode()) <= limit


def utf8_size(text: str) -> int:
    return len(text.encode())


def test_tables_that_do_not_fit_are_named():
    trials = [
        trial(
            "passed", said("x", scored(Score.passing("so"), metric="m" * 50 + str(n))), suite=f"{n}"
        )
        for n in range(100)
    ]

    text = render_markdown(report_of(trials, warnings=[warning(0)] * 15), limit=1_000)

    assert "the table of suites, the warnings, the table of metrics" in text


def warning(number: int) -> Fault:
    at = Location("llmops.yaml", number + 1, 3) if number % 2 else None
    return Fault(code="odd", message=f"warning {number}", at=at, severity="warning")


def test_twenty_warnings_are_shown():
    text = render_markdown(report_of([trial()], warnings=[warning(n) for n in range(23)]))

    assert "- <code>warning 0</code>\n" in text
    assert "- <code>llmops.yaml&#58;2&#58;3</code> <code>warning 1</code>\n" in text
    assert "- … 3 more warnings\n" in text


def test_a_hundred_suites_are_shown_the_wrong_ones_first():
    trials = [trial(suite=f"suite-{n}") for n in range(120)] + [trial("failed", suite="last")]

    text = render_markdown(report_of(trials))

    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1] == "| ✗ <code>last</code> | 0/1 |"
    assert len(rows) == 101
    assert "\n\n… 21 more suites, 0 not passed\n" in text


def test_many_arms_share_a_column():
    trials = [trial(model=f"m{n}") for n in range(12)] + [trial(suite="other", model="m0")]

    text = render_markdown(report_of(trials))

    assert "| suite | passed |\n" in text
    assert "| ✓ <code>triage</code> | <code>m0</code> 1/1, <code>m1</code> 1/1, " in text
    assert "<code>m7</code> 1/1, 4 more |\n" in text
    assert "| ✓ <code>other</code> | <code>m0</code> 1/1 |\n" in text


def test_a_suite_without_an_arm_has_an_empty_cell():
    text = render_markdown(report_of([trial(), trial(suite="reply", model="haiku")]))

    assert "| ✓ <code>triage</code> | 1/1 |  |\n| ✓ <code>reply</code> |  | 1/1 |\n" in text


def test_metrics_are_rows():
    claim = scored(Score.passing("so", 0.75), metric="kind")
    many = [scored(Score.passing("so"), metric=f"m{n}") for n in range(60)]

    text = render_markdown(report_of([trial("passed", said("x", claim))]))
    long = render_markdown(report_of([trial("passed", said("x", *many))]))

    assert "| <code>kind</code> | <code>fast</code> | 0.75 (n=1) |\n" in text
    assert "… 10 more rows" in long


def test_a_failure_shows_its_claims_its_output_and_its_command():
    wrong = [scored(Score.failing(f"reason {n}"), f"claim {n}") for n in range(7)]

    text = render_markdown(
        report_of([trial("failed", said("x" * 2_100, *wrong)), trial("failed", said("", FAILING))])
    )

    assert "- <code>claim 4</code> <code>reason 4</code>\n- … 2 more assertions\n" in text
    assert f"```text\n{'x' * 2_000}\n```\n\n… cut here: 2,100 characters in all\n" in text
    assert "\n(empty output)\n" in text
    assert "<code>llmops test triage&#58;&#58;angry-customer --model fast</code>" in text


def test_an_error_shows_its_hint():
    text = render_markdown(report_of([trial("error"), trial(case="b")]))

    assert "· hint: <code>set OUR&#95;API&#95;KEY</code>" in text
    assert "pass rate 50–100 %" in text
    assert "```" not in text


def test_uncommitted_changes_are_said():
    report = report_of([trial("passed", said("x", PASSING))], commit="a" * 40, dirty="b" * 12)

    assert re.search(
        f"commit <code>{'a' * 12}</code> and uncommitted changes", render_markdown(report)
    )
