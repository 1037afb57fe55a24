from pathlib import Path

import pytest
from made_reports import FAILING, refused, report_of, said, scored, trial, written

from llmops.domain.score import Score
from llmops.errors import Fault, UnavailableError
from llmops.location import Location
from llmops.reporting.run.github import SUMMARY_LIMIT, append_step_summary, write_github


def failures(count: int, text: str = "x"):
    return [trial("failed", said(text, FAILING), case=f"case-{n}") for n in range(count)]


def test_each_failure_is_an_error_beside_its_line():
    lines = written(write_github, report_of([trial(), *failures(2)])).splitlines()

    assert lines == [
        "::error title=llmops%3A failed::2 of 3 trials failed",
        "::error file=suites/triage.yaml,line=31,col=9,title=triage › case-0 › fast"
        "::contains 'refund': not in the output",
        "::error file=suites/triage.yaml,line=31,col=9,title=triage › case-1 › fast"
        "::contains 'refund': not in the output",
    ]


def test_a_green_run_is_a_notice():
    shown = written(write_github, report_of([trial()]))

    assert shown == "::notice title=llmops%3A passed::all 1 trials passed\n"


def test_ten_errors_are_shown_and_the_others_counted():
    lines = written(write_github, report_of([*failures(30), trial("error")])).splitlines()

    assert len(lines) == 10
    assert all(line.startswith("::error ") for line in lines)
    assert lines[0].endswith("::30 of 31 trials failed; 22 more than shown here, see the summary")


def test_data_and_properties_are_escaped():
    wrong = scored(Score.failing("100% sure\nnot ::this::, \r or that"), "a,b:c")
    at = Location("a,b:c%.yaml", 2, 3)

    line = written(
        write_github,
        report_of([trial("failed", said("x", wrong)), trial("error", refused(at=at), case="c")]),
    ).splitlines()

    assert line[1].endswith("::a,b:c: 100%25 sure%0Anot ::this::, ␍ or that")
    assert "::error file=a%2Cb%3Ac%25.yaml,line=2,col=3,title=" in line[2]


def test_hints_and_warnings_are_told():
    at = Location("llmops.yaml", 4, 3)
    faults = [
        Fault(code="odd", message=f"warning {n}", at=at, hint="mend it", severity="warning")
        for n in range(12)
    ]
    faults[0] = Fault(code="odd", message="no place", severity="warning")

    lines = written(write_github, report_of([trial("error")], warnings=faults)).splitlines()

    assert lines[1].endswith("::auth (401): no such key%0Ahint: set OUR_API_KEY")
    assert lines[2] == "::warning title=llmops%3A odd::no place"
    assert lines[3] == (
        "::warning file=llmops.yaml,line=4,col=3,title=llmops%3A odd::warning 1%0Ahint: mend it"
    )
    assert len(lines) == 12


def test_the_summary_is_added_to_what_others_wrote(tmp_path: Path):
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")

    append_step_summary(report_of(failures(1)), path)

    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n### ✗ llmops: 1 of 1 trials failed\n")


def test_the_summary_stays_below_its_limit(tmp_path: Path):
    path = tmp_path / "summary.md"
    report = report_of(failures(1_500, "é" * 2_000))

    append_step_summary(report, path)
    once = path.stat().st_size
    append_step_summary(report, path)
    append_step_summary(report, path)

    assert SUMMARY_LIMIT * 0.9 < once <= SUMMARY_LIMIT
    assert path.stat().st_size <= SUMMARY_LIMIT
    assert "Left out to keep this short" in path.read_text(encoding="utf-8")


def test_the_summary_is_made_smaller_where_others_took_room(tmp_path: Path):
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (SUMMARY_LIMIT // 2))

    append_step_summary(report_of(failures(1_500, "é" * 2_000)), path)

    assert SUMMARY_LIMIT * 0.9 < path.stat().st_size <= SUMMARY_LIMIT


def test_a_full_summary_is_left_alone(tmp_path: Path):
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * SUMMARY_LIMIT)

    append_step_summary(report_of(failures(1)), path)

    assert path.stat().st_size == SUMMARY_LIMIT


def test_a_summary_that_cannot_be_written_says_so(tmp_path: Path):
    with pytest.raises(UnavailableError, match=r"the step's summary .* cannot be written"):
        append_step_summary(report_of(failures(1)), tmp_path)
