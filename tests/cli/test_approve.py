import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, Done, Project, Run

SUITE = """\
prompt: say
assert: [{contains: Say}]
cases:
  - {id: one, inputs: {word: red}}
  - {id: two, inputs: {word: green}, tags: [smoke]}
"""
SAY = "suites/say.yaml"
Approve = Callable[..., Done]


@pytest.fixture
def folder(project: Project, run: Run) -> Path:
    """A project with a run that passed."""
    root = project({SAY: SUITE})
    assert run("test", "--fresh").code == 0
    return root


@pytest.fixture
def approve(run: Run) -> Approve:
    return lambda *arguments: run("approve", "--from-run", "last", *arguments)


def files(root: Path) -> Mapping[str, bytes]:
    folder = root / "baselines"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")
    }


def cases(root: Path) -> list[str]:
    return sorted(name.partition(".")[0] for name in files(root))


def run_anew(root: Path, run: Run, *arguments: str) -> None:
    for path in (root / ".llmops/runs").glob("*.jsonl"):
        path.unlink()
    run("test", *arguments)


def change(root: Path, name: str, before: str, after: str) -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_a_run_becomes_a_file_a_case(folder: Path, approve: Approve) -> None:
    done = approve()

    assert done.code == 0
    assert cases(folder) == ["say/one", "say/two"]
    assert [line.split()[0] for line in done.out.splitlines()] == ["new", "new"]
    assert "2 baselines written, 0 unchanged" in done.err
    text = next(iter(files(folder).values())).decode()
    assert "output: |-\n          Say red.\n" in text


def test_approving_the_same_run_twice_changes_no_byte(folder: Path, approve: Approve) -> None:
    approve()
    before = files(folder)

    done = approve()

    assert files(folder) == before
    assert (done.code, done.out) == (0, "")
    assert "0 baselines written, 2 unchanged" in done.err


def test_another_run_with_the_same_results_changes_no_byte(
    folder: Path, approve: Approve, run: Run
) -> None:
    approve()
    before = files(folder)
    run_anew(folder, run, "--fresh")

    approve()

    assert files(folder) == before


def test_an_edited_prompt_changes_the_same_files(folder: Path, approve: Approve, run: Run) -> None:
    approve()
    before = files(folder)
    change(folder, "prompts/say.yaml", "Say {{", "Please Say {{")
    run_anew(folder, run, "--fresh")

    done = approve()

    assert done.out.count("changed  baselines/say/") == 2
    assert files(folder).keys() == before.keys()
    assert all(b"Please Say" in text for text in files(folder).values())


def test_only_what_is_selected_is_approved(folder: Path, approve: Approve) -> None:
    approve("say::one")
    assert cases(folder) == ["say/one"]

    approve("tag:smoke")
    assert cases(folder) == ["say/one", "say/two"]


def test_a_selector_that_finds_nothing_is_refused(folder: Path, approve: Approve) -> None:
    done = approve("say::tow")

    assert done.code == 5
    assert "did you mean" in done.err
    assert not files(folder)


def test_a_case_that_the_run_did_not_ask_is_nothing(
    folder: Path, approve: Approve, run: Run
) -> None:
    run_anew(folder, run, "--fresh", "say::one")

    done = approve("say::two")

    assert done.code == 5
    assert "no trial of the run" in done.err


def test_a_dry_run_writes_nothing(folder: Path, approve: Approve) -> None:
    done = approve("--dry-run", "--json")

    told = json.loads(done.out)
    assert [one["change"] for one in told["approved"]] == ["new", "new"]
    assert told["dry_run"]
    assert told["approved"][0]["path"].startswith("baselines/say/one.")
    assert not files(folder)
    assert "2 baselines would be written" in approve("--dry-run").err


def test_what_failed_is_left_out_unless_it_is_asked_for(
    folder: Path, approve: Approve, run: Run
) -> None:
    change(folder, SAY, "{id: two, ", "{id: two, assert: [{contains: purple}], ")
    run_anew(folder, run, "--fresh")

    done = approve()
    assert done.code == 0
    assert cases(folder) == ["say/one"]
    assert "left out: say › two › say × echo  failed" in done.err

    failed = approve("--failed-too")
    assert cases(folder) == ["say/one", "say/two"]
    assert failed.out.endswith("  failed\n")


def test_when_everything_failed_it_says_how_to_approve_all_the_same(
    folder: Path, approve: Approve, run: Run
) -> None:
    change(folder, SAY, "contains: Say", "contains: purple")
    run_anew(folder, run, "--fresh")

    done = approve()

    assert done.code == 5
    assert "is to be approved: 2 failed" in done.err
    assert "--failed-too" in done.err


