"""A diff as one JSON document, the lossless form."""

from collections.abc import Iterable
from typing import Final, TextIO

from msgspec import Struct
from msgspec.structs import asdict

from llmops.domain.comparison import ArmTotals, Comparison, Pair
from llmops.domain.difference import Line
from llmops.domain.record import Json, location_to_json
from llmops.domain.rendered import CaseName, RenderedDiff, RenderedGroup
from llmops.domain.run import Failure
from llmops.reporting.diff.base import DiffReport
from llmops.reporting.diff.explained_json import explained_to_json
from llmops.reporting.run.json import json_text

SCHEMA: Final = "llmops.diff/1"


def write_diff_json(report: DiffReport, out: TextIO) -> None:
    """Write a diff as one document, a line a part."""
    parts = [f"{json_text(name)}: {json_text(value)}" for name, value in diff_to_json(report)]
    out.write("{\n" + ",\n".join(parts) + "\n}\n")


def diff_to_json(report: DiffReport) -> Iterable[tuple[str, object]]:
    """The parts of a diff as plain values, by name."""
    yield "schema", SCHEMA
    yield "before", _fields(report.before)
    yield "after", _fields(report.after)
    yield "verdict", {**_fields(report.verdict), "good": report.verdict.good}
    yield "notes", list(report.notes)
    yield "suites", list(report.suites)
    yield "run", report.run
    yield (
        "source",
        {
            "step": report.change.step,
            "kinds": list(report.change.kinds),
            "parts": [_fields(part) for part in report.change.parts],
        },
    )
    yield "rendered", _rendered(report.rendered) if report.rendered else None
    yield "comparison", _comparison(report.comparison) if report.comparison else None
    yield "explained", explained_to_json(report.explained) if report.explained else None


def _rendered(rendered: RenderedDiff) -> Json:
    return {
        "groups": [_group(group) for group in rendered.groups],
        "same": _names(rendered.same),
        "unrendered": [
            {
                "case": str(one.case),
                "before": [_failure(failure) for failure in one.before],
                "after": [_failure(failure) for failure in one.after],
            }
            for one in rendered.unrendered
        ],
        "later": _names(rendered.later),
    }


def _failure(failure: Failure) -> Json:
    return {
        "code": failure.kind,
        "message": failure.message,
        "at": location_to_json(failure.at) if failure.at else None,
        "hint": failure.hint,
    }


def _group(group: RenderedGroup) -> Json:
    return {
        "count": len(group.cases),
        "cases": _names(group.cases),
        "tokens_before": group.tokens_before,
        "tokens_after": group.tokens_after,
        "changes": [
            {
                "message": change.message,
                "status": change.status,
                "coarse": change.diff.coarse,
                "lines": [_line(line) for line in change.diff.lines],
            }
            for change in group.changes
        ],
    }


def _line(line: Line) -> Json:
    words = [[kind, text] for kind, text in line.words()]
    return {
        "kind": line.kind,
        "number_before": line.number_before,
        "number_after": line.number_after,
        "words": words,
    }


def _comparison(comparison: Comparison) -> Json:
    return {
        "counts": comparison.counts(),
        "before": _totals(comparison.before),
        "after": _totals(comparison.after),
        "pairs": [pair_to_json(pair) for pair in comparison.pairs],
        "unpaired": [_fields(one) for one in comparison.unpaired],
    }


def _totals(totals: ArmTotals) -> Json:
    return {
        **_fields(totals),
        "metrics": {name: _fields(mean) for name, mean in totals.metrics.items()},
    }


def pair_to_json(pair: Pair) -> Json:
    """A pair as plain JSON values."""
    return {
        **_fields(pair),
        "outcome": pair.outcome,
        "before": _fields(pair.before),
        "after": _fields(pair.after),
    }


def _names(cases: Iterable[CaseName]) -> list[str]:
    return [str(case) for case in cases]


def _fields(value: object) -> Json:
    """The attributes of a value by name; None is kept, for it means that nobody knows."""
    return asdict(value) if isinstance(value, Struct) else {}
