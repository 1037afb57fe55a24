"""What commands say: data on stdout, talk on stderr, both through the encoders."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from llmops.errors import Fault

_LINE_LIMIT = 5 * 2**20


def say_faults(faults: Iterable[Fault]) -> None:
    """Print complaints to stderr, each with its place and its way out."""
    from llmops.reporting.faults import print_faults
    from llmops.reporting.terminal import make_screen

    print_faults(faults, make_screen(sys.stderr, os.environ), read_line=_read_line)


def say_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print one JSON document to stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def fault_as_json(fault: Fault) -> dict[str, object]:
    """A complaint as plain JSON values."""
    at = fault.at
    place = {"path": at.path, "line": at.line, "column": at.column} if at else None
    names = ("code", "severity", "message", "hint")
    return {**{name: getattr(fault, name) for name in names}, "at": place}


def say_rows(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print a table to stdout, one line a row; `empty` goes to stderr when there is none."""
    from rich.cells import cell_len

    from llmops.reporting.terminal import make_screen, pad

    if not rows:
        typer.echo(empty, err=True)
        return
    screen = make_screen(sys.stdout, os.environ)
    shown = [[screen.encode(cell) for cell in row] for row in rows]
    widths = [
        max(cell_len(row[i]) for row in [list(headings), *shown]) for i in range(len(headings))
    ]
    for number, row in enumerate([list(headings), *shown]):
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        screen.line(("  ".join(cells).rstrip(), "dim" if number == 0 else ""))


def say(text: str) -> None:
    """Print text of the project's files or of models to stdout, line by line, made harmless."""
    from llmops.reporting.terminal import make_screen

    screen = make_screen(sys.stdout, os.environ)
    for line in text.split("\n"):
        screen.line(line)


def note(text: str) -> None:
    """Print one line of talk to stderr."""
    from llmops.reporting.terminal import make_screen

    make_screen(sys.stderr, os.environ).line(text)


def _read_line(path: str, line: int) -> str | None:
    from llmops.loading.tree import find_root

    root = find_root(Path.cwd())
    file = root / path
    try:
        if file.resolve() != root.resolve() / path:  # a link may lead to what is nobody's business
            return None
        if not file.is_file() or file.stat().st_size > _LINE_LIMIT:
            return None
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return None
    return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else None
