"""What `llmops diff` was asked for and what came of it, told on the streams and in files."""

from typing import Final

from llmops.cli.telling.documents import Kind, Telling, tell_document
from llmops.cli.terminal.clock import clock_and_progress
from llmops.reporting.diff.base import DiffReport
from llmops.reporting.diff.console import print_diff
from llmops.reporting.diff.json import write_diff_json
from llmops.reporting.diff.markdown import write_diff_markdown
from llmops.workflows.diff import DiffOptions, diff
from llmops.workflows.opening.project import Surroundings, open_project

DIFF: Final[Kind[DiffReport]] = Kind(
    what="a diff",
    formats={
        "json": ("diff.json", write_diff_json),
        "markdown": ("diff.md", write_diff_markdown),
    },
    show=print_diff,
)


def diff_once(options: DiffOptions, telling: Telling[DiffReport], world: Surroundings) -> int:
    """Compare, say and write everything, and return the exit code."""
    report = diff(open_project(world), options, *clock_and_progress())
    tell_document(report, DIFF, telling, world.folder)
    return report.verdict.exit_code
