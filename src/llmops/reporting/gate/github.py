"""The gate on GitHub: the verdict, and annotations beside the lines that loosen policy."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from llmops.domain.gate import Level
from llmops.errors import UnavailableError
from llmops.reporting.gate.base import GateReport
from llmops.reporting.gate.markdown import render_gate_markdown
from llmops.reporting.run.github import command

_MOST: Final = 10
_SUMMARY: Final = 900 * 1024
_LEVELS: Final[dict[Level, str]] = {"error": "error", "warn": "warning", "info": "notice"}


def write_gate_github(report: GateReport, out: TextIO) -> None:
    """Write the verdict and at most ten annotations of a level, for GitHub shows no more."""
    verdict = report.verdict
    level = "notice" if verdict.green else "error"
    out.write(f"{command(level, verdict.line, title=f'llmops gate: {verdict.status}')}\n")
    by_level = itertools.groupby(_annotations(report), key=lambda one: one[0])
    for _level, found in by_level:
        for _name, line in itertools.islice(found, _MOST - 1):
            out.write(f"{line}\n")


def append_gate_summary(report: GateReport, path: Path) -> None:
    """Append the gate to a step's summary, where there is room for it.

    Raises:
        UnavailableError: It cannot be written.
    """
    text = render_gate_markdown(report)
    try:
        used = path.stat().st_size if path.exists() else 0
        if used + len(text.encode()) <= _SUMMARY:
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise UnavailableError(
            f"the step's summary {path} cannot be written: {error.strerror or error}"
        ) from None


def _annotations(report: GateReport) -> Iterator[tuple[str, str]]:
    found = [
        (_LEVELS[one.level], command(_LEVELS[one.level], one.words, title=one.kind, at=one.at))
        for one in report.findings
    ]
    found += [
        ("error", command("error", rule.words, title=f"llmops gate: {rule.rule}"))
        for rule in report.rules
        if rule.sign == "red"
    ]
    order = list(_LEVELS.values())
    return iter(sorted(found, key=lambda one: order.index(one[0])))
