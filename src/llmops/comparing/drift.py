"""Canaries then and now in, whether their model drifted out; and what of a change is the model's."""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Final

from llmops.comparing.cases import Pairs, paired_cases
from llmops.comparing.identity import READERS, answers, models_moved, words_of
from llmops.comparing.means import mean_changes
from llmops.comparing.statistics.change import ThenNow, change_interval, change_test, smallest_fall
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.assessment import Assessment
from llmops.domain.drift import Apart, CanaryCase, Drifting, ModelDrift, RateChange
from llmops.domain.run import TrialResult

MARGIN: Final = 0.05
"""A change of the pass rate up to which a model counts as steady, when nobody says otherwise."""

Dated = tuple[str, TrialResult]
"""The id of a run, which sorts by time, and a trial of it."""


def drift_rule(margin: float, confidence: float, models: int) -> Rule:
    """The rule by which one of several models is judged.

    A model may drift both ways and each of them may be blamed by chance, so that what the
    confidence leaves is shared among all of it (Bonferroni).

    Args:
        margin: The change that does not matter, from 0 to 1.
        confidence: That no steady model is called drifted, between ½ and 1.
        models: How many are judged, at least 1.

    Raises:
        ValueError: A number is out of its range.
    """
    return Rule(margin=margin, confidence=1 - (1 - confidence) / (2 * models))


def drift_of(
    model: str, history: Sequence[Dated], now: Sequence[TrialResult], *, rule: Rule
) -> ModelDrift:
    """Hold what a model answers now against its history.

    A model whose provider names another id than in the oldest run has drifted, whatever it
    answers. Another fingerprint alone is told, for it is another with many a harmless change.

    Args:
        model: Its label.
        history: Trials of kept runs with the runs' ids, in any order; each passed or failed. A
            case on an arm is known by the case hash.
        now: Trials that were asked just now.
        rule: How sure one must be; of either direction.
    """
    dated = sorted(history, key=lambda one: one[0])
    reference = _reference(dated)
    moved = models_moved(reference, now)
    same, others = _of_the_same(reference, [trial for _, trial in dated])
    pairs = paired_cases(same, now)
    rate = rate_change(same, now, rule)
    said, reason = _said(rate, [one.words for one in moved if one.what == "model id"])
    known = {trial.case_hash for trial in same}
    return ModelDrift(
        model=model,
        said=said,
        reason=reason,
        rate=rate,
        means=tuple(mean_changes(pairs)),
        moved=moved,
        cases=tuple(_changed(pairs)),
        unknown=len({trial.case_hash for trial in now} - known),
        first=dated[0][0] if dated else None,
        last=dated[-1][0] if dated else None,
        others=others,
    )


def rate_change(then: Iterable[TrialResult], now: Iterable[TrialResult], rule: Rule) -> RateChange:
    """The pass rate of the cases that both sides have; what is unknown now at both of its ends.

    Args:
        then: Trials, each passed or failed.
        now: Trials.
        rule: The margin and the confidence of each claim.
    """
    pairs = paired_cases(then, now)
    worst, best = ([_counts(pair, status) for pair in pairs] for status in ("passed", None))
    confidence = rule.two_sided_confidence
    before = fmean(case.then[0] / case.then[1] for case in worst) if worst else 0.0
    after = fmean(case.now[0] / case.now[1] for case in worst) if worst else 0.0
    return RateChange(
        before=before,
        after=after,
        delta=after - before,
        low=change_interval(worst, confidence=confidence).low,
        high=change_interval(best, confidence=confidence).high,
        fell=change_test(best)[0],
        rose=change_test(worst)[1],
        cases=len(pairs),
        then=sum(case.then[1] for case in worst),
        now=sum(case.now[1] for case in worst),
        unknown=sum(case.now[0] for case in best) - sum(case.now[0] for case in worst),
        smallest=smallest_fall(worst, alpha=rule.alpha),
        margin=rule.margin,
        confidence=rule.confidence,
    )


def take_apart(runs: tuple[str, str], whole: Assessment, canaries: RateChange) -> Apart | None:
    """Take the difference between two runs apart: difference in differences.

    The canaries' prompt is the same then and now, so their difference is the model's; what is left
    of the whole is the edit's. The bounds are by the method of variance estimates recovery for a
    difference of two independent ones (Zou and Donner 2008, Stat Med 27, 1693–1702).

    Args:
        runs: Ids of the two runs.
        whole: The second run against the first.
        canaries: Now against then.

    Returns:
        None when either has no case.
    """
    if not whole.cases or not canaries.cases:
        return None
    one = whole.pass_rate
    delta = one.delta - canaries.delta
    low = delta - math.hypot(one.delta - one.low, canaries.high - canaries.delta)
    high = delta + math.hypot(one.high - one.delta, canaries.delta - canaries.low)
    return Apart(
        runs=runs,
        whole=(one.delta, one.low, one.high),
        model=(canaries.delta, canaries.low, canaries.high),
        edit=(delta, low, high),
        cases=whole.cases,
    )


def _reference(dated: Sequence[Dated]) -> list[TrialResult]:
    """The trials of the oldest run in which a provider said what it is, for each model asked."""
    found: list[TrialResult] = []
    first: dict[str, str] = {}
    for run, trial in dated:
        for asked, exchanges in answers([trial]).items():
            named = any(words_of(exchanges, what) for what in READERS)
            if named and first.setdefault(asked, run) == run:
                found.append(trial)
    return found


def _of_the_same(
    reference: Iterable[TrialResult], trials: Sequence[TrialResult]
) -> tuple[list[TrialResult], int]:
    """The trials that no other model answered, and how many another did."""
    ids = {asked: words_of(said, "model id") for asked, said in answers(reference).items()}
    same = [trial for trial in trials if not _of_another(trial, ids)]
    return same, len(trials) - len(same)


def _of_another(trial: TrialResult, ids: dict[str, frozenset[str]]) -> bool:
    for asked, exchanges in answers([trial]).items():
        known, said = ids.get(asked), words_of(exchanges, "model id")
        if known and said and not known & said:
            return True
    return False


def _said(rate: RateChange, moved: Sequence[str]) -> tuple[Drifting, str]:
    if moved:
        return "drifted", f"drifted: {moved[0]}"
    if not rate.cases:
        return "cannot tell", "has no kept answer to a canary as it is asked today"
    unknown = f", {rate.unknown:,} trials without a verdict" if rate.unknown else ""
    return rate.said, (
        f"passed {rate.before * 100:.1f} % then and {rate.after * 100:.1f} % now, difference "
        f"{rate.delta * 100:+.1f} points [{rate.low * 100:+.1f}, {rate.high * 100:+.1f}], "
        f"p = {rate.p_value:.3g}{unknown}"
    )


def _counts(
    pair: tuple[Sequence[TrialResult], Sequence[TrialResult]], passing: str | None
) -> ThenNow:
    """Counts of a case; now, a trial passes with that status, or with any but `failed`."""
    before, after = pair
    passed = sum(
        trial.status == passing if passing else trial.status != "failed" for trial in after
    )
    then = sum(trial.status == "passed" for trial in before)
    return ThenNow(then=(then, len(before)), now=(passed, len(after)))


def _changed(pairs: Pairs) -> Iterator[CanaryCase]:
    """The canaries whose rate is another, the largest fall first."""
    counted = [(_counts(pair, "passed"), pair[1][0]) for pair in pairs]
    for case, trial in sorted(counted, key=lambda one: one[0].difference):
        if case.difference:
            yield CanaryCase(suite=trial.suite, case=trial.case, then=case.then, now=case.now)
