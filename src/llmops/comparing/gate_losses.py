"""What the gate demanded and demands now in; where it demands less, out."""

from collections.abc import Iterator
from typing import Final

from llmops.domain.config import GatePolicy
from llmops.domain.gate import FINDINGS, LEVELS, Finding
from llmops.location import Location

CONFIDENCE: Final = 0.95
MARGIN: Final = 0.02
_STRICT: Final = {"pass": 0, "warn": 1, "fail": 2}
_HARD: Final = {"info": 0, "warn": 1, "error": 2}
_Change = tuple[str, object, object]
"""A threshold, what it was and what it is."""


def gate_losses(
    before: GatePolicy, after: GatePolicy, suite: str, at: Location | None
) -> Iterator[Finding]:
    """Find where the gate demands less, or something that cannot be called more.

    Args:
        before: At the base, laid over what lies below it.
        after: Now, laid over the same.
        suite: The suite that the policy is of; empty for the project's.
        at: Where it stands now.
    """
    for name, then, now in (*_thresholds(before, after), *_levels(before, after)):
        words = f"the gate's {name} was {_value(then)} and is {_value(now)} now"
        yield _finding("threshold_lowered", words, suite, at)
    gone = sorted(set(before.metrics or ()) - set(after.metrics or ()))
    if gone:
        yield _finding("gate_changed", f"the gate judges {', '.join(gone)} no longer", suite, at)
    if before.against != after.against:
        sides = after.against or "the base", before.against or "the base"
        words = "the gate is held against {} in place of {}".format(*sides)
        yield _finding("gate_changed", words, suite, at)


def _thresholds(before: GatePolicy, after: GatePolicy) -> Iterator[_Change]:
    if (after.min_pass_rate or 0.0) < (before.min_pass_rate or 0.0):
        yield "min_pass_rate", before.min_pass_rate, after.min_pass_rate
    if _or(after.margin, MARGIN) > _or(before.margin, MARGIN):
        yield "margin", before.margin, after.margin
    if _or(after.confidence, CONFIDENCE) != _or(before.confidence, CONFIDENCE):
        yield "confidence", before.confidence, after.confidence
    then, now = before.on_inconclusive, after.on_inconclusive
    if _STRICT[now or "warn"] < _STRICT[then or "warn"]:
        yield "on_inconclusive", then, now


def _levels(before: GatePolicy, after: GatePolicy) -> Iterator[_Change]:
    old, new = before.levels or {}, after.levels or {}
    for name in {**old, **new}:
        usual = LEVELS[name]
        then, now = old.get(name, usual), new.get(name, usual)
        if _HARD[now] < _HARD[then]:
            yield f"level of {name}", then, now


def _or(value: float | None, usual: float) -> float:
    return usual if value is None else value


def _value(value: object) -> str:
    return "not set" if value is None else str(value)


def _finding(kind: str, what: str, suite: str, at: Location | None) -> Finding:
    return Finding(kind=kind, level=FINDINGS[kind], what=what, suite=suite, at=at)
