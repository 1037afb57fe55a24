import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from small_project import GOOD, Done, Run
from till import Till
from typer.testing import CliRunner

from llmops.cli.app import program_for
from loopback import chat, listening


@pytest.fixture
def project(
    write: Callable[[Mapping[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Write a good project, changed by the files given, and go into it."""

    def write_project(files: Mapping[str, str] | None = None) -> Path:
        folder = write({**GOOD, **(files or {})})
        monkeypatch.chdir(folder)
        return folder

    return write_project


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program in this process, without the variables of a CI."""
    for name in [n for n in os.environ if n == "CI" or n.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")

    def run_program(*arguments: str) -> Done:
        result = CliRunner().invoke(program_for(arguments), list(arguments))
        unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
        assert not unexpected, result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run_program


@pytest.fixture
def parrot() -> Iterator[str]:
    """A loopback model that repeats what it is told; gives its base URL."""

    with listening(lambda seen: chat(seen.json["messages"][-1]["content"])) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def folder(project: Callable[..., Path], nobody: None, git: Callable[..., str]) -> Path:
    del nobody
    root = project()
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / ".gitignore").write_text(".llmops/\nhome/\n", encoding="utf-8")
    return root


@pytest.fixture
def commit(folder: Path, git: Callable[..., str]) -> Callable[..., str]:
    """Write files, commit everything, and return the commit's id."""

    def write_and_commit(message: str, files: Mapping[str, str] | None = None) -> str:
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", f"--message={message}")
        return git(folder, "rev-parse", "HEAD").strip()

    return write_and_commit


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    monkeypatch.setenv("OUR_API_KEY", "sk-a-key-of-ours")
    till = Till()
    thread = threading.Thread(target=till.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield till
    till.closed.set()
    till.server.shutdown()
    till.server.server_close()
    thread.join()
