"""What `llmops diff` was asked for and what came of it, told on the streams and in files."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TextIO

from llmops.cli.paging import show
from llmops.cli.telling import relative
from llmops.errors import InvalidInputError, did_you_mean
from llmops.reporting.diff import DiffReport
from llmops.reporting.diff_console import print_diff
from llmops.reporting.diff_json import write_diff_json
from llmops.reporting.diff_markdown import write_diff_markdown
from llmops.reporting.files import write_report
from llmops.reporting.progress import make_progress
from llmops.workflows.diff import DiffOptions, diff
from llmops.workflows.execution import Clock
from llmops.workflows.project import Surroundings, open_project

Write = Callable[[DiffReport, TextIO], None]
_FORMATS: dict[str, tuple[str, Write]] = {
    "json": ("diff.json", write_diff_json),
    "markdown": ("diff.md", write_diff_markdown),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a diff is told.

    Attributes:
        reports: What to write, and where to; `-` is stdout.
        first: Cases whose outputs are printed at most; None for all.
        as_json: Print JSON in place of text.
        paged: Use a pager where the text is longer than the screen.
    """

    reports: tuple[tuple[Write, str], ...] = ()
    first: int | None = None
    as_json: bool = False
    paged: bool = True


def read_reports(typed: Sequence[str], *, as_json: bool) -> tuple[tuple[Write, str], ...]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Raises:
        InvalidInputError: No such format, no path after `=`, or two documents for stdout.
    """
    found = tuple(map(_report, typed))
    if sum(path == "-" for _write, path in found) + as_json > 1:
        raise InvalidInputError(
            "two documents cannot both go to stdout",
            code="usage",
            hint="write one of them to a file: --report FORMAT=PATH",
        )
    return found


def diff_once(options: DiffOptions, telling: Telling, world: Surroundings) -> int:
    """Compare, say and write everything, and return the exit code."""
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    progress = make_progress(sys.stderr, os.environ, clock=time.monotonic)
    report = diff(open_project(world), options, clock, progress)
    written = []
    for write, path in telling.reports:
        if path == "-":
            write(report, sys.stdout)
            continue
        file = (world.folder / path).absolute()
        write_report(file, partial(write, report), root=world.folder)
        written.append(relative(file))
    if telling.as_json:
        write_diff_json(report, sys.stdout)
    else:
        _print(report, telling, written)
    return report.verdict.exit_code


def _print(report: DiffReport, telling: Telling, written: Sequence[str]) -> None:
    alone = any(path == "-" for _write, path in telling.reports)
    stream = sys.stderr if alone else sys.stdout
    say = partial(print_diff, report, shown=telling.first, written=written)
    show(say, stream, os.environ, paged=telling.paged and not alone)


def _report(word: str) -> tuple[Write, str]:
    name, equals, path = word.partition("=")
    if name not in _FORMATS:
        raise InvalidInputError(
            f"a diff has no report called '{name}'",
            code="unknown-report",
            hint=did_you_mean(name, _FORMATS) or f"there are {', '.join(_FORMATS)}",
        )
    if equals and not path:
        raise InvalidInputError(
            f"--report '{word}' names no file", code="usage", hint=f"write {name}=PATH"
        )
    usual, write = _FORMATS[name]
    return write, path or usual
