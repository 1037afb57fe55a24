"""What `llmops compare` was asked for and what came of it, told on the streams and in files."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from llmops.cli.documents import Document, Formats, read_documents, write_documents
from llmops.cli.paging import show
from llmops.domain.arms import ArmsComparison
from llmops.reporting.compare_console import print_arms
from llmops.reporting.compare_json import write_arms_json
from llmops.reporting.compare_markdown import write_arms_markdown
from llmops.reporting.progress import make_progress
from llmops.workflows.asking import Clock
from llmops.workflows.compare import CompareOptions, compare
from llmops.workflows.project import Surroundings, open_project

_FORMATS: Formats[ArmsComparison] = {
    "json": ("compare.json", write_arms_json),
    "markdown": ("compare.md", write_arms_markdown),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a comparison of arms is told.

    Attributes:
        reports: What to write.
        first: Cases of each arm whose outputs are printed at most.
        as_json: Print JSON in place of text.
        paged: Use a pager where the text is longer than the screen.
    """

    reports: tuple[Document[ArmsComparison], ...] = ()
    first: int = 5
    as_json: bool = False
    paged: bool = True


def read_reports(typed: Sequence[str], *, as_json: bool) -> tuple[Document[ArmsComparison], ...]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Raises:
        InvalidInputError: No such format, no path after `=`, or two documents for stdout.
    """
    return read_documents(typed, _FORMATS, "a comparison", as_json=as_json)


def compare_once(options: CompareOptions, telling: Telling, world: Surroundings) -> int:
    """Compare, say and write everything, and return the exit code."""
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    progress = make_progress(sys.stderr, os.environ, clock=time.monotonic)
    compared = compare(open_project(world), options, clock, progress)
    written = write_documents(compared, telling.reports, world.folder)
    if telling.as_json:
        write_arms_json(compared, sys.stdout)
        return compared.verdict.exit_code
    alone = any(document.path == "-" for document in telling.reports)
    say = partial(print_arms, compared, shown=telling.first, written=written)
    stream = sys.stderr if alone else sys.stdout
    show(say, stream, os.environ, paged=telling.paged and not alone)
    return compared.verdict.exit_code
