import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import Project, Run

import llmops

Git = Callable[..., str]

FILES = {
    "llmops.yaml": "models:\n  fast: {model: openai/gpt-4.1-mini}\n"
    "  echo: {model: scripted/echo, script: echo.yaml}\n",
    "prompts/ask.yaml": "version: 2.0.0\nmodel: fast\nparameters: {temperature: 0, top_k: 3}\n"
    "inputs: {word: {type: string}, times: {type: integer, default: 1}}\n"
    "user: Say {{ word }} {{ times }} times.",
}


@pytest.fixture(autouse=True)
def always_nobody(nobody: None) -> None:
    """Git here knows nobody's configuration."""


def test_a_bundle_is_written_and_loaded(project: Project, run: Run, git: Git):
    folder = project(FILES)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First")
    run("label", "ask", "production", "2.0.0")

    done = run("export", "bundle", "--label", "production", "--output", "out/prompts.json")

    assert (done.code, done.out) == (0, "")
    assert "written: out/prompts.json (" in done.err
    path = folder / "out/prompts.json"
    prompt = llmops.load_prompt("ask@production", bundle=path)
    assert prompt.render(word="hello").messages[0]["content"] == "Say hello 1 times."
    shown = run("export", "bundle", "--label", "production")
    assert shown.out == path.read_text(encoding="utf-8")


def test_what_is_in_no_commit_stays_here(project: Project, run: Run):
    folder = project(FILES)

    done = run("export", "bundle", "--output", "prompts.json")

    assert done.code == 2
    assert "prompts/ask.yaml:1:1: 'ask' stands in no commit as it is" in done.err
    assert "--dirty" in done.err
    assert not (folder / "prompts.json").exists()
    assert run("export", "bundle", "--output", "prompts.json", "--dirty").code == 0


def test_a_request_to_openai_is_one_json_document(project: Project, run: Run):
    project(FILES)

    done = run("export", "openai", "ask", "-i", "word=1.20", "-i", "times=3")

    assert done.code == 0
    assert json.loads(done.out) == {
        "model": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": "Say 1.20 3 times."}],
        "temperature": 0,
        "top_k": 3,
    }


def test_another_model_can_be_named(project: Project, run: Run):
    project(FILES)

    done = run("export", "openai", "say", "-i", "word=hi", "--model", "gpt-4.1")

    assert json.loads(done.out)["model"] == "gpt-4.1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bundel",), "did you mean 'bundle'?"),
        (("x",), "there are bundle, openai"),
        (("bundle", "-i", "a=1"), "--input means nothing to 'bundle'"),
        (("bundle", "--model", "a"), "--model means nothing to 'bundle'"),
        (("openai", "ask", "--dirty"), "--dirty means nothing to 'openai'"),
        (("openai", "ask", "--label", "a"), "--label means nothing to 'openai'"),
        (("openai",), "exports one prompt, not 0"),
        (("openai", "say", "-i", "word=a"), "the model 'echo' is scripted"),
        (("openai", "ask"), "the input 'word' of 'ask' has no value"),
    ],
)
def test_what_makes_no_sense_is_refused(
    project: Project, run: Run, arguments: tuple[str, ...], words: str
):
    project(FILES)

    done = run("export", *arguments)

    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_bundle_is_not_written_through_a_link_out_of_the_project(
    project: Project, run: Run, tmp_path_factory: pytest.TempPathFactory
):
    folder = project(FILES)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "out").symlink_to(elsewhere)

    done = run("export", "bundle", "--dirty", "--output", "out/prompts.json")

    assert done.code == 2
    assert not list(Path(elsewhere).iterdir())
