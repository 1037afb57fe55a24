"""Reporters by name."""

import importlib
from collections.abc import Mapping

from llmops.errors import InvalidInputError, did_you_mean
from llmops.reporting.base import REPORTERS, ReporterKind

BUILT_IN = (
    "llmops.reporting.run.console",
    "llmops.reporting.run.csv",
    "llmops.reporting.run.github",
    "llmops.reporting.run.json",
    "llmops.reporting.run.jsonl",
    "llmops.reporting.run.junit",
    "llmops.reporting.run.markdown",
)
"""The modules that hold reporters. No folder is scanned."""


def reporters() -> Mapping[str, ReporterKind]:
    """Every reporter by name, sorted; imports the modules that hold them."""
    for module in BUILT_IN:
        importlib.import_module(module)
    return dict(sorted(REPORTERS.items()))


def reporter_named(name: str) -> ReporterKind:
    """The reporter of a name.

    Raises:
        InvalidInputError: There is none.
    """
    known = reporters()
    if name in known:
        return known[name]
    raise InvalidInputError(
        f"no report is called '{name}'",
        code="unknown-report",
        hint=did_you_mean(name, known) or f"there are {', '.join(known)}",
    )
