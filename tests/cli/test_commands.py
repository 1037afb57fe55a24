import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, SUITE, Project, Run

from llmops.cli.app import COMMANDS
from llmops.scoring.base import KINDS

TWO = (
    SUITE
    + "  - id: two\n    tags: [slow]\n    inputs: {word: blue}\n    assert: [{contains: green}]\n"
)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_two_examples(run: Run, command: str) -> None:
    done = run(command, "--help")

    assert done.code == 0
    after = done.out.split("Examples:", 1)[1].split("\n\n", 1)[0]
    examples = [line for line in after.splitlines() if line.strip().startswith("llmops ")]
    assert len(examples) == 2


def test_the_version_is_printed(run: Run) -> None:
    done = run("--version")

    assert done.code == 0
    assert done.out.startswith("llmops 0.")


def test_an_unknown_command_is_a_mistake_of_the_user(run: Run) -> None:
    done = run("tset")

    assert done.code == 2
    assert "tset" in done.err


def test_lint_counts_what_it_read_and_warns(project: Project, run: Run) -> None:
    project(
        {
            "prompts/lonely.yaml": "model: echo\nuser: hello\u200b there\n",
            "prompts/say.yaml": PROMPT.replace("inputs: {", "inputs: {spare: {default: x}, "),
        }
    )

    done = run("lint")

    assert done.code == 0
    for code in ("[no-suite]", "[no-version]", "[invisible-character]", "[unused-input]"):
        assert code in done.err
    assert "0 errors, 4 warnings · 2 prompts, 1 suite, 1 planned trial" in done.err


def test_lint_as_json_places_every_fault(project: Project, run: Run) -> None:
    project({"suites/say.yaml": SUITE.replace("contains", "contians")})

    done = run("lint", "--json")

    assert done.code == 2
    found = json.loads(done.out)
    assert found[0]["at"] == {"path": "suites/say.yaml", "line": 5, "column": 15}
    assert found[0]["hint"] == "did you mean 'contains'?"


def test_lint_reads_scripts_recordings_and_unreadable_projects(project: Project, run: Run) -> None:
    folder = project({"echo.yaml": "rulez: []\n", "recordings/say.jsonl": "no json\n"})

    done = run("lint")
    (folder / "llmops.yaml").write_text("models: [\n", encoding="utf-8")
    broken = run("lint")

    assert done.code == broken.code == 2
    assert "echo.yaml:1:1" in done.err
    assert "recordings/say.jsonl:1:" in done.err
    assert "llmops.yaml:" in broken.err


def test_lint_finds_a_secret_in_git(project: Project, run: Run) -> None:
    folder = project({".env": "X_API_KEY=abc\n"})
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)

    done = run("lint")

    assert done.code == 2
    assert "[tracked-secret]" in done.err


def test_render_shows_what_a_model_would_be_asked(project: Project, run: Run) -> None:
    project()

    shown = run("render", "say", "-i", "word=red")
    as_json = run("render", "say", "--case", "say::one", "--json")

    assert shown.code == 0
    assert "[user]\nSay red." in shown.out
    assert json.loads(as_json.out)["request"]["messages"][0]["content"] == "Say red."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say"], "word"),
        (["say", "-i", "wrod=1"], "wrod"),
        (["say", "-i", "word"], "NAME=VALUE"),
        (["syy", "-i", "word=1"], "syy"),
        (["say", "--case", "say"], "2 cases"),
    ],
)
def test_render_refuses_what_it_cannot_render(
    project: Project, run: Run, arguments: list[str], words: str
) -> None:
    project({"suites/say.yaml": TWO})

    done = run("render", *arguments)

    assert done.code == 2
    assert words in done.err


def test_show_prints_the_source(project: Project, run: Run) -> None:
    project()

    shown = run("show", "say")
    as_json = json.loads(run("show", "say", "--json").out)

    assert shown.out.strip() == PROMPT.strip()
    assert as_json["version"] == "1.0.0"
    assert len(as_json["hash"]) == 12


def test_the_listings_name_what_there_is(project: Project, run: Run) -> None:
    project({"suites/say.yaml": TWO})

    prompts, suites = run("prompts"), run("suites")
    cases = run("suites", "--cases", "-k", "slow")
    models, scorers = run("models"), run("scorers")

    assert prompts.out.splitlines()[1].split()[:2] == ["say", "1.0.0"]
    assert suites.out.splitlines()[1].split() == ["say", "say", "echo", "2", "2"]
    assert cases.out.splitlines()[1:] == ["say::two  slow"]
    assert models.out.splitlines()[1].split()[:3] == ["echo", "scripted/echo", "scripted"]
    assert "contains" in scorers.out


