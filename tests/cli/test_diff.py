import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import Project, Run

Commit = Callable[..., None]
SAY = (
    "version: {version}\nmodel: echo\ninputs: {{word: {{type: string}}}}\n"
    'messages: [{{role: user, content: "{text}"}}]\n'
)
FIRST = {"prompts/say.yaml": SAY.format(version="1.0.0", text="Say {{ word }}.")}
SECOND = {"prompts/say.yaml": SAY.format(version="1.1.0", text="Say {{ word }}. Be brief.")}
LOST = {"prompts/say.yaml": SAY.format(version="2.0.0", text="Say nothing.")}
CASES = (
    "prompt: say\ncases:\n"
    "  - {id: one, inputs: {word: red}, assert: [{contains: red}]}\n"
    "  - {id: two, inputs: {word: blue}, assert: [{contains: blue}]}\n"
    "  - {id: three, inputs: {word: green}, assert: [{contains: Say}]}\n"
)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A user without a configuration of git."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def commit(project: Project) -> Commit:
    """Write files into the project and commit all of it."""
    folder = project({"suites/say.yaml": CASES})
    _git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".gitignore").write_text(".llmops/\nhome/\n", encoding="utf-8")

    def commit_files(files: Mapping[str, str], message: str = "Change") -> None:
        write(files)
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", f"--message={message}")

    return commit_files


def write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _git(folder: Path, *arguments: str) -> None:
    git = shutil.which("git")
    assert git is not None
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run([git, *who, *arguments], cwd=folder, check=True, capture_output=True)


def kept_runs() -> list[Path]:
    return sorted(Path(".llmops/runs").glob("*.jsonl"))


def test_two_versions_are_compared_on_the_cases_of_the_suite(run: Run, commit: Commit) -> None:
    commit(FIRST)
    commit(SECOND)

    done = run("diff", "say@1.0.0", "say@1.1.0")

    assert done.code == 0, done.err
    assert "say@1.0.0   version 1.0.0" in done.out
    assert "~ Say {{ word }}.{+ Be brief.+}" in done.out
    assert "Messages: 3 of 3 cases changed in 1 way, about +7 tokens in all" in done.out
    assert "Outputs: 3 changed" in done.out
    assert "changed: 0 broken, 0 fixed, 3 changed, 0 same" in done.out
    assert len(kept_runs()) == 1
    assert len(kept_runs()[0].read_text(encoding="utf-8").splitlines()) == 2 + 6


def test_what_broke_and_what_was_fixed_is_named(run: Run, commit: Commit) -> None:
    commit(FIRST)
    commit(LOST)

    forward = run("diff", "say@1.0.0", "@2.0.0", "--json")
    back = run("diff", "say@2.0.0", "@1.0.0", "--json")

    assert forward.code == back.code == 0
    first, second = json.loads(forward.out), json.loads(back.out)
    assert first["verdict"]["status"] == "regressed"
    assert first["comparison"]["counts"]["broken"] == 2
    assert [p["case"] for p in first["comparison"]["pairs"] if p["outcome"] == "broken"] == [
        "one",
        "two",
    ]
    assert second["verdict"]["status"] == "improved"
    assert second["verdict"]["good"] is True


