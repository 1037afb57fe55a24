"""A comparison of arms as one JSON document, the lossless form."""

from collections.abc import Iterable
from typing import Final, TextIO

from msgspec import to_builtins

from llmops.domain.arms import ArmResult, ArmsComparison, Standing
from llmops.reporting.diff.json import pair_to_json
from llmops.reporting.run.json import json_text

SCHEMA: Final = "llmops.compare/1"


def write_arms_json(comparison: ArmsComparison, out: TextIO) -> None:
    """Write a comparison of arms as one document, a line a part."""
    parts = [f"{json_text(name)}: {json_text(value)}" for name, value in arms_to_json(comparison)]
    out.write("{\n" + ",\n".join(parts) + "\n}\n")


def arms_to_json(comparison: ArmsComparison) -> Iterable[tuple[str, object]]:
    """The parts of a comparison as plain values, by name."""
    yield "schema", SCHEMA
    yield "verdict", {**to_builtins(comparison.verdict), "good": comparison.verdict.good}
    yield "arms", [_arm(arm) for arm in comparison.arms]
    yield "front", [comparison.arms[place].label for place in comparison.front]
    yield "standings", [_standing(one, comparison) for one in comparison.standings]
    yield "run", comparison.run


def _arm(arm: ArmResult) -> dict[str, object]:
    return {
        "label": arm.label,
        "pass_rate": arm.pass_rate,
        "low": arm.low,
        "high": arm.high,
        "slowest": arm.slowest,
        "cost_per_trial": arm.cost_per_trial,
        "totals": to_builtins(arm.totals),
    }


def _standing(standing: Standing, comparison: ArmsComparison) -> dict[str, object]:
    return {
        "arm": comparison.arms[standing.arm].label,
        "against": comparison.arms[0].label,
        "saving": standing.saving,
        "moved": standing.moved or None,
        "assessment": standing.assessment.as_json(),
        "counts": standing.comparison.counts(),
        "pairs": [pair_to_json(pair) for pair in standing.comparison.pairs],
        "unpaired": [to_builtins(one) for one in standing.comparison.unpaired],
    }
