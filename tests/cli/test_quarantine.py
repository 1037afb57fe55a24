import json

import pytest
from small_project import Project, Run

CASES = """\
prompt: say
cases:
  - {id: one, inputs: {word: red}, assert: [{contains: red}]}
  - {id: two, inputs: {word: blue}, assert: [{contains: green}]}
"""
ENTRY = "quarantine:\n  - {case: two, until: 2999-01-01, reason: It wavers.}\n"
SAY = "suites/say.yaml"


def test_a_failure_in_quarantine_is_counted_and_fails_nothing(project: Project, run: Run) -> None:
    project({SAY: CASES + ENTRY})

    done = run("test")

    assert done.code == 0
    assert "1 passed · 0 failed · 0 errors · 1 quarantined (1 failed)" in done.out
    assert "say › two › echo failed, quarantined until 2999-01-01: It wavers." in done.out
    assert "echo 1/1 (1 quarantined)" in done.out


def test_a_case_counts_again_when_its_day_has_passed(project: Project, run: Run) -> None:
    project({SAY: CASES + ENTRY.replace("2999", "2020")})

    done = run("test")
    linted = run("lint")

    assert done.code == 1
    assert "quarantined" not in done.out
    assert linted.code == 0
    assert "suites/say.yaml:6:5: warning: the quarantine of 'two' ended on 2020-01-01" in linted.err


def test_nothing_but_quarantined_cases_is_not_green(project: Project, run: Run) -> None:
    project({SAY: CASES + ENTRY})

    done = run("test", "say::two")

    assert done.code == 5
    assert "no trial counts: 1 of 1 are quarantined" in done.out


def test_an_error_in_quarantine_is_an_error(project: Project, run: Run) -> None:
    script = "rules:\n  - when: {contains: blue}\n    error: {kind: auth}\n  - echo: true\n"
    project({SAY: CASES + ENTRY, "echo.yaml": script})

    done = run("test")

    assert done.code == 3
    assert "1 error" in done.out


def test_a_report_and_a_rescore_of_an_old_run_say_the_same(project: Project, run: Run) -> None:
    root = project({SAY: CASES + ENTRY})
    run("test")
    (root / SAY).write_text(CASES, encoding="utf-8")

    reported = run("report", "last")
    rescored = run("rescore", "last")

    assert reported.code == rescored.code == 0
    assert "1 quarantined (1 failed)" in reported.out
    assert "1 quarantined (1 failed)" in rescored.out


def test_what_is_excused_neither_stops_a_run_nor_is_run_again(project: Project, run: Run) -> None:
    cases = CASES.replace("cases:\n", "").splitlines(keepends=True)
    suite = "".join([cases[0], "cases:\n", cases[2], cases[1]])
    project({SAY: suite + ENTRY})

    done = run("test", "--fail-fast")
    again = run("test", "--failed")

    assert done.code == 0
    assert "1 passed" in done.out
    assert again.code == 5
    assert "nothing failed" in again.err


def test_a_resumed_run_keeps_its_day_and_does_not_trust_an_old_excuse(
    project: Project, run: Run
) -> None:
    root = project({SAY: CASES + ENTRY})
    run("test")
    (path,) = (root / ".llmops/runs").glob("*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    header = json.loads(lines[0])["header"]
    (root / SAY).write_text(CASES, encoding="utf-8")
    path.write_text("".join([lines[0], lines[2]]), encoding="utf-8")

    done = run("test", "--resume", "last")

    assert header["options"]["today"] == header["started"][:10]
    assert done.code == 1
    assert "1 passed · 1 failed" in done.out


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{case: too, until: 2999-01-01, reason: x}", "no case 'too'"),
        ("{case: two, reason: x}", "'until'"),
        ("{case: two, until: 2999-01-01}", "'reason'"),
        ("{case: two, until: 2026-02-30, reason: x}", "there is no day '2026-02-30'"),
        ("{case: two, until: soon, reason: x}", "expected a date, found 'soon'"),
        ("{case: two, until: 20261205, reason: x}", "expected a date, found '20261205'"),
        ("{case: ' ', until: 2999-01-01, reason: x}", "nothing is written here"),
    ],
)
def test_a_wrong_entry_is_shown_where_it_stands(
    project: Project, run: Run, entry: str, message: str
) -> None:
    project({SAY: f"{CASES}quarantine:\n  - {entry}\n"})

    done = run("test")

    assert done.code == 2
    assert f"{SAY}:6:" in done.err
    assert message in done.err


def test_a_misspelt_case_is_guessed_and_a_doubled_one_refused(project: Project, run: Run) -> None:
    root = project({SAY: f"{CASES}{ENTRY}  - {{case: two, until: 2999-01-02, reason: x}}\n"})

    doubled = run("test")
    (root / SAY).write_text(CASES + ENTRY.replace("two", "tow"), encoding="utf-8")
    misspelt = run("lint")

    assert "'two' is quarantined twice" in doubled.err
    assert "did you mean 'two'?" in misspelt.err


def test_a_selection_knows_the_cases_it_leaves_out(project: Project, run: Run) -> None:
    project({SAY: CASES + ENTRY})

    done = run("test", "say::one")

    assert done.code == 0
    assert "1 passed" in done.out