def test_a_name_alone_is_what_is_committed_against_the_work_tree(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    alone = json.loads(run("diff", "say", "--json").out)
    half = json.loads(run("diff", "say@1.0.0", "--json").out)

    assert (alone["before"]["name"], alone["after"]["name"]) == ("say@HEAD", "say")
    assert alone["after"]["commit"] is None
    assert (half["before"]["name"], half["after"]["name"]) == ("say@1.0.0", "say")
    assert half["comparison"]["counts"]["changed"] == 3


def test_equal_content_is_not_run(run: Run, commit: Commit) -> None:
    commit(FIRST)

    done = run("diff", "say")

    assert done.code == 0
    assert "both have the same content" in done.out
    assert "same: the same content" in done.out
    assert not kept_runs()


def test_a_prompt_without_a_suite_shows_its_source(run: Run, commit: Commit) -> None:
    commit({"prompts/lone.yaml": "user: Hello there\n"})
    write({"prompts/lone.yaml": "user: Hello you there\n"})

    done = run("diff", "lone")

    assert done.code == 0
    assert "no suite uses 'lone', so nothing was run" in done.out
    assert "1 part of the source changed; no case was run" in done.out


def test_the_source_alone_runs_nothing(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    done = run("diff", "say", "--source-only")

    assert done.code == 0
    assert "Messages: 3 of 3 cases" in done.out
    assert "Outputs" not in done.out
    assert not kept_runs()


def test_a_case_that_one_side_cannot_render_is_shown_and_the_rest_is_run(
    run: Run, commit: Commit
) -> None:
    commit(FIRST)
    write(
        {
            "prompts/say.yaml": SAY.format(
                version="1.1.0", text="Say {{ word }} {{ tone }}"
            ).replace("string}}", "string}, tone: {default: calm}}"),
            "suites/say.yaml": CASES
            + "  - {id: toned, inputs: {word: a, tone: b}, assert: [{contains: a}]}\n",
        }
    )

    done = run("diff", "say@HEAD", "say")
    whole = json.loads(run("diff", "say@HEAD", "say", "--json").out)

    assert done.code == 0, done.err
    assert "! say::toned" in done.out
    assert "first side: suites/say.yaml:6:" in done.out
    assert "incomplete: 1 case cannot be rendered on a side; 0 broken" in done.out
    assert [one["case"] for one in whole["rendered"]["unrendered"]] == ["say::toned"]
    assert len(whole["comparison"]["pairs"]) == 3


def test_no_case_that_both_sides_can_render_is_no_comparison(run: Run, commit: Commit) -> None:
    commit({"prompts/say.yaml": FIRST["prompts/say.yaml"].replace("word", "other")})
    write(FIRST)

    done = run("diff", "say")

    assert done.code == 6
    assert "incomparable: no case was asked of both sides: 3 cases cannot be rendered" in done.out
    assert not kept_runs()


def test_a_side_that_never_answers_is_no_verdict(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    done = run("diff", "say", "--replay")

    assert done.code == 3
    assert "incomparable: the first and the second side have no completion" in done.out


def test_a_budget_that_is_spent_is_said(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    done = run("diff", "say", "--max-calls", "2", "--fresh")

    assert done.code == 4
    assert "stopped: the budget stopped it" in done.out


def test_a_version_that_names_another_model_is_paired_with_the_old_one(
    run: Run, commit: Commit
) -> None:
    config = "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
    commit({**FIRST, "llmops.yaml": f"{config}  other: {{model: scripted/b, script: echo.yaml}}\n"})
    write({"prompts/say.yaml": FIRST["prompts/say.yaml"].replace("model: echo", "model: other")})

    done = run("diff", "say")

    assert done.code == 0
    assert "same: 0 broken, 0 fixed, 0 changed, 3 same" in done.out


def test_two_prompts_of_different_names_are_compared(run: Run, commit: Commit) -> None:
    commit({**FIRST, "prompts/tell.yaml": SAY.format(version="3.0.0", text="Tell {{ word }}.")})

    whole = json.loads(run("diff", "say@1.0.0", "tell@3.0.0", "--json").out)

    assert whole["verdict"]["status"] == "regressed"
    assert whole["comparison"]["counts"] == {
        "broken": 1,
        "fixed": 0,
        "changed": 2,
        "same": 0,
        "unknown": 0,
        "skipped": 0,
    }


def test_a_chain_is_run_with_each_version_in_its_place(run: Run, commit: Commit) -> None:
    chain = (
        "steps:\n  - {id: said, prompt: say}\n"
        "  - {id: again, prompt: again, inputs: {text: '{{ steps.said.output }}'}}\n"
        "cases:\n  - {id: one, inputs: {word: red}, assert: [{contains: red}]}\n"
    )
    again = "model: echo\ninputs: {text: {type: string}}\nuser: 'Again: {{ text }}'\n"
    commit({**FIRST, "suites/chain.yaml": chain, "prompts/again.yaml": again})
    write(SECOND)

    whole = json.loads(run("diff", "say", "--suite", "chain", "--json").out)

    (pair,) = whole["comparison"]["pairs"]
    assert pair["before"]["output"] == "[said]\nSay red.\n[again]\nAgain: Say red."
    assert pair["after"]["output"].endswith("Again: Say red. Be brief.")
    assert whole["rendered"]["later"] == ["chain::one"]


def test_cases_are_narrowed_as_in_a_test(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    one = json.loads(run("diff", "say", "--suite", "say::two", "--json").out)
    word = json.loads(run("diff", "say", "-k", "one or three", "--json").out)

    assert [pair["case"] for pair in one["comparison"]["pairs"]] == ["two"]
    assert [pair["case"] for pair in word["comparison"]["pairs"]] == ["one", "three"]
    assert run("diff", "say", "--suite", "say::tow").code == 5


def test_a_suite_that_does_not_use_the_prompt_is_not_compared(run: Run, commit: Commit) -> None:
    commit({**FIRST, "prompts/lone.yaml": "model: echo\nuser: Hello\n"})
    write({"prompts/lone.yaml": "model: echo\nuser: Hello you\n"})

    done = run("diff", "lone", "--suite", "say")

    assert done.code == 5
    assert "no selected suite uses 'lone'" in done.err


def test_reports_are_written_beside_what_is_said(run: Run, commit: Commit) -> None:
    commit(FIRST)
    write(SECOND)

    done = run("diff", "say", "--report", "markdown", "--report", "json=out/d.json")
    streamed = run("diff", "say", "--report", "markdown=-")

    assert "→  diff.md, out/d.json" in done.out
    assert Path("diff.md").read_text(encoding="utf-8").startswith("### ! llmops diff: changed")
    assert json.loads(Path("out/d.json").read_text(encoding="utf-8"))["schema"] == "llmops.diff/1"
    assert streamed.out.startswith("### ! llmops diff")
    assert "changed: 0 broken" in streamed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--report", "juint"], "a diff has no report called 'juint'"),
        (["--report", "markdwon"], "did you mean 'markdown'?"),
        (["--report", "json="], "names no file"),
        (["--json", "--report", "json=-"], "two documents cannot both go to stdout"),
        (["--replay", "--fresh"], "leave nobody to ask"),
        (["@"], "a version has no name"),
        (["say@1.0.9"], "'1.0.9' is no"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(
    run: Run, commit: Commit, arguments: list[str], words: str
) -> None:
    commit(FIRST)

    done = run("diff", "say", *arguments)

    assert done.code == 2
    assert words in done.err
    assert "hint:" in done.err


def test_a_project_without_git_says_so(run: Run, project: Project) -> None:
    project()

    done = run("diff", "say")

    assert done.code == 2
    assert "no-repository" in done.err
