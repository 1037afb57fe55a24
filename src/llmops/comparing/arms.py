"""The trials of several arms in, their comparison out: each by itself, and each against the first."""

from collections.abc import Mapping, Sequence
from math import ceil

from msgspec.structs import replace

from llmops.comparing.assessment import assess_arms
from llmops.comparing.comparison import compare_trials, totals_of
from llmops.comparing.identity import models_moved, moved_words
from llmops.comparing.statistics.proportions import wilson
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.arms import ArmResult, ArmsComparison, Standing
from llmops.domain.assessment import Assessment
from llmops.domain.comparison import ComparisonVerdict, decide_comparison
from llmops.domain.run import TrialResult
from llmops.domain.verdict import Verdict

_WORST = ("incomparable", "stopped", "incomplete", "regressed", "changed", "improved", "same")


def compare_arms(
    trials: Mapping[str, Sequence[TrialResult]],
    *,
    rule: Rule,
    metrics: Sequence[str] = (),
    seed: int = 0,
    run: Verdict | None = None,
) -> ArmsComparison:
    """Compare arms on the cases that each shares with the first.

    Args:
        trials: By the arms' labels, the first arm first; two at least.
        rule: The margin and the confidence.
        metrics: Names that are judged beside the pass rate.
        seed: Fixes every random draw.
        run: The verdict of the run that asked.
    """
    arms = tuple(_arm(label, own, rule) for label, own in trials.items())
    first, *others = trials.values()
    standings = tuple(
        _standing(place, (first, own), rule, metrics, seed)
        for place, own in enumerate(others, start=1)
    )
    return ArmsComparison(
        arms=arms,
        standings=standings,
        front=_front(arms),
        verdict=_verdict(arms, standings, run),
    )


def _arm(label: str, trials: Sequence[TrialResult], rule: Rule) -> ArmResult:
    totals = totals_of(trials, [trial for trial in trials if trial.completion is not None])
    low, high = 0.0, 1.0
    if totals.asked:
        low = wilson(totals.passed, totals.asked, confidence=rule.two_sided_confidence).low
        best = totals.passed + totals.unknown
        high = wilson(best, totals.asked, confidence=rule.two_sided_confidence).high
    return ArmResult(label=label, totals=totals, low=low, high=high, slowest=_slowest(trials))


def _slowest(trials: Sequence[TrialResult]) -> float | None:
    """The 95th percentile by the nearest rank."""
    waits = sorted(
        sum(e.completion.latency for e in trial.exchanges if e.completion is not None)
        for trial in trials
        if trial.completion is not None
    )
    return waits[ceil(0.95 * len(waits)) - 1] if waits else None


def _standing(
    place: int,
    sides: tuple[Sequence[TrialResult], Sequence[TrialResult]],
    rule: Rule,
    metrics: Sequence[str],
    seed: int,
) -> Standing:
    assessment = assess_arms(*sides, rule=rule, metrics=metrics, seed=seed)
    moved = models_moved(*sides, together=True)
    return Standing(
        arm=place,
        assessment=_unsure(assessment) if moved else assessment,
        comparison=compare_trials(*sides),
        saving=None if moved else _saving(assessment),
        moved=moved_words(moved) if moved else "",
    )


def _unsure(assessment: Assessment) -> Assessment:
    """The same numbers, of which none is a claim about the arms."""
    judged, explored = (
        {name: replace(one, certainty="inconclusive") for name, one in group.items()}
        for group in (assessment.judged, assessment.explored)
    )
    return replace(assessment, judged=judged, explored=explored, certainty="inconclusive")


def _saving(assessment: Assessment) -> float | None:
    """Said only when no judged metric may have lost more than the margin, and the cost fell."""
    cost = assessment.quantities.get("cost")
    if cost is None or assessment.certainty not in {"not worse", "improved"}:
        return None
    if cost.unknown or cost.before <= 0 or cost.high >= 0 or cost.certainty != "regressed":
        return None
    return -cost.delta / cost.before


def _front(arms: Sequence[ArmResult]) -> tuple[int, ...]:
    """The Pareto front of pass rate and cost."""
    points = [(arm.pass_rate, arm.cost_per_trial) for arm in arms]
    known = [(rate, cost) for rate, cost in points if rate is not None and cost is not None]
    if len(known) < len(points):
        return ()
    return tuple(
        place
        for place, (rate, cost) in enumerate(known)
        if not any(
            other_rate >= rate and other_cost <= cost and (other_rate, other_cost) != (rate, cost)
            for other_rate, other_cost in known
        )
    )


def _verdict(
    arms: Sequence[ArmResult], standings: Sequence[Standing], run: Verdict | None
) -> ComparisonVerdict:
    """The gravest of the verdicts against the first arm, with every arm named."""
    verdicts = [decide_comparison(one.comparison, run=run, moved=one.moved) for one in standings]
    gravest = min(verdicts, key=lambda verdict: _WORST.index(verdict.status))
    if gravest.status in {"incomparable", "stopped"}:
        return gravest
    words = [
        f"{arms[standing.arm].label} is {_said(standing, verdict)}"
        for standing, verdict in zip(standings, verdicts, strict=True)
    ]
    return ComparisonVerdict(
        status=gravest.status,
        exit_code=max(verdict.exit_code for verdict in verdicts),
        reason="; ".join(words),
        complete=all(verdict.complete for verdict in verdicts),
    )


def _said(standing: Standing, verdict: ComparisonVerdict) -> str:
    certainty = standing.assessment.certainty
    words = {
        "regressed": "worse than the first arm",
        "inconclusive": "neither surely worse nor surely as good as the first arm",
        "not worse": "not worse than the first arm",
        "improved": "better than the first arm",
    }[certainty]
    return words if verdict.complete else f"{words}, of what is known"
