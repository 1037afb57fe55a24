"""What `llmops diff` was asked for and what came of it, told on the streams and in files."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from llmops.cli.documents import Document, Formats, read_documents, write_documents
from llmops.cli.paging import show
from llmops.reporting.diff import DiffReport
from llmops.reporting.diff_console import print_diff
from llmops.reporting.diff_json import write_diff_json
from llmops.reporting.diff_markdown import write_diff_markdown
from llmops.reporting.progress import make_progress
from llmops.workflows.asking import Clock
from llmops.workflows.diff import DiffOptions, diff
from llmops.workflows.project import Surroundings, open_project

_FORMATS: Formats[DiffReport] = {
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

    reports: tuple[Document[DiffReport], ...] = ()
    first: int | None = None
    as_json: bool = False
    paged: bool = True


def read_reports(typed: Sequence[str], *, as_json: bool) -> tuple[Document[DiffReport], ...]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Raises:
        InvalidInputError: No such format, no path after `=`, or two documents for stdout.
    """
    return read_documents(typed, _FORMATS, "a diff", as_json=as_json)


def diff_once(options: DiffOptions, telling: Telling, world: Surroundings) -> int:
    """Compare, say and write everything, and return the exit code."""
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    progress = make_progress(sys.stderr, os.environ, clock=time.monotonic)
    report = diff(open_project(world), options, clock, progress)
    written = write_documents(report, telling.reports, world.folder)
    if telling.as_json:
        write_diff_json(report, sys.stdout)
    else:
        _print(report, telling, written)
    return report.verdict.exit_code


def _print(report: DiffReport, telling: Telling, written: Sequence[str]) -> None:
    alone = any(document.path == "-" for document in telling.reports)
    stream = sys.stderr if alone else sys.stdout
    say = partial(print_diff, report, shown=telling.first, written=written)
    show(say, stream, os.environ, paged=telling.paged and not alone)
