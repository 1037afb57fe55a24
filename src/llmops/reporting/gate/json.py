"""The gate as one JSON document, the lossless form."""

from collections.abc import Iterator
from typing import Final, TextIO

from msgspec import to_builtins

from llmops.reporting.diff.json import pair_to_json
from llmops.reporting.gate.base import GateReport
from llmops.reporting.run.json import json_text

SCHEMA: Final = "llmops.gate/1"


def write_gate_json(report: GateReport, out: TextIO) -> None:
    """Write the gate as one document, a line a part."""
    parts = [f"{json_text(name)}: {json_text(value)}" for name, value in gate_to_json(report)]
    out.write("{\n" + ",\n".join(parts) + "\n}\n")


def gate_to_json(report: GateReport) -> Iterator[tuple[str, object]]:
    """The parts of the gate as plain values, by name."""
    yield "schema", SCHEMA
    yield "verdict", report.verdict.as_json()
    yield "policy", [finding.as_json() for finding in report.findings]
    yield "base", {"commit": report.base, "why": report.why, "against": report.against}
    yield "suites", [to_builtins(one) for one in report.reached]
    yield "rules", [{**to_builtins(rule), "sign": rule.sign} for rule in report.rules]
    yield "notes", list(report.notes)
    yield "end", to_builtins(report.end) if report.end is not None else None
    yield "savings", to_builtins(report.savings) if report.savings is not None else None
    yield "assessment", report.whole.as_json() if report.whole is not None else None
    yield "assessments", {name: one.as_json() for name, one in report.suites.items()}
    yield "run", report.run
    yield "totals", report.totals.as_json() if report.totals is not None else None
    comparison = report.comparison
    yield "counts", comparison.counts() if comparison is not None else None
    yield "pairs", [pair_to_json(pair) for pair in comparison.pairs] if comparison else []
