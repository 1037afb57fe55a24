import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_diffs import FAULT, diff_report, part, rendered, sides, written
from made_reports import HOSTILE, PASSING, said, trial

from llmops.comparing.rendered import RenderedCase, diff_rendered
from llmops.comparing.text_diff import diff_texts
from llmops.domain.change import Change, PartChange
from llmops.domain.comparison import ComparisonVerdict
from llmops.domain.rendered import CaseName
from llmops.reporting.diff.base import DiffReport, part_title, rows, signed
from llmops.reporting.diff.console import print_diff
from llmops.reporting.diff.json import write_diff_json
from llmops.reporting.diff.markdown import render_diff_markdown, write_diff_markdown
from llmops.reporting.diff.totals import totals_table
from llmops.reporting.terminal import make_screen

GOLDEN = Path(__file__).parent.parent / "golden" / "diffs"
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(report: DiffReport, *, shown: int | None = 10, **environment: str) -> str:
    out = io.StringIO()
    screen = make_screen(out, {"NO_COLOR": "1", **environment})
    print_diff(report, screen, shown=shown, written=["diff.md"])
    return out.getvalue()


def table(report: DiffReport) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in totals_table(report)}


@pytest.mark.parametrize("name", ["console.txt", "markdown.md", "json.json"])
def test_a_diff_reads_as_it_did(name: str, rewrite: bool) -> None:
    report = diff_report(notes=("a note",))
    forms = {
        "console.txt": console(report),
        "markdown.md": written(write_diff_markdown, report),
        "json.json": json.dumps(json.loads(written(write_diff_json, report)), indent=1) + "\n",
    }

    if rewrite:
        GOLDEN.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(forms[name], encoding="utf-8")

    assert forms[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_verdict_is_the_same_everywhere() -> None:
    report = diff_report()
    verdict = report.verdict

    said_in_json = json.loads(written(write_diff_json, report))["verdict"]

    assert f"{verdict.status}: {verdict.reason}" in console(report)
    assert verdict.reason in written(write_diff_markdown, report)
    assert (said_in_json["status"], said_in_json["exit_code"]) == ("changed", 0)
    assert said_in_json["good"] is False


def test_what_broke_comes_first_and_what_is_not_shown_is_counted() -> None:
    text = console(diff_report(), shown=1)

    assert text.index("broken triage::breaks") > 0
    assert "fixed triage" not in text
    assert "… 4 more cases; all of them: --first 5, or --json" in text


def test_every_case_is_shown_when_asked_for() -> None:
    assert "more cases" not in console(diff_report(), shown=None)


@pytest.mark.parametrize(
    ("named", "reason", "title"),
    [
        (
            "partial a.md",
            "the text of the partial 'a.md' changed",
            "the text of the partial 'a.md' changed (patch)",
        ),
        ("partial a.md", "it changed", "partial a.md: it changed (patch)"),
    ],
)
def test_a_part_is_named_once(named: str, reason: str, title: str) -> None:
    change = PartChange(
        part=named, kind="wording", step="patch", before="a", after="b", reason=reason
    )

    assert part_title(change) == title


def test_words_that_changed_are_coloured_on_a_terminal() -> None:
    report = diff_report()

    text = console(report, NO_COLOR="", FORCE_COLOR="1")

    assert "\x1b[32m{+ Be brief.+}" in text


def test_unknown_costs_are_no_number() -> None:
    found = table(diff_report())

    assert found["cost"][1].endswith("+ 1 cost unknown")
    assert found["cost"][2] == "unknown"
    assert found["tone"] == ["0.500 (1 unscored)", "unknown", "unknown"]
    assert found["errors"] == ["0", "1", "+1"]


def test_both_sides_have_their_range_where_verdicts_lack() -> None:
    found = table(diff_report())

    assert found["passed"] == ["4–5/6", "4–5/6", "-1 to +1"]
    assert found["answered on both sides, of which:"] == ["5", "5", ""]


def test_the_length_of_outputs_is_told_with_its_change() -> None:
    before = [trial("passed", said("x" * 2_000, PASSING))]
    after = [trial("passed", said("x" * 1_000, PASSING))]

    found = table(diff_report(before, after))

    assert found["characters out, mean"] == ["2,000", "1,000", "-1,000 (-50 %)"]
    assert found["latency, median"][2] == "0"
    assert found["tokens out"] == ["4", "4", "0"]


def test_nothing_that_was_said_leaves_all_unknown() -> None:
    found = table(diff_report([trial("error")], [trial("error")]))

    assert found["cost"] == ["unknown"] * 3
    assert found["tokens in"] == ["unknown"] * 3
    assert found["characters out, mean"] == ["unknown"] * 3
    assert found["mean score"] == ["unknown"] * 3


def test_a_diff_without_a_run_has_no_table() -> None:
    verdict = ComparisonVerdict(
        status="same", exit_code=0, reason="the same content", complete=True
    )
    report = diff_report(
        comparison=None, rendered=None, change=Change(parts=()), verdict=verdict, run=None
    )

    assert totals_table(report) == []
    assert "same: the same content" in console(report)
    assert "✓ llmops diff: same" in render_diff_markdown(report)
    assert json.loads(written(write_diff_json, report))["comparison"] is None


def test_what_got_worse_is_marked_so() -> None:
    report = diff_report([trial("passed")], [trial("failed")])

    assert "### ✗ llmops diff: regressed" in render_diff_markdown(report)


def test_long_differences_are_shown_in_part_and_say_so() -> None:
    before = "\n".join(f"line {number}" for number in range(100))
    after = "\n".join(f"row {number}" for number in range(100))

    shown = rows(diff_texts(before, after), most=10)
    spread = rows(diff_texts("a\nb\nc\nd", "A\nb\nc\nD"), most=10, context=0)
    coarse = rows(diff_texts("a\n" * 6000 + "x", "b\n" * 6000), most=3)

    assert len(shown) == 10
    assert "more lines" in shown[-1].plain
    assert [row.sign for row in spread] == ["-", "+", "…", "-", "+"]
    assert "too long" in coarse[0].plain


def test_long_stretches_are_cut_around_what_changed() -> None:
    (row,) = rows(
        diff_texts("start " * 100 + "a" + " end" * 100, "start " * 100 + "b" + " end" * 100), most=5
    )
    (long,) = rows(diff_texts("a", "a " + "b" * 3_000), most=5)

    assert len(row.plain) < 200
    assert "[- a-]{+ b+}" in row.plain or "{+" in row.plain
    assert "more characters" in long.plain


def test_a_large_diff_stays_below_the_limit_and_says_what_it_left_out() -> None:
    before = [trial("passed", said("x\n" * 400, PASSING), case=f"c{n}") for n in range(500)]
    after = [trial("passed", said("y\n" * 400, PASSING), case=f"c{n}") for n in range(500)]
    report = diff_report(before, after)

    whole, small = (render_diff_markdown(report, limit=limit) for limit in (60_000, 1_000))

    assert len(whole) < 60_000
    assert "Left out to keep this short: the outputs of" in whole
    assert len(small) < 1_600
    assert report.verdict.reason in small


def test_many_ways_many_faults_and_many_lone_trials_are_counted() -> None:
    cases = [
        RenderedCase(
            case=CaseName("s", f"c{n}"),
            before=[{"role": "user", "content": "a"}],
            after=[{"role": "user", "content": f"a {n}"}],
        )
        for n in range(60)
    ]
    broken = [
        RenderedCase(case=CaseName("s", f"b{n}"), before=(FAULT,), after=()) for n in range(30)
    ]
    lone = [trial(case=f"lone-{n}") for n in range(30)]
    report = diff_report([trial(), *lone], [trial()], rendered=diff_rendered([*cases, *broken]))

    text, markdown = console(report), render_diff_markdown(report)

    assert "… 40 more ways" in text
    assert "… 10 more ways" in markdown
    for shown in (text, markdown):
        assert "… 10 more cases not rendered on a side" in shown
        assert "… 10 more trials without a counterpart" in shown


def test_samples_and_other_models_are_named() -> None:
    from llmops.domain.run import Arm

    before = [trial(sample=1)]
    after = [trial("failed", sample=1, arm=Arm(prompt="triage", model="slow"))]

    assert "(sample 2) › fast → slow" in console(diff_report(before, after))


@given(text=TEXT, other=TEXT)
def test_nothing_a_model_says_can_act(text: str, other: str) -> None:
    before = [trial("passed", said(text, PASSING), case=text or "c")]
    after = [trial("passed", said(other, PASSING), case=text or "c")]
    report = diff_report(before, after, change=Change(parts=(part(text, other, name=text),)))

    shown, in_ci = console(report), console(report, CI="1")
    markdown = render_diff_markdown(report)
    whole = json.loads(written(write_diff_json, report))

    assert not ESCAPES.search(shown)
    assert not re.search(r"(?m)^\s*::|##\[", in_ci)
    assert not ESCAPES.search(markdown)
    for line in markdown.split("\n"):
        assert "<script" not in line or line.startswith((" ", "+", "-", "~", "…"))
    assert whole["source"]["parts"][0]["before"] == text.encode("utf-16", "surrogatepass").decode(
        "utf-16", "surrogatepass"
    )


def test_fences_are_longer_than_any_inside() -> None:
    before = [trial("passed", said("a", PASSING))]
    after = [trial("passed", said("a\n`````\n<b>", PASSING))]

    markdown = render_diff_markdown(diff_report(before, after))

    assert "``````text" in markdown


def test_signs_of_numbers() -> None:
    assert [signed(0), signed(3), signed(-1234), signed(2, "$2")] == ["0", "+3", "-1,234", "+$2"]


def test_json_names_every_line_of_a_message() -> None:
    whole = json.loads(written(write_diff_json, diff_report(*sides(), rendered=rendered(2))))

    (group,) = whole["rendered"]["groups"]
    (change,) = group["changes"]
    assert group["count"] == 2
    assert change["lines"][0]["words"] == [
        ["kept", "You are a helpful assistant."],
        ["added", " Be brief."],
    ]
    assert whole["rendered"]["unrendered"][0]["before"][0]["code"] == "unknown-input"
    assert whole["comparison"]["counts"]["broken"] == 1
    assert whole["comparison"]["pairs"][0]["after"]["reasons"]
