import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import Project, Run

from llmops.cli.app import COMMANDS

LLMOPS = Path(sys.executable).with_name("llmops")


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_stand_one_a_line_in_a_narrow_terminal(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")

    lines = run(command, "--help").out.splitlines()

    start = lines.index("  Examples:") + 1
    assert all(line.startswith("    llmops ") for line in lines[start : start + 2])
    assert lines[start + 2] == ""


def test_the_program_says_of_every_command_what_it_does_on_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    lines = run("--help").out.splitlines()

    for command in COMMANDS:
        (line,) = [line for line in lines if line.startswith(f"  {command} ")]
        assert line.endswith(".")
    assert "Set up:" in lines


def test_no_command_shows_the_help(run: Run) -> None:
    done = run()

    assert done.code == 2
    assert "Set up:" in done.out + done.err


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        (["tset"], "'test'"),
        (["rescor"], "'rescore'"),
        (["test", "--modle", "x"], "--model"),
        (["report", "--reprot", "json"], "--report"),
        (["schema", "promt"], "'prompt'"),
        (["scorers", "contians"], "'contains'"),
        (["show", "sya"], "'say'"),
        (["render", "sya"], "'say'"),
        (["test", "--report", "juint"], "'junit'"),
        (["test", "-m", "ehco"], "'echo'"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_right_one(
    project: Project, run: Run, typed: list[str], suggested: str
) -> None:
    project()

    done = run(*typed)

    assert done.code == 2
    assert suggested in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "typed",
    [
        ["cache", "--clear", "--export"],
        ["cache", "--model", "echo"],
        ["record", "--from-run", "last", "say"],
        ["record", "--from-run", "last", "--max-cost", "0"],
        ["schema", "prompt", "--write"],
        ["schema"],
        ["runs", "-n", "0"],
        ["report", "--first", "-1"],
        ["show"],
        ["init", "one", "two"],
        ["test", "--json", "--report", "json=-"],
        ["report", "--report", "csv=-", "--report", "junit=-"],
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    project: Project, run: Run, typed: list[str]
) -> None:
    folder = project()

    done = run(*typed)

    assert done.code == 2
    assert done.err
    assert done.out == ""
    assert not (folder / ".llmops").exists()


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("bash", {"COMP_WORDS": "llmops re", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "llmops re"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "llmops re", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_shells_complete_commands(shell: str, variables: dict[str, str]) -> None:
    environment = {**os.environ, **variables, "_LLMOPS_COMPLETE": f"complete_{shell}"}

    done = subprocess.run([LLMOPS], env=environment, capture_output=True, text=True, check=False)

    assert {"record", "rescore", "render", "report"} <= {
        word.strip('"') for word in done.stdout.replace(":", " ").replace("(", " ").split()
    }
