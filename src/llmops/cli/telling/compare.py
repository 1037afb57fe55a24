"""What `llmops compare` was asked for and what came of it, told on the streams and in files."""

from typing import Final

from llmops.cli.telling.documents import Kind, Telling, tell_document
from llmops.cli.terminal.clock import clock_and_progress
from llmops.domain.arms import ArmsComparison
from llmops.reporting.compare.console import print_arms
from llmops.reporting.compare.json import write_arms_json
from llmops.reporting.compare.markdown import write_arms_markdown
from llmops.workflows.compare import CompareOptions, compare
from llmops.workflows.opening.project import Surroundings, open_project

ARMS: Final[Kind[ArmsComparison]] = Kind(
    what="a comparison",
    formats={
        "json": ("compare.json", write_arms_json),
        "markdown": ("compare.md", write_arms_markdown),
    },
    show=print_arms,
)


def compare_once(
    options: CompareOptions, telling: Telling[ArmsComparison], world: Surroundings
) -> int:
    """Compare, say and write everything, and return the exit code."""
    compared = compare(open_project(world), options, *clock_and_progress())
    tell_document(compared, ARMS, telling, world.folder)
    return compared.verdict.exit_code