def test_the_listings_are_json_too(project: Project, run: Run) -> None:
    project({"suites/say.yaml": TWO})

    prompts = json.loads(run("prompts", "--json").out)
    suites = json.loads(run("suites", "--json").out)
    models = json.loads(run("models", "--json").out)
    scorers = json.loads(run("scorers", "--json").out)

    assert [prompt["name"] for prompt in prompts] == ["say"]
    assert [case["id"] for case in suites[0]["cases"]] == ["one", "two"]
    assert models[0]["key_set"] is True
    assert {"contains", "equals", "similar"} <= {scorer["name"] for scorer in scorers}


def test_the_models_say_which_key_is_missing(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project({"suites/say.yaml": SUITE.replace("cases:", "models: [openai/gpt-x, echo]\ncases:")})

    listed = json.loads(run("models", "--json").out)
    doctor = run("doctor")

    keys = {model["label"]: (model["key"], model["key_set"]) for model in listed}
    assert keys == {"echo": (None, True), "openai/gpt-x": ("OPENAI_API_KEY", False)}
    assert "OPENAI_API_KEY is not set" in doctor.out
    assert doctor.code == 0


def test_a_scorers_page_is_its_manual(project: Project, run: Run) -> None:
    project()

    page, unknown = run("scorers", "similar"), run("scorers", "simular")

    assert "# similar" in page.out
    assert "threshold" in page.out
    assert unknown.code == 2
    assert "did you mean 'similar'?" in unknown.err


def test_doctor_sees_a_broken_project(project: Project, run: Run) -> None:
    project({"llmops.yaml": "modles: {}\n"})

    done = run("doctor", "--json")

    assert done.code == 2
    states = {check["name"]: check["state"] for check in json.loads(done.out)}
    assert states["project"] == "error"
    assert states["llmops"] == "ok"


def test_doctor_sees_a_shallow_clone(project: Project, run: Run, tmp_path: Path) -> None:
    folder = project()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for message in ("one", "two"):
        subprocess.run([*git, "add", "."], cwd=folder, check=True)
        subprocess.run(
            [*git, "commit", "--quiet", "--allow-empty", "-m", message], cwd=folder, check=True
        )
    clone = folder / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", f"file://{folder}", clone], check=True
    )
    inside = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(clone / ".git", ignore_errors=False) if inside.stdout.strip() != "true" else None

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone)
        done = run("doctor")

    assert "git fetch --unshallow" in done.out


def test_a_run_is_listed_reported_and_rescored(project: Project, run: Run) -> None:
    folder = project({"suites/say.yaml": TWO})
    first = run("test")
    (folder / "suites/say.yaml").write_text(TWO.replace("green", "blue"), encoding="utf-8")

    listed = json.loads(run("runs", "--json").out)
    table = run("runs")
    again = run("report")
    markdown = run("report", listed[0]["id"][-4:], "--report", "markdown=-")
    rescored = run("rescore", "--report", "json=rescored.json")

    assert first.code == again.code == markdown.code == 1
    assert [(entry["status"], entry["exit_code"]) for entry in listed] == [("failed", 1)]
    assert "1/2" in table.out
    assert "say::two" in again.out
    assert "1 passed" in markdown.out
    assert rescored.code == 0
    assert "failed → passed" in rescored.err
    assert json.loads((folder / "rescored.json").read_text("utf-8"))["verdict"]["exit_code"] == 0


def test_a_rescored_run_says_what_is_in_no_suite_any_more(project: Project, run: Run) -> None:
    folder = project({"suites/say.yaml": TWO})
    run("test")
    (folder / "suites/say.yaml").write_text(SUITE, encoding="utf-8")

    done = run("rescore")

    assert done.code == 3
    assert "1 trial of the run in no suite any more" in done.err


def test_no_run_is_kept_at_first(project: Project, run: Run) -> None:
    project()

    listed, report = run("runs"), run("report")

    assert listed.code == 0
    assert "no run is kept yet" in listed.err
    assert report.code == 2
    assert "run 'llmops test' first" in report.err


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("json", "{\n"),
        ("jsonl", "{"),
        ("junit", "<?xml"),
        ("markdown", ""),
        ("csv", "suite"),
    ],
)
def test_every_report_is_written_to_its_file(
    project: Project, run: Run, form: str, start: str
) -> None:
    folder = project()

    done = run("test", "--report", f"{form}=out/report")

    text = (folder / "out" / "report").read_text(encoding="utf-8")
    assert done.code == 0
    assert "out/report" in done.out
    assert text.lstrip("\ufeff").startswith(start.strip())


