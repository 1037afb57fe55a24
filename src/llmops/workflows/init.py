"""Lay out a project that works at once; what is there already is never overwritten."""

import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from msgspec import Struct

from llmops.errors import InvalidInputError, UnavailableError
from llmops.history.repository import commit_all, create_repository, open_repository
from llmops.workflows.schema import SCHEMA_FILES, schema_of

VERSIONS = ("1.0.0", "1.1.0")
_PROMPT = "prompts/summary.yaml"
_FILES = {
    "llmops.yaml": "llmops.yaml",
    "suites/summary.yaml": "suites/summary.yaml",
    "recordings/summary.jsonl": "recordings/summary.jsonl",
    ".gitignore": "gitignore",
    ".gitattributes": "gitattributes",
    ".github/workflows/llmops.yml": "github/llmops.yml",
}


class Laid(Struct, frozen=True, kw_only=True):
    """What was laid out.

    Attributes:
        written: Files, relative to the folder.
        kept: Files that were there already.
        committed: Whether a repository with both versions of the prompt was made.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    committed: bool


def init(folder: Path, *, git: bool = True) -> Laid:
    """Lay out a project.

    Args:
        folder: Made if it is not there.
        git: Make a repository with a commit for each version of the prompt, if the folder is
            in none and holds nothing yet.

    Raises:
        InvalidInputError: The folder is a file.
        UnavailableError: Git is not there, or a file cannot be written.
    """
    try:
        return _lay_out(folder, git=git)
    except OSError as error:
        raise UnavailableError(
            f"'{error.filename or folder}' cannot be written: {error.strerror}",
            code="not-written",
            hint="what was there is as it was; try another folder",
        ) from None


def _lay_out(folder: Path, *, git: bool) -> Laid:
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"'{folder}' is a file", code="usage", hint="name a folder")
    fresh = not folder.exists() or not any(folder.iterdir())
    folder.mkdir(parents=True, exist_ok=True)
    alone = git and fresh and open_repository(folder) is None
    if alone:
        create_repository(folder)
    texts = {name: _starter(path) for name, path in _FILES.items()}
    texts |= {name: _schema(kind) for kind, name in SCHEMA_FILES.items()}
    first, last = (_starter(f"versions/{version}/summary.yaml") for version in VERSIONS)
    if not alone:
        written, kept = _write(folder, {**texts, _PROMPT: last})
        return Laid(written=written, kept=kept, committed=False)
    written, kept = _write(folder, {**texts, _PROMPT: first})
    commit_all(folder, "Sum up customers' messages")
    (folder / _PROMPT).write_text(last, encoding="utf-8", newline="\n")
    commit_all(folder, "Keep summaries short and their numbers exact")
    return Laid(written=written, kept=kept, committed=True)


def _write(folder: Path, texts: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    written, kept = [], []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            kept.append(name)
        else:
            written.append(name)
    return tuple(written), tuple(kept)


def _starter(path: str) -> str:
    found: Traversable = files("llmops") / "starter"
    for part in path.split("/"):
        found = found / part
    return found.read_text(encoding="utf-8")


def _schema(kind: str) -> str:
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
