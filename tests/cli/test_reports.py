import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest
from small_project import CAPPED, CONFIG, SUITE, UNCOUNTED, Project, Run

SKIP = SUITE.replace("    inputs:", "    skip: not today\n    inputs:")
MORE = "  - id: two\n    inputs: {word: blue}\n    assert: [{contains: blue}]\n"
REFUSING = "rules: [{error: {kind: auth}}]\n"
ALL = [
    word for form in ("json", "jsonl", "junit", "markdown", "csv") for word in ("--report", form)
]

ENDS = [
    pytest.param({}, [], "passed", 0, id="passed"),
    pytest.param({"suites/say.yaml": SUITE.replace("s: red", "s: no")}, [], "failed", 1, id="f"),
    pytest.param({"echo.yaml": REFUSING}, [], "error", 3, id="error"),
    pytest.param(
        {"llmops.yaml": UNCOUNTED, "suites/say.yaml": CAPPED},
        [],
        "error",
        3,
        id="unscored",
    ),
    pytest.param({"suites/say.yaml": SKIP + MORE}, [], "passed", 0, id="skipped"),
    pytest.param({"suites/say.yaml": SKIP}, [], "empty", 5, id="all skipped"),
    pytest.param({"suites/say.yaml": SUITE + MORE}, ["--max-calls", "1"], "budget", 4, id="budget"),
]


@pytest.mark.parametrize(("files", "options", "status", "code"), ENDS)
def test_streams_reports_and_the_exit_code_say_the_same(
    project: Project,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    options: list[str],
    status: str,
    code: int,
) -> None:
    folder = project(files)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))

    done = run("test", *options, *ALL, "--report", "github=notes.txt")

    whole = json.loads((folder / "report.json").read_text("utf-8"))
    verdict, totals = whole["verdict"], whole["verdict"]["totals"]
    assert done.code == verdict["exit_code"] == code
    last = json.loads((folder / "report.jsonl").read_text("utf-8").splitlines()[-1])
    assert verdict in last.values()
    (suites,) = [ET.parse(folder / "report.xml").getroot()]
    wrong = int(suites.get("failures", 0)) + int(suites.get("errors", 0))
    assert (wrong == 0) is (code == 0)
    assert verdict["status"] == status
    counted = f"{totals['passed']} passed"
    assert counted in done.out
    assert counted in (folder / "report.md").read_text("utf-8")
    assert (folder / "summary.md").read_text("utf-8")
    assert (
        (folder / "notes.txt").read_text("utf-8").startswith("::notice" if code == 0 else "::error")
    )
    rows = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text("utf-8-sig"))))
    assert len([row for row in rows if row["status"] == "passed"]) >= totals["passed"]
    again = run("report", "--json")
    assert again.code == code
    assert json.loads(again.out)["verdict"] == verdict


@pytest.mark.parametrize("form", ["json", "jsonl", "junit", "markdown", "csv"])
def test_a_document_on_stdout_stands_there_alone(project: Project, run: Run, form: str) -> None:
    folder = project()

    done = run("test", "--report", f"{form}=-", "--report", f"{form}=same")

    assert done.code == 0
    assert "1 passed" in done.err
    assert done.out == (folder / "same").read_text("utf-8")


def test_every_command_that_reports_prints_json(project: Project, run: Run) -> None:
    project()

    printed = [run("test", "--json"), run("report", "--json"), run("rescore", "--json")]

    assert [json.loads(done.out)["verdict"]["status"] for done in printed] == ["passed"] * 3


def test_a_report_that_cannot_be_written_keeps_the_old_one_and_no_other_from_it(
    project: Project, run: Run
) -> None:
    folder = project({"blocked": "a file", "old.json": "old"})
    (folder / "folder").mkdir()

    done = run(
        "test", "--report", "junit=blocked/junit.xml", "--report", "json=new.json",
        "--report", "csv=folder",
    )  # fmt: skip

    assert done.code == 3
    assert "1 passed" in done.out
    assert "blocked/junit.xml cannot be written" in done.err
    assert "folder" in done.err
    assert json.loads((folder / "new.json").read_text("utf-8"))["verdict"]["exit_code"] == 0
    assert (folder / "blocked").read_text("utf-8") == "a file"


def test_a_summary_that_cannot_be_written_is_said(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))

    done = run("test", "--report", "github")

    assert done.code == 3
    assert "cannot be written" in done.err


def test_a_summary_is_added_to_what_other_steps_wrote(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project({"summary.md": "# before\n"})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))

    done = run("test", "--report", "github")

    assert done.out.startswith("::notice")
    assert "1 passed" in done.out
    assert (folder / "summary.md").read_text("utf-8").startswith("# before\n")


def test_a_report_may_lie_outside_the_project(
    project: Project, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "report.json"

    done = run("test", "--report", f"json={elsewhere}")

    assert done.code == 0
    assert str(elsewhere) in done.out.replace("\n", "")
    assert elsewhere.is_file()


def test_only_some_failures_are_shown_when_asked(project: Project, run: Run) -> None:
    project({"suites/say.yaml": (SUITE + MORE).replace("contains:", "equals:")})
    run("test")

    every, first = run("report"), run("report", "--first", "1")

    assert "say::one" in every.out
    assert "say::two" in every.out
    assert ("say::one" in first.out) is not ("say::two" in first.out)


def test_a_rescored_run_is_written_and_says_what_changed(project: Project, run: Run) -> None:
    folder = project()
    run("test")
    (folder / "suites/say.yaml").write_text(SUITE.replace("s: red", "s: blue"), encoding="utf-8")

    done = run("rescore", "--report", "markdown=-")

    assert done.code == 1
    assert "passed → failed" in done.err
    assert "1 failed" in done.err
    assert "1 failed" in done.out


def test_errors_stay_errors_when_rescored(project: Project, run: Run) -> None:
    project({"echo.yaml": REFUSING})
    run("test")

    done = run("rescore")

    assert done.code == 3
    assert "1 error" in done.out


def test_one_broken_file_of_a_run_does_not_hide_the_others(project: Project, run: Run) -> None:
    folder = project({"llmops.yaml": CONFIG})
    run("test")
    run("test")
    (folder / ".llmops/runs/20990101-000000-abcd.jsonl").write_text("no run\n", encoding="utf-8")

    listed, as_json = run("runs"), run("runs", "-n", "1", "--json")

    assert listed.code == as_json.code == 2
    assert "[broken-run]" in listed.err
    assert listed.out.count("passed") == 3
    assert len(json.loads(as_json.out)) == 1


def test_a_run_that_cannot_be_read_is_kept_all_the_same(project: Project, run: Run) -> None:
    folder = project({"llmops.yaml": CONFIG})
    run("test")
    (kept,) = (folder / ".llmops" / "runs").iterdir()
    text = kept.read_text(encoding="utf-8")
    kept.write_text(text.replace('"text":', '"words":'), encoding="utf-8")

    listed, cache = run("runs"), run("cache")

    assert (listed.code, cache.code) == (2, 0)
    assert "no run can be read" in listed.err
    assert "[broken-run]" in listed.err


def test_a_run_is_found_by_its_file(project: Project, run: Run) -> None:
    folder = project()
    run("test")
    (kept,) = (folder / ".llmops" / "runs").iterdir()

    done, missing = run("report", str(kept.relative_to(folder))), run("report", "other.jsonl")

    assert done.code == 0
    assert missing.code == 2