def test_github_gets_annotations_and_a_summary(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project({"suites/say.yaml": TWO})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))

    done = run("test", "--report", "github")

    assert "::error file=suites/say.yaml,line=9" in done.out
    assert "1 passed" in (folder / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("wish", ["xml", "junit=", "jsn"])
def test_an_unknown_report_is_refused_before_anything_runs(
    project: Project, run: Run, wish: str
) -> None:
    folder = project()

    done = run("test", "--report", wish)

    assert done.code == 2
    assert not (folder / ".llmops").exists()


def test_a_report_as_json_is_all_that_stands_on_stdout(project: Project, run: Run) -> None:
    project({"suites/say.yaml": TWO})

    done = run("test", "--json")

    verdict = json.loads(done.out)["verdict"]
    assert verdict["exit_code"] == done.code == 1


def test_recordings_are_written_and_replayed_without_anybody_to_ask(
    project: Project, run: Run
) -> None:
    folder = project()
    recorded = run("record")
    shutil.rmtree(folder / ".llmops")
    (folder / "echo.yaml").write_text("rules: [{error: {kind: auth}}]\n", encoding="utf-8")

    replayed = run("test", "--replay")
    missed = run("test", "--replay", "--set", "inputs.word=reddish")

    assert recorded.code == replayed.code == 0
    assert "recordings/say.jsonl" in recorded.out
    assert "(1 recorded)" in replayed.out
    assert missed.code == 3
    assert "nearest in recordings/say.jsonl" in missed.out


def test_a_kept_run_becomes_recordings(project: Project, run: Run) -> None:
    folder = project()
    run("test")

    done = run("record", "--from-run", "last")

    assert done.code == 0
    assert (folder / "recordings" / "say.jsonl").read_text("utf-8").count("\n") == 2


@pytest.mark.filterwarnings("default")
def test_the_cache_is_shown_exported_and_cleared(project: Project, run: Run, parrot: str) -> None:
    config = f"models: {{echo: {{model: openai/parrot, api_base: '{parrot}'}}}}\n"
    project({"llmops.yaml": config})
    empty = run("cache")
    run("test")
    asked_again, fresh = run("test"), run("test", "--fresh")

    shown, as_json = run("cache"), json.loads(run("cache", "--json").out)
    exported = [json.loads(line) for line in run("cache", "--export").out.splitlines()]
    other, cleared = run("cache", "--clear", "-m", "other"), run("cache", "--clear")

    assert "the cache is empty" in empty.err
    assert "(1 cached)" in asked_again.out
    assert "(1 live)" in fresh.out
    assert shown.out.splitlines()[1].split() == ["echo", "1"]
    assert as_json["entries"] == 1
    assert exported[0]["completion"]["text"] == "Say red."
    assert "forgot 0 entries" in other.err
    assert "forgot 1 entry" in cleared.err


def test_a_script_is_asked_each_time(project: Project, run: Run) -> None:
    folder = project()
    run("test")
    (folder / "echo.yaml").write_text("default: green\n", encoding="utf-8")

    done = run("test")

    assert done.code == 1
    assert "(1 live)" in done.out


def test_failed_runs_only_what_failed_with_the_options_of_then(project: Project, run: Run) -> None:
    project({"suites/say.yaml": TWO})
    first = run("test", "--samples", "3")

    again = run("test", "--failed")
    new = run("test", "--new")

    assert "3 failed" in first.out
    assert "0 passed · 3 failed" in again.out
    assert again.code == 1
    assert new.code == 5


def test_nothing_failed_is_never_green_for_failed(project: Project, run: Run) -> None:
    project()
    run("test")

    done = run("test", "--failed")

    assert done.code == 5
    assert "nothing failed" in done.err


def test_a_stopped_run_goes_on_and_a_finished_one_does_not(project: Project, run: Run) -> None:
    project({"suites/say.yaml": TWO.replace("green", "blue")})
    stopped = run("test", "--max-calls", "1")
    partial = run("test", "--failed")

    resumed = run("test", "--resume", "last")
    finished = run("test", "--resume", "last")

    assert stopped.code == 4
    assert partial.code == 2
    assert "finish it first" in partial.err
    assert resumed.code == 0
    assert "2 passed" in resumed.out
    assert finished.code == 2
    assert "is finished" in finished.err


def test_a_run_whose_suites_changed_is_not_resumed(project: Project, run: Run) -> None:
    folder = project({"suites/say.yaml": TWO.replace("green", "blue")})
    run("test", "--max-calls", "1")
    (folder / "suites/say.yaml").write_text(TWO.replace("id: one", "id: won"), encoding="utf-8")

    done = run("test", "--resume", "last")

    assert done.code == 2
    assert "[stale-run]" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--replay", "--fresh"],
        ["--resume", "last", "-k", "x"],
        ["--set", "word=1"],
        ["--set", "inputs.word"],
        ["--param", "temperature"],
        ["--shard", "3/2"],
        ["-k", "a and"],
        ["--samples", "0"],
        ["--model", "nobody"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    project: Project, run: Run, arguments: list[str]
) -> None:
    project()

    done = run("test", *arguments)

    assert done.code == 2
    assert done.err


def test_a_sweep_of_parameters_makes_arms(project: Project, run: Run) -> None:
    project()

    done = run("test", "--param", "temperature=0,0.7", "--param", 'stop=["."]')

    assert "2 passed" in done.out
    assert "temperature=0.7" in done.out


def test_fail_fast_stops_and_is_not_green(project: Project, run: Run) -> None:
    many = "".join(
        f"  - id: c{n}\n    inputs: {{word: w{n}}}\n    assert: [{{contains: no}}]\n"
        for n in range(40)
    )
    project({"suites/say.yaml": "prompt: say\ncases:\n" + many})

    done = run("test", "--fail-fast", "--concurrency", "1")

    assert done.code == 1
    assert "1 failed" in done.out


def test_init_lays_out_a_project_that_is_green_at_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid = run("init", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path / "mine")

    tested, linted, again = run("test", "--replay"), run("lint"), run("init")

    assert laid.code == tested.code == linted.code == again.code == 0
    assert "3 passed" in tested.out
    assert "0 errors, 0 warnings" in linted.err
    assert again.out == ""
    assert again.err.count("it is there already") == 10
    log = subprocess.run(
        ["git", "log", "--format=%s", "--", "prompts/summary.yaml"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(log.stdout.splitlines()) == 2


def test_init_makes_no_repository_where_it_was_not_asked_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")

    plain = run("init", str(tmp_path / "plain"), "--no-git")
    full = run("init", str(tmp_path / "full"))
    file = run("init", str(tmp_path / "file"))

    assert plain.code == full.code == 0
    assert not (tmp_path / "plain" / ".git").exists()
    assert not (tmp_path / "full" / ".git").exists()
    assert file.code == 2
    assert "is a file" in file.err


@pytest.mark.parametrize("kind", ["prompt", "suite", "config"])
def test_a_schema_is_printed_and_written(project: Project, run: Run, kind: str) -> None:
    folder = project()

    printed, written = run("schema", kind), run("schema", "--write")

    path = folder / ".llmops" / "schemas" / f"{kind}.schema.json"
    assert printed.code == written.code == 0
    assert json.loads(printed.out) == json.loads(path.read_text(encoding="utf-8"))


def test_a_schema_of_nothing_is_refused(project: Project, run: Run) -> None:
    project()

    assert run("schema").code == 2


@pytest.fixture
def scorers_as_before() -> Iterator[None]:
    """Forget the scorers that a test brings."""
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.mark.usefixtures("scorers_as_before")
def test_a_plug_in_adds_a_scorer_and_an_untrusted_run_does_not_load_it(
    project: Project, run: Run
) -> None:
    plugin = (
        "from dataclasses import dataclass\n"
        "from llmops.domain.score import Score\n"
        "from llmops.scoring.base import Subject, scorer\n"
        "@scorer('shouts_{0}', primary=None)\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Shouts:\n"
        '    """Passes if the output is in capitals."""\n'
        "    slow = False\n"
        "    def score(self, subject: Subject) -> Score:\n"
        "        return Score.of(subject.text.isupper(), 'looked at the letters')\n"
    ).replace("{0}", "loudly")
    project(
        {
            "llmops.yaml": CONFIG + "plugins: [shouting_plugin]\n",
            "shouting_plugin.py": plugin,
            "suites/say.yaml": SUITE.replace("{contains: red}", "shouts_loudly"),
        }
    )

    trusted, untrusted = run("test"), run("test", "--untrusted")

    assert trusted.code == 1
    assert "looked at the letters" in trusted.out
    assert untrusted.code == 2
    assert "llmops.yaml:3:" in untrusted.err
    assert "[untrusted]" in untrusted.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "| head -c 1"])
def test_a_closed_stream_is_no_reason_for_a_traceback(project: Project, closed: str) -> None:
    project({"suites/say.yaml": TWO})
    llmops = Path(sys.executable).with_name("llmops")

    done = subprocess.run(
        ["bash", "-c", f"{llmops} test {closed}"], capture_output=True, text=True, check=False
    )

    assert "Traceback" not in done.stdout + done.stderr
    assert closed.startswith("|") or done.returncode == 1