def test_what_has_no_verdict_is_never_approved(folder: Path, approve: Approve, run: Run) -> None:
    error = "rules: [{when: {role: user}, error: {kind: bad_request}}]\n"
    (folder / "echo.yaml").write_text(error, encoding="utf-8")
    run_anew(folder, run, "--fresh")

    done = approve("--failed-too")

    assert done.code == 5
    assert "is to be approved: 2 error" in done.err
    assert not files(folder)


def test_more_than_fits_the_screen_is_counted(project: Project, run: Run) -> None:
    many = "".join(f"  - {{id: c{n}, inputs: {{word: w{n}}}}}\n" for n in range(60))
    root = project({SAY: SUITE.replace("contains: Say", "contains: w59") + many})
    run("test", "--fresh")

    done = run("approve", "--from-run", "last")

    assert cases(root) == ["say/c59"]
    assert done.err.count("left out: ") == 51
    assert "left out: 11 more" in done.err


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("prompts/say.yaml", "Say {{", "Tell {{", "the prompt 'say' has changed since the run"),
        (SAY, "prompt: say", "prompt: say # soon", "suites/say.yaml:1:1: the suite 'say' has"),
        (SAY, "word: red", "word: pink", "suites/say.yaml:1:1: the suite 'say' has changed"),
        (
            "llmops.yaml",
            "model: scripted/echo",
            "model: scripted/other",
            "say × echo had other settings in the run",
        ),
        (
            "llmops.yaml",
            "script: echo.yaml",
            "script: echo.yaml, parameters: {temperature: 1}",
            "say × echo had other settings in the run",
        ),
    ],
)
def test_a_run_of_other_files_is_stale(
    folder: Path, approve: Approve, name: str, before: str, after: str, said: str
) -> None:
    change(folder, name, before, after)

    done = approve()

    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert "[stale-run]" in done.err
    assert not files(folder)


def test_a_case_whose_row_says_something_else_now_is_stale(project: Project, run: Run) -> None:
    suite = (
        "prompt: say\ncases:\n  - dataset: rows.csv\n    id: '{{ row.id }}'\n"
        "    inputs: {word: '{{ row.word }}'}\n    assert: [{contains: '{{ row.label }}'}]\n"
    )
    root = project({SAY: suite, "rows.csv": "id,word,label\none,red,red\ntwo,green,green\n"})
    run("test", "--fresh")
    change(root, "rows.csv", "one,red,red\ntwo,green,green", "one,red,Say\ntwo,blue,green")

    done = run("approve", "--from-run", "last")

    assert done.code == 2
    assert "'say::one' asked or asserted something else in the run" in done.err
    assert "'say::two' does not ask say × echo what the run" in done.err


def test_what_the_suite_does_not_ask_is_not_approved(
    folder: Path, approve: Approve, run: Run
) -> None:
    run_anew(folder, run, "--fresh", "--set", "inputs.word=Say")
    assert "does not ask say × echo what the run" in approve().err

    run_anew(folder, run, "--fresh", "--param", "temperature=0,1")
    assert "say × echo had other settings in the run" in approve().err

    assert not files(folder)


def test_a_run_of_some_samples_only_is_refused(folder: Path, approve: Approve, run: Run) -> None:
    change(folder, SAY, "prompt: say\n", "prompt: say\nsamples: 3\n")
    run_anew(folder, run, "--fresh", "--samples", "2")

    done = approve()

    assert done.code == 2
    assert "has 2 of 3 samples of 'say::one' [partial-run]" in done.err


def test_a_run_that_was_stopped_is_refused(folder: Path, approve: Approve) -> None:
    (path,) = (folder / ".llmops/runs").glob("*.jsonl")
    *lines, _footer = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines), encoding="utf-8")

    done = approve()

    assert done.code == 2
    assert "was not finished [partial-run]" in done.err
    assert not files(folder)


def test_an_untrusted_run_is_refused(folder: Path, approve: Approve, run: Run) -> None:
    run_anew(folder, run, "--fresh", "--untrusted")

    assert "was untrusted [untrusted-run]" in approve().err
    assert "is not approved of [untrusted-run]" in approve("--untrusted").err
    assert not files(folder)


def test_a_run_that_asked_nobody_is_refused_unless_it_is_allowed(
    project: Project, run: Run, parrot: str
) -> None:
    config = f"models:\n  echo: {{model: openai/x, api_base: '{parrot}', price: {{input: 0, output: 0}}}}\n"
    root = project({SAY: SUITE, "llmops.yaml": config})
    assert run("test").code == 0
    assert run("approve", "--from-run", "last", "--dry-run").code == 0
    run_anew(root, run)

    done = run("approve", "--from-run", "last")

    assert done.code == 2
    assert "came from the cache [cached-run]" in done.err
    assert not files(root)
    assert run("approve", "--from-run", "last", "--allow-cached").code == 0
    assert cases(root) == ["say/one", "say/two"]


