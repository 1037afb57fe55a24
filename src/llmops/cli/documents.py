"""What `--report` asks for where a command has documents of its own: read, and written."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TextIO, TypeVar

from llmops.cli.telling import relative
from llmops.errors import InvalidInputError, did_you_mean
from llmops.reporting.files import write_report

T = TypeVar("T")
Formats = Mapping[str, tuple[str, Callable[[T, TextIO], None]]]
"""By the format's name: the usual file, and what writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Generic[T]):
    """A document to write.

    Attributes:
        write: Writes it.
        path: Where to; `-` is stdout.
    """

    write: Callable[[T, TextIO], None]
    path: str


def read_documents(
    typed: Sequence[str], formats: Formats[T], what: str, *, as_json: bool
) -> tuple[Document[T], ...]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Args:
        typed: The words.
        formats: What there is.
        what: What the documents are of, such as `a diff`.
        as_json: Whether JSON goes to stdout beside them.

    Raises:
        InvalidInputError: No such format, no path after `=`, or two documents for stdout.
    """
    found = tuple(_document(word, formats, what) for word in typed)
    if sum(document.path == "-" for document in found) + as_json > 1:
        raise InvalidInputError(
            "two documents cannot both go to stdout",
            code="usage",
            hint="write one of them to a file: --report FORMAT=PATH",
        )
    return found


def write_documents(value: T, documents: Sequence[Document[T]], folder: Path) -> list[str]:
    """Write documents, and name the files.

    Raises:
        InvalidInputError: A path is no file that may be written.
        UnavailableError: One cannot be written.
    """
    written = []
    for document in documents:
        if document.path == "-":
            document.write(value, sys.stdout)
            continue
        file = (folder / document.path).absolute()
        write_report(file, partial(document.write, value), root=folder)
        written.append(relative(file))
    return written


def _document(word: str, formats: Formats[T], what: str) -> Document[T]:
    name, equals, path = word.partition("=")
    if name not in formats:
        raise InvalidInputError(
            f"{what} has no report called '{name}'",
            code="unknown-report",
            hint=did_you_mean(name, formats) or f"there are {', '.join(formats)}",
        )
    if equals and not path:
        raise InvalidInputError(
            f"--report '{word}' names no file", code="usage", hint=f"write {name}=PATH"
        )
    usual, write = formats[name]
    return Document(write=write, path=path or usual)
