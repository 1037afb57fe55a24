"""What `--report` asks for where a command has documents of its own: read, written and told."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TextIO, TypeVar

from msgspec import Struct

from llmops.cli.telling.run import relative
from llmops.cli.terminal.paging import show
from llmops.errors import InvalidInputError, did_you_mean
from llmops.reporting.files import write_report
from llmops.reporting.terminal import Screen

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
Formats = Mapping[str, tuple[str, Callable[[T, TextIO], None]]]
"""By the format's name: the usual file, and what writes it."""


class Show(Protocol[T_contra]):
    """Prints a value for a person."""

    def __call__(
        self, value: T_contra, screen: Screen, /, *, shown: int, written: Sequence[str]
    ) -> None:
        """Print it.

        Args:
            value: What came of the command.
            screen: Where to.
            shown: How many outputs, at most.
            written: The files that were written beside it.
        """
        ...


class Kind(Struct, Generic[T], frozen=True, kw_only=True):
    """What the documents of a command are.

    Attributes:
        what: What they are of, such as `a diff`.
        formats: What there is; `json` is among them.
        show: Prints it for a person.
    """

    what: str
    formats: Formats[T]
    show: Show[T]


class Document(Struct, Generic[T], frozen=True, kw_only=True):
    """A document to write.

    Attributes:
        write: Writes it.
        path: Where to; `-` is stdout.
    """

    write: Callable[[T, TextIO], None]
    path: str


class Telling(Struct, Generic[T], frozen=True, kw_only=True):
    """How what came of a command is told.

    Attributes:
        reports: What to write.
        first: Cases whose outputs are printed at most.
        as_json: Print JSON in place of text.
        paged: Use a pager where the text is longer than the screen.
    """

    reports: tuple[Document[T], ...]
    first: int
    as_json: bool
    paged: bool


def read_documents(
    typed: Sequence[str], kind: Kind[T], *, as_json: bool
) -> tuple[Document[T], ...]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Args:
        typed: The words.
        kind: What there is.
        as_json: Whether JSON goes to stdout beside them.

    Raises:
        InvalidInputError: No such format, no path after `=`, or two documents for stdout.
    """
    found = tuple(_document(word, kind) for word in typed)
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


def tell_document(value: T, kind: Kind[T], telling: Telling[T], folder: Path) -> None:
    """Write the documents, and print the value as JSON or for a person.

    Raises:
        InvalidInputError: A path is no file that may be written.
        UnavailableError: A document cannot be written.
    """
    written = write_documents(value, telling.reports, folder)
    if telling.as_json:
        _usual, write = kind.formats["json"]
        write(value, sys.stdout)
        return
    alone = any(document.path == "-" for document in telling.reports)
    say = partial(kind.show, value, shown=telling.first, written=written)
    stream = sys.stderr if alone else sys.stdout
    show(say, stream, os.environ, paged=telling.paged and not alone)


def _document(word: str, kind: Kind[T]) -> Document[T]:
    name, equals, path = word.partition("=")
    if name not in kind.formats:
        raise InvalidInputError(
            f"{kind.what} has no report called '{name}'",
            code="unknown-report",
            hint=did_you_mean(name, kind.formats) or f"there are {', '.join(kind.formats)}",
        )
    if equals and not path:
        raise InvalidInputError(
            f"--report '{word}' names no file", code="usage", hint=f"write {name}=PATH"
        )
    usual, write = kind.formats[name]
    return Document(write=write, path=path or usual)