def test_recordings_are_reviewed_files_and_may_be_approved(
    folder: Path, approve: Approve, run: Run
) -> None:
    run_anew(folder, run, "--fresh", "--record")
    change(
        folder,
        "llmops.yaml",
        CONFIG.strip(),
        "models:\n  echo: {model: scripted/echo, via: recorded}",
    )
    run_anew(folder, run)

    assert approve().code == 0
    assert cases(folder) == ["say/one", "say/two"]


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS"])
def test_a_ci_writes_nothing(
    folder: Path, approve: Approve, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")

    for done in (approve(), run("approve", "--prune")):
        assert done.code == 2
        assert "a CI never writes baselines [in-ci]" in done.err
    assert not files(folder)
    assert approve("--dry-run").code == 0


def test_a_run_must_be_named(run: Run, folder: Path) -> None:
    assert "no run is named [usage]" in run("approve").err
    assert "no run is named [usage]" in run("approve", "say", "--prune").err
    assert not files(folder)


def test_baselines_that_no_suite_asks_for_are_named_and_deleted_on_demand(
    folder: Path, approve: Approve, run: Run
) -> None:
    approve()
    change(folder, SAY, "id: two", "id: second")
    run_anew(folder, run, "--fresh")

    named = approve()
    assert "unreferenced: baselines/say/two." in named.err
    assert cases(folder) == ["say/one", "say/second", "say/two"]

    assert "would be deleted: baselines/say/two." in run("approve", "--prune", "--dry-run").err
    assert cases(folder) == ["say/one", "say/second", "say/two"]

    assert "deleted: baselines/say/two." in approve("--prune").err
    assert cases(folder) == ["say/one", "say/second"]


def test_pruning_leaves_no_empty_folder(folder: Path, approve: Approve, run: Run) -> None:
    approve()
    (folder / SAY).rename(folder / "suites/tell.yaml")

    done = run("approve", "--prune")

    assert done.code == 0
    assert list((folder / "baselines").iterdir()) == []


def test_pruning_a_project_without_suites_deletes_every_baseline(
    folder: Path, approve: Approve, run: Run
) -> None:
    approve()
    (folder / SAY).unlink()

    assert run("approve", "--prune", "--json").code == 0
    assert not files(folder)


def test_a_broken_baseline_stops_everything(folder: Path, approve: Approve) -> None:
    approve()
    path = next((folder / "baselines").rglob("one.*"))
    path.write_text("<<<<<<< ours\n" + path.read_text(encoding="utf-8"), encoding="utf-8")

    done = approve("--prune")

    assert done.code == 2
    assert path.relative_to(folder).as_posix() in done.err


def test_a_baseline_that_leaves_the_project_is_refused(
    folder: Path, approve: Approve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (folder / "baselines").symlink_to(outside)

    done = approve()

    assert done.code == 2
    assert "[report-path]" in done.err
    assert list(outside.iterdir()) == []


def test_git_says_who_approved(
    folder: Path, approve: Approve, nobody: None, git: Callable[..., str]
) -> None:
    del nobody
    git(folder, "init", "--quiet")
    approve("say::one")
    git(folder, "config", "user.name", "Ada")

    approve("say::two")

    one, two = (text for _, text in sorted(files(folder).items()))
    assert b"author:" not in one
    assert b"author: Ada\n" in two


def test_a_key_in_an_output_is_not_kept(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    root = project({"prompts/say.yaml": PROMPT.replace("{{ word }}", f"{{{{ word }}}} {secret}")})
    run("test", "--fresh")

    assert run("approve", "--from-run", "last").code == 0
    assert all(secret.encode() not in text for text in files(root).values())


def test_baselines_lie_where_the_configuration_says(project: Project, run: Run) -> None:
    root = project({"llmops.yaml": f"baselines: tests/approved\n{CONFIG}"})
    run("test", "--fresh")

    run("approve", "--from-run", "last")

    assert len(list((root / "tests/approved/say").iterdir())) == 1


def test_the_folder_of_baselines_lies_apart_from_the_others(project: Project, run: Run) -> None:
    project({"llmops.yaml": f"baselines: suites/approved\n{CONFIG}"})

    done = run("test")

    assert done.code == 2
    assert "llmops.yaml:1:12: the folder 'suites/approved' of baselines lies in" in done.err


def test_a_baseline_that_nobody_could_read_again_is_not_written(
    folder: Path, approve: Approve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.workflows.approving.MOST_BYTES", 100)

    done = approve()

    assert done.code == 2
    assert "more than the 100 allowed [too-large]" in done.err
    assert not files(folder)
