import json
from datetime import datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path

import pytest
from small_project import PROMPT, Project, Run

CASES = """\
prompt: say
samples: 5
assert: [{contains: Say}]   # of every case
cases:
  - {id: red, inputs: {word: red}}
  - {id: blue, inputs: {word: blue}}
  - {id: grey, inputs: {word: grey}, tags: [must_pass]}
"""
WAVERS = """\
rules:
  - when: {contains: red}
    replies: [Say red., Say red., No., Say red., No.]
  - when: {contains: grey}
    replies: [Say grey., No.]
  - echo: true
"""
SAY = "suites/say.yaml"
DAY = "2999-01-01"


class Fortnight(datetime):
    """The time, two weeks before that day; at each look a second is over."""

    _looks = count()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2998, 12, 18, tzinfo=tz) + timedelta(seconds=next(cls._looks))


@pytest.fixture
def folder(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a run in which two cases wavered."""
    monkeypatch.setattr("llmops.cli.terminal.clock.datetime", Fortnight)
    root = project({SAY: CASES, "echo.yaml": WAVERS})
    assert run("test").code == 1
    return root


def found(run: Run, *words: str) -> dict[str, dict[str, object]]:
    done = run("flaky", *words, "--json")
    assert done.code == 0, done.err
    return {case["case"]: case for case in json.loads(done.out)["cases"]}


def test_cases_that_waver_come_first_with_how_sure_it_is(folder: Path, run: Run) -> None:
    cases = found(run)

    assert list(cases)[-1] == "blue"
    red = cases["red"]
    assert (red["passed"], red["n"], red["habit"]) == (3, 5, "flaky")
    assert 0.1 < red["low"] < red["rate"] < red["high"] < 1
    assert red["flaky"] > 0.9
    assert red["attempts"][1] == {"k": 2, "any": pytest.approx(0.9), "all": pytest.approx(0.3)}
    assert len(red["attempts"]) == 5
    assert cases["blue"]["habit"] == "passes"
    assert cases["grey"]["must_pass"] is True


def test_the_table_shows_the_entries_that_are_proposed(folder: Path, run: Run) -> None:
    done = run("flaky")

    assert "say › red" in done.out
    assert "blue" not in done.out
    assert "flaky, and must pass: mend it" in done.out
    assert f"to be added to {SAY}:" in done.out
    assert f"- case: red\n       until: {DAY}" in done.out
    assert "2 flaky cases of 3 · 1 kept run" in done.out
    assert "say › blue" in run("flaky", "--all").out


def test_writing_changes_nothing_else_and_excuses_the_case(folder: Path, run: Run) -> None:
    done = run("flaky", "--write")

    text = (folder / SAY).read_text(encoding="utf-8")
    assert f"written into {SAY}:" in done.out
    assert text == (
        f"{CASES}quarantine:\n  - case: red\n    until: {DAY}\n"
        "    reason: passed 3 of 5 times on echo\n"
    )
    assert run("flaky", "--json").out.count('"renewed"') == 0
    assert "quarantined until" in run("flaky").out
    assert "5 quarantined (2 failed)" in run("test", "say::red", "say::blue").out


def test_an_entry_that_is_over_gets_another_day(folder: Path, run: Run) -> None:
    entry = "quarantine:\n  - {case: red, until: '2020-01-01', reason: Old.}  # since May\n"
    (folder / SAY).write_text(CASES + entry, encoding="utf-8")

    done = run("flaky", "--write")

    assert done.code == 0
    text = (folder / SAY).read_text(encoding="utf-8")
    assert text == CASES + entry.replace("2020-01-01", DAY)


def test_another_wording_and_other_claims_are_another_history(folder: Path, run: Run) -> None:
    (folder / SAY).write_text(CASES.replace("contains: Say", "contains: N"), encoding="utf-8")
    asserted = json.loads(run("flaky", "--json").out)
    (folder / SAY).write_text(CASES, encoding="utf-8")
    prompt = folder / "prompts/say.yaml"
    prompt.write_text(PROMPT.replace("Say {{", "Do say {{"), encoding="utf-8")
    worded = found(run)

    assert asserted["changed"] == 15
    assert {case["n"] for case in worded.values()} == {0}
    assert {case["habit"] for case in worded.values()} == {"unknown"}
    assert "3 cases never judged" in run("flaky").out


def test_runs_add_up_and_only_the_newest_are_looked_through(folder: Path, run: Run) -> None:
    run("test")

    assert found(run)["red"]["n"] == 10
    assert found(run, "--runs", "1")["red"]["n"] == 5
    assert found(run, "say::blue")["blue"]["n"] == 10


def test_an_answer_that_was_looked_up_again_is_no_new_evidence(folder: Path, run: Run) -> None:
    run("test", "--record")
    run("test", "--replay")

    assert found(run)["red"]["n"] == 10
    for path in (folder / ".llmops/runs").glob("*.jsonl"):
        if '"recorded"' not in path.read_text(encoding="utf-8"):
            path.unlink()
    assert found(run)["red"]["n"] == 5


def test_what_cannot_be_read_is_counted_and_what_cannot_be_trusted_passed_over(
    folder: Path, run: Run
) -> None:
    run("test", "--untrusted")
    runs = folder / ".llmops/runs"
    (runs / "20990101-000000-aaaa.jsonl").write_text("{}\n", encoding="utf-8")
    header = next(iter(sorted(runs.glob("*.jsonl")))).read_text(encoding="utf-8").split("\n")[0]
    (runs / "20990101-000000-bbbb.jsonl").write_text(f"{header}\nno\n", encoding="utf-8")

    assert found(run)["red"]["n"] == 5
    assert json.loads(run("flaky", "--json").out)["broken"] == 2
    assert "2 runs broken: see 'llmops runs'" in run("flaky").out


def test_errors_are_told_and_counted_apart(project: Project, run: Run) -> None:
    script = "rules:\n  - when: {contains: red}\n    error: {kind: auth}\n  - echo: true\n"
    project({SAY: CASES, "echo.yaml": script})
    run("test")

    cases = found(run)

    assert (cases["red"]["n"], cases["red"]["unknown"]) == (0, 5)


def test_nothing_selected_is_said(folder: Path, run: Run) -> None:
    assert run("flaky", "-k", "purple").code == 5


def test_a_ci_writes_no_quarantine(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    looked, written = run("flaky"), run("flaky", "--write")

    assert (looked.code, written.code) == (0, 2)
    assert "a CI never writes quarantines" in written.err
    assert (folder / SAY).read_text(encoding="utf-8") == CASES


def test_arms_are_told_apart_by_their_parameters(project: Project, run: Run) -> None:
    project({SAY: CASES + "parameters: {temperature: 0.5}\n", "echo.yaml": WAVERS})
    run("test")

    assert "echo (temperature=0.5)" in run("flaky").out
    run("test", "--samples", "2", "--fresh")
    assert "2 kept runs" in run("flaky").out


def test_a_case_that_was_seen_once_has_no_attempts_to_tell_of(project: Project, run: Run) -> None:
    project({SAY: CASES.replace("samples: 5", "samples: 1"), "echo.yaml": WAVERS})
    run("test")

    assert "1/1" in run("flaky", "--all").out
