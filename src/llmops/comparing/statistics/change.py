"""Whether the pass rates of the same cases changed, however often each was asked then and now."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from llmops.comparing.statistics.checks import check_count, check_inner_share
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import normal_quantile

_STEPS: Final = 200


class ThenNow(Struct, frozen=True, kw_only=True):
    """One case: how many trials passed, of how many.

    Attributes:
        then: Passed and asked, in the past; asked at least once.
        now: Passed and asked, now; asked at least once.

    Raises:
        ValueError: A count is negative, none was asked, or more passed than were asked.
    """

    then: tuple[int, int]
    now: tuple[int, int]

    def __post_init__(self) -> None:
        for passed, asked in (self.then, self.now):
            check_count("passed", passed)
            check_count("asked", asked, least=1)
            if passed > asked:
                raise ValueError(f"{passed} of {asked} cannot have passed")

    @property
    def difference(self) -> float:
        """Now − then, from −1 to 1."""
        return self.now[0] / self.now[1] - self.then[0] / self.then[1]


def change_test(cases: Sequence[ThenNow]) -> tuple[float, float]:
    """Return one-sided p-values that the cases fell, and that they rose.

    If nothing changed, the trials of a case are exchangeable, so that the number of its passes that
    are of now is hypergeometric given all of its passes, and the sum over cases has the convolution
    of these (the exact conditional test of stratified 2 × 2 tables: Gart 1970, Biometrika 57,
    471–475). It speaks of these cases, not of others like them, and holds however many trials each
    side has. The sign-flip test does not: with 50 trials then and one now, pass rates of 95 % and
    no change, it finds a rise in 44 % of simulations.
    """
    pmf = [1.0]
    for case in cases:
        law = _hypergeometric(case.then[1], case.then[0] + case.now[0], case.now[1])
        pmf = _convolved(pmf, law)
    passed = sum(case.now[0] for case in cases)
    fell, rose = math.fsum(pmf[: passed + 1]), math.fsum(pmf[passed:])
    return min(1.0, fell), min(1.0, rose)


def change_interval(cases: Sequence[ThenNow], *, confidence: float) -> Interval:
    """Return the interval of the mean difference, now − then, every case weighing the same.

    Newcombe's (1998, Statistics in Medicine 17, 873–890, method 10) of two independent rates, each
    the mean over cases. Σ 1/nᵢ makes the number of trials that each is worth: a mean of different
    rates varies less than one rate of so many trials, never more.

    Args:
        cases: None at all gives −1 to 1.
        confidence: Two-sided, strictly between 0 and 1.

    Raises:
        ValueError: `confidence` is no share.
    """
    check_inner_share("confidence", confidence)
    if not cases:
        return Interval(low=-1.0, high=1.0)
    z = normal_quantile((1 + confidence) / 2)
    then, now = _side([case.then for case in cases]), _side([case.now for case in cases])
    old, new = _wilson(*then, z), _wilson(*now, z)
    delta = now[0] - then[0]
    low = delta - math.hypot(now[0] - new.low, old.high - then[0])
    high = delta + math.hypot(new.high - now[0], then[0] - old.low)
    return Interval(low=max(-1.0, low), high=min(1.0, high))


def smallest_fall(cases: Sequence[ThenNow], *, alpha: float, power: float = 0.8) -> float | None:
    """Return the smallest fall of the mean pass rate that so many trials can see, roughly.

    By the normal approximation, from the rate that was seen then.

    Returns:
        From 0 to 1, in steps of half a point; None when no fall can be seen.

    Raises:
        ValueError: `alpha` or `power` is no share.
    """
    reach = normal_quantile(1 - alpha) + normal_quantile(power)
    if not cases:
        return None
    rate, old = _side([case.then for case in cases])
    new = _side([case.now for case in cases])[1]
    for step in range(1, int(rate * _STEPS) + 1):
        fall = step / _STEPS
        left = rate - fall
        error = math.sqrt(rate * (1 - rate) / old + left * (1 - left) / new)
        if fall >= reach * error:
            return fall
    return None


@lru_cache(maxsize=4096)
def _hypergeometric(then: int, passed: int, now: int) -> tuple[float, ...]:
    """The chances of 0, 1, … passes now, given how many of then and now together passed."""
    whole, failed = math.comb(then + now, now), then + now - passed
    return tuple(math.comb(passed, k) * math.comb(failed, now - k) / whole for k in range(now + 1))


def _convolved(one: Sequence[float], other: Sequence[float]) -> list[float]:
    made = [0.0] * (len(one) + len(other) - 1)
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            made[i + j] += first * second
    return made


def _side(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The mean rate of cases, and how many trials of one rate it is worth."""
    rate = math.fsum(passed / asked for passed, asked in counts) / len(counts)
    return rate, len(counts) ** 2 / math.fsum(1 / asked for _, asked in counts)


def _wilson(rate: float, n: float, z: float) -> Interval:
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return Interval(low=max(0.0, min(middle - half, rate)), high=min(1.0, max(middle + half, rate)))
