"""What `llmops gate` was asked for and what came of it, told on the streams and in files."""

import os
import sys
from pathlib import Path
from typing import Final

from llmops.cli.telling.documents import Document, Kind, Telling, write_documents
from llmops.cli.terminal.clock import clock_and_progress
from llmops.reporting.gate.base import GateReport
from llmops.reporting.gate.console import print_gate
from llmops.reporting.gate.github import append_gate_summary, write_gate_github
from llmops.reporting.gate.json import write_gate_json
from llmops.reporting.gate.junit import write_gate_junit
from llmops.reporting.gate.markdown import write_gate_markdown
from llmops.reporting.terminal import make_screen
from llmops.workflows.gate import GateOptions, gate
from llmops.workflows.opening.project import Surroundings

GATE: Final[Kind[GateReport]] = Kind(
    what="the gate",
    formats={
        "json": ("gate.json", write_gate_json),
        "markdown": ("gate.md", write_gate_markdown),
        "junit": ("gate.xml", write_gate_junit),
        "github": ("-", write_gate_github),
    },
    show=print_gate,
)


def gate_once(options: GateOptions, telling: Telling[GateReport], world: Surroundings) -> int:
    """Hold the change against its base, say and write everything, and return the exit code."""
    report = gate(world, options, *clock_and_progress())
    written = write_documents(report, telling.reports, world.folder)
    _summarise(report, telling, world)
    if telling.as_json:
        write_gate_json(report, sys.stdout)
        return report.verdict.exit_code
    alone = any(one.path == "-" and not _is_github(one) for one in telling.reports)
    screen = make_screen(sys.stderr if alone else sys.stdout, os.environ)
    print_gate(report, screen, shown=telling.first, written=written)
    return report.verdict.exit_code


def _is_github(document: Document[GateReport]) -> bool:
    return document.write is write_gate_github


def _summarise(report: GateReport, telling: Telling[GateReport], world: Surroundings) -> None:
    """On GitHub, the step's summary holds the gate too."""
    path = world.environment.get("GITHUB_STEP_SUMMARY", "")
    if path and any(map(_is_github, telling.reports)):
        append_gate_summary(report, Path(path))
