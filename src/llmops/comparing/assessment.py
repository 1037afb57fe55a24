"""The trials of two arms in, how sure it is out: pass rate, metrics, cost, latency and length."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from statistics import fmean
from typing import Final

from llmops.comparing.cases import Pairs, paired_cases, with_even_sides
from llmops.comparing.pairing import output_of
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.judging import Finding, judge, measure
from llmops.comparing.statistics.multiple import benjamini_hochberg
from llmops.comparing.statistics.power import smallest_drop
from llmops.comparing.statistics.table import CountedCase, Ends, ScoredCase, Tally, counted, scored
from llmops.comparing.statistics.verdict import Rule, decide, overall
from llmops.domain.assessment import PASS_RATE, Assessment, Certainty, Estimate
from llmops.domain.run import TrialResult

_SHARE: Final = Interval(low=0.0, high=1.0)


def assess_arms(
    before: Iterable[TrialResult],
    after: Iterable[TrialResult],
    *,
    rule: Rule,
    metrics: Sequence[str] = (),
    seed: int = 0,
) -> Assessment:
    """Assess two arms on the cases they share; samples of a case are averaged first.

    Args:
        before: Trials of the first arm.
        after: Trials of the second.
        rule: The margin and the confidence.
        metrics: Names that are judged beside the pass rate; all others are explored.
        seed: Fixes every random draw.
    """
    pairs = with_even_sides(paired_cases(before, after))
    known = _metrics_of(pairs)
    ends = {PASS_RATE: _counted(pairs)}
    ends |= {name: _scored(pairs, name) for name in metrics if name in known}
    judged = judge(ends, dict.fromkeys(ends, rule), seed=seed)
    discordance = _discordance(pairs)
    return Assessment(
        judged={
            name: _estimate(one.finding, one.interval, ends[name], one.verdict, _means(pairs, name))
            for name, one in judged.items()
        },
        explored=_explored(pairs, [name for name in known if name not in ends], rule, seed),
        quantities=_quantities(pairs, rule, seed),
        certainty=overall(judgement.verdict for judgement in judged.values()),
        cases=len(pairs),
        samples=max((len(side) for pair in pairs for side in pair), default=0),
        smallest=smallest_drop(len(pairs), discordance=discordance, alpha=rule.alpha),
        margin=rule.margin,
        confidence=rule.confidence,
        seed=seed,
    )


def _counted(pairs: Pairs) -> Ends:
    return counted(
        [
            CountedCase(baseline=_tally(before), candidate=_tally(after), cluster=_cluster(after))
            for before, after in pairs
        ]
    )


def _tally(trials: Sequence[TrialResult]) -> Tally:
    passed = sum(trial.status == "passed" for trial in trials)
    failed = sum(trial.status == "failed" for trial in trials)
    return Tally(passed=passed, failed=failed, unknown=len(trials) - passed - failed)


def _cluster(trials: Sequence[TrialResult]) -> str | None:
    cluster = trials[0].cluster
    return f"{trials[0].suite}::{cluster}" if cluster is not None else None


def _metrics_of(pairs: Pairs) -> list[str]:
    """The metrics that both sides have, in the order in which they first appear."""
    sides = [
        dict.fromkeys(
            score.metric
            for pair in pairs
            for trial in pair[side]
            for score in trial.scores
            if score.metric is not None
        )
        for side in (0, 1)
    ]
    return [name for name in sides[0] if name in sides[1]]


def _scored(pairs: Pairs, metric: str) -> Ends:
    """The scores of one metric, over the cases that assert it on both sides."""
    return scored(
        [
            ScoredCase(
                baseline=tuple(_score(trial, metric) for trial in before),
                candidate=tuple(_score(trial, metric) for trial in after),
                cluster=_cluster(after),
            )
            for before, after in _asserting(pairs, metric)
        ],
        bounds=_SHARE,
    )


def _asserting(pairs: Pairs, metric: str) -> Pairs:
    """The cases that assert a metric; a side that has no score at all would have, had it any."""
    return [
        pair
        for pair in pairs
        if any(_asserts(side, metric) for side in pair)
        and all(_asserts(side, metric) or not _has_scores(side) for side in pair)
    ]


def _asserts(trials: Sequence[TrialResult], metric: str) -> bool:
    return any(score.metric == metric for trial in trials for score in trial.scores)


def _has_scores(trials: Sequence[TrialResult]) -> bool:
    return any(trial.scores for trial in trials)


def _score(trial: TrialResult, metric: str) -> float | None:
    scores = [entry.score for entry in trial.scores if entry.metric == metric]
    if not scores or any(score.status == "unscored" for score in scores):
        return None
    return fmean(score.value for score in scores)


def _means(pairs: Pairs, name: str) -> tuple[float, float]:
    """The means of both arms; what is unknown stands at its best before and its worst after."""
    if name == PASS_RATE:
        rates = [(_tally(before).rate.high, _tally(after).rate.low) for before, after in pairs]
    else:
        asserting = _asserting(pairs, name)
        rates = [(_mean(before, name, 1.0), _mean(after, name, 0.0)) for before, after in asserting]
    if not rates:
        return 0.0, 0.0
    return fmean(rate[0] for rate in rates), fmean(rate[1] for rate in rates)


def _mean(trials: Sequence[TrialResult], metric: str, unknown: float) -> float:
    scores = [_score(trial, metric) for trial in trials]
    return fmean(unknown if score is None else score for score in scores)


def _explored(pairs: Pairs, names: Sequence[str], rule: Rule, seed: int) -> dict[str, Estimate]:
    ends = {name: _scored(pairs, name) for name in names}
    found = {name: measure(one.worse, rule, rng=_rng(seed, name)) for name, one in ends.items()}
    worse = benjamini_hochberg([finding.worse for finding in found.values()])
    better = benjamini_hochberg([finding.better for finding in found.values()])
    return {
        name: _estimate(
            finding,
            finding.interval,
            ends[name],
            decide(finding.interval, worse=low, better=high, rule=rule),
            _means(pairs, name),
            adjusted=(low, high),
        )
        for (name, finding), low, high in zip(found.items(), worse, better, strict=True)
    }


def _quantities(pairs: Pairs, rule: Rule, seed: int) -> dict[str, Estimate]:
    made = {
        name: _quantity(pairs, read, rule, _rng(seed, name)) for name, read in QUANTITIES.items()
    }
    return {name: estimate for name, estimate in made.items() if estimate is not None}


def _quantity(
    pairs: Pairs, read: Callable[[TrialResult], float | None], rule: Rule, rng: Random
) -> Estimate | None:
    """A mean that is neither good nor bad; `worse` is a fall, `better` a rise."""
    known = [
        (first, second, _cluster(after))
        for before, after in pairs
        if (first := _known_mean(before, read)) is not None
        and (second := _known_mean(after, read)) is not None
    ]
    if not known:
        return None
    values = tuple(second - first for first, second, _ in known)
    clusters = tuple(cluster or f"case {i}" for i, (_, _, cluster) in enumerate(known))
    differences = Differences(
        values=values, clusters=clusters if any(cluster for _, _, cluster in known) else ()
    )
    reach = max(map(abs, values)) or 1.0
    held = Rule(confidence=rule.confidence, margin=0.0, reach=reach)
    finding = measure(differences, held, rng=rng)
    ends = Ends(worse=differences, better=differences, unknown=len(pairs) - len(known))
    means = fmean(first for first, _, _ in known), fmean(second for _, second, _ in known)
    return _estimate(finding, finding.interval, ends, finding.verdict, means)


def _known_mean(
    trials: Sequence[TrialResult], read: Callable[[TrialResult], float | None]
) -> float | None:
    values = [value for trial in trials if (value := read(trial)) is not None]
    return fmean(values) if values and len(values) == len(trials) else None


def _cost(trial: TrialResult) -> float | None:
    costs = [e.completion.cost for e in trial.exchanges if e.completion is not None]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _latency(trial: TrialResult) -> float | None:
    waits = [e.completion.latency for e in trial.exchanges if e.completion is not None]
    return sum(waits) if waits and all(waits) and trial.status != "error" else None


def _length(trial: TrialResult) -> float | None:
    output = output_of(trial)
    return float(len(output)) if output is not None and trial.status != "error" else None


QUANTITIES: Final[Mapping[str, Callable[[TrialResult], float | None]]] = {
    "cost": _cost,
    "latency": _latency,
    "output characters": _length,
}
"""What is measured of a trial and neither good nor bad; None where nobody knows."""


def _estimate(
    finding: Finding,
    interval: Interval,
    ends: Ends,
    certainty: Certainty,
    means: tuple[float, float],
    adjusted: tuple[float, float] | None = None,
) -> Estimate:
    worse, better = adjusted or (finding.worse, finding.better)
    return Estimate(
        before=means[0],
        after=means[1],
        delta=finding.delta,
        low=interval.low,
        high=interval.high,
        worse=worse,
        better=better,
        p_value=min(1.0, 2 * min(worse, better)),
        test=finding.test,
        cases=finding.cases,
        units=finding.units,
        losses=finding.losses,
        wins=finding.wins,
        unknown=ends.unknown,
        certainty=certainty,
    )


def _discordance(pairs: Pairs) -> float | None:
    """The share of cases on which the arms differ now, as a guess of what they will."""
    if not pairs:
        return None
    differing = sum(_tally(before).rate != _tally(after).rate for before, after in pairs)
    return differing / len(pairs)


def _rng(seed: int, name: str) -> Random:
    return Random(f"{seed}:{name}")  # noqa: S311 - draws must come out the same again
