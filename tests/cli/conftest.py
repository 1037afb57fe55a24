import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import GOOD, Done, Run
from typer.testing import CliRunner

from llmops.cli.app import app


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
        result = CliRunner().invoke(app, list(arguments))
        unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
        assert not unexpected, result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run_program
