"""Where a pass rate fell in a row of versions: the chances of every place, from passes and fails.

A model answers the same question now right, now wrong, so one answer settles nothing. Bisection by
answers that may be wrong is a search by Bayes' rule: every place where the rate may have fallen has
a chance, every answer moves the chances, and the next question is the one that is expected to tell
the most (M. Ben-Or and A. Hassidim, "The Bayesian learner is optimal for noisy binary search", FOCS
2008; R. Waeber, P. Frazier and S. Henderson, "Bisection search with noisy responses", SIAM Journal
on Control and Optimization 51(3), 2013). There the chance of a wrong answer is known. Here both
rates are not, so they are averaged over a grid, as for a change point of a binomial sequence
(A. Smith, "A Bayesian approach to inference about a change-point in a sequence of random
variables", Biometrika 62(2), 1975).
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

from msgspec import Struct

_RATES = (0.025, *(number / 20 for number in range(1, 20)), 0.975)
_ALL_RATES = (0.0, *_RATES, 1.0)
_SURE = 1 / 3
"""The chance, before anything is known, that a rate is exactly 1 before or 0 after."""
_SMALLEST_FALL = 0.1
_SAME = 0.5
"""The chance, before anything is known, that nothing broke."""
_EPSILON = 1e-9


class Counts(Struct, frozen=True, kw_only=True):
    """How the samples of one version ended."""

    passed: int = 0
    failed: int = 0

    @property
    def asked(self) -> int:
        """All of them."""
        return self.passed + self.failed

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(passed=self.passed + other.passed, failed=self.failed + other.failed)


class Beliefs(Struct, frozen=True, kw_only=True):
    """What the samples say of a row of versions, the oldest first.

    Attributes:
        same: The chance that the rate fell nowhere, 0 to 1.
        breaks: For each version, the chance that it is the first with the lower rate; 0 for the
            oldest. Together with `same` they make 1.
        rates: For each version, the rates before and after if it is that one.
        rate: The rate everywhere if it fell nowhere.
    """

    same: float
    breaks: tuple[float, ...]
    rates: tuple[tuple[float, float], ...]
    rate: float


class _Fit(Struct, frozen=True):
    """How well rates fit: the logarithm of their likelihood, averaged; and their means."""

    weight: float
    before: float
    after: float


class _Pair(Struct, frozen=True):
    """A rate before and one after, with the logarithm of their chance."""

    before: float
    after: float
    chance: float


def beliefs(counts: Sequence[Counts], *, settled: bool = False) -> Beliefs:
    """Weigh every place where the rate may have fallen.

    Args:
        counts: For each version, the oldest first. Of fewer than two, none can have broken.
        settled: A version passes always or never, as where all there is of it is recorded. Answers
            that contradict this are weighed as if it was not said.
    """
    if len(counts) < 2:
        return Beliefs(same=1.0, breaks=(0.0,), rates=((1.0, 0.0),), rate=0.5)
    passed = [0, *accumulate(one.passed for one in counts)]
    failed = [0, *accumulate(one.failed for one in counts)]
    splits = [Counts(passed=p, failed=f) for p, f in zip(passed, failed, strict=True)]
    whole = splits[-1]
    pairs, flat = (_SETTLED_PAIRS, _SETTLED_FLAT) if settled else (_PAIRS, _FLAT)
    fits = {split: _fit(pairs, split, _rest(whole, split)) for split in set(splits[1:-1])}
    nowhere = _fit(flat, whole, Counts())
    most = max([nowhere.weight, *(fit.weight for fit in fits.values())])
    if most == -math.inf:
        return beliefs(counts)
    share = (1 - _SAME) / (len(counts) - 1)
    same = _SAME * math.exp(nowhere.weight - most)
    breaks = [0.0, *(share * math.exp(fits[split].weight - most) for split in splits[1:-1])]
    total = same + sum(breaks)
    ends = [(fits[split].before, fits[split].after) for split in splits[1:-1]]
    return Beliefs(
        same=same / total,
        breaks=tuple(chance / total for chance in breaks),
        rates=((1.0, 0.0), *ends),
        rate=nowhere.before,
    )


def most_telling(held: Beliefs, askable: Iterable[int]) -> int | None:
    """The version of which one more sample is expected to tell the most about the place.

    Told is the mutual information of the sample and the place: the entropy of the sample less what
    is left of it once the place is known.

    Returns:
        None when no sample of those that can be asked would tell anything.
    """
    entropies = {rate: _entropy(rate) for pair in held.rates for rate in pair}
    chances = list(zip(held.breaks, held.rates, strict=True))
    pass_before = list(accumulate(chance * rates[0] for chance, rates in chances))
    pass_after = list(accumulate(chance * rates[1] for chance, rates in chances))
    left_before = list(accumulate(chance * entropies[rates[0]] for chance, rates in chances))
    left_after = list(accumulate(chance * entropies[rates[1]] for chance, rates in chances))
    nowhere = held.same * _entropy(held.rate)
    best, told = None, _EPSILON
    for version in askable:
        passes = pass_after[version] + pass_before[-1] - pass_before[version]
        passes += held.same * held.rate
        left = left_after[version] + left_before[-1] - left_before[version] + nowhere
        if _entropy(passes) - left > told:
            best, told = version, _entropy(passes) - left
    return best


def _rest(whole: Counts, part: Counts) -> Counts:
    return Counts(passed=whole.passed - part.passed, failed=whole.failed - part.failed)


def _fit(pairs: Sequence[_Pair], before: Counts, after: Counts) -> _Fit:
    """Average over all rates that may be."""
    first = {rate: _likelihood(before, rate) for rate in _ALL_RATES}
    second = {rate: _likelihood(after, rate) for rate in _ALL_RATES}
    logs = [pair.chance + first[pair.before] + second[pair.after] for pair in pairs]
    most = max(logs)
    if most == -math.inf:
        return _Fit(most, 1.0, 0.0)
    weights = [math.exp(log - most) for log in logs]
    total = sum(weights)
    weighed = list(zip(weights, pairs, strict=True))
    return _Fit(
        most + math.log(total),
        sum(weight * pair.before for weight, pair in weighed) / total,
        sum(weight * pair.after for weight, pair in weighed) / total,
    )


def _likelihood(counts: Counts, rate: float) -> float:
    """The logarithm of the chance of these answers at a rate."""
    return _times(counts.passed, rate) + _times(counts.failed, 1 - rate)


def _times(count: int, chance: float) -> float:
    if count == 0:
        return 0.0
    return count * math.log(chance) if chance > 0 else -math.inf


def _entropy(chance: float) -> float:
    """Of a yes or no, in bits."""
    if not _EPSILON < chance < 1 - _EPSILON:
        return 0.0
    return -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)


def _prior(*sure: float) -> dict[float, float]:
    """The chance of each rate: some are likely to be exactly so, the others are alike."""
    alike = (1 - _SURE) / len(_RATES)
    return dict.fromkeys(_RATES, alike) | dict.fromkeys(sure, _SURE / len(sure))


def _fallen() -> tuple[_Pair, ...]:
    found = [
        (before, after, chance * other)
        for before, chance in _prior(1.0).items()
        for after, other in _prior(0.0).items()
        if before - after >= _SMALLEST_FALL - _EPSILON
    ]
    total = sum(chance for *_, chance in found)
    return tuple(_Pair(before, after, math.log(c / total)) for before, after, c in found)


_PAIRS = _fallen()
_FLAT = tuple(_Pair(rate, rate, math.log(c)) for rate, c in _prior(0.0, 1.0).items())
_SETTLED_PAIRS = (_Pair(1.0, 0.0, 0.0),)
_SETTLED_FLAT = tuple(_Pair(rate, rate, math.log(0.5)) for rate in (0.0, 1.0))
