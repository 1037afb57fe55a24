"""How flaky a case is: its pass rate over history, and what several attempts would give."""

import math
from collections.abc import Sequence

from msgspec import Struct

from llmops.comparing.statistics.checks import check_count, check_inner_share, check_share
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import beta_cdf, beta_quantile

_WEAKEST, _STRONGEST = 1.0, 100.0


class PassRate(Struct, frozen=True, kw_only=True):
    """What is believed of a pass rate: a beta distribution.

    Attributes:
        passes: The first shape, above 0: as if so many had passed.
        failures: The second shape, above 0.

    Raises:
        ValueError: A shape is not above 0.
    """

    passes: float = 0.5
    failures: float = 0.5

    def __post_init__(self) -> None:
        if not (self.passes > 0 and self.failures > 0):
            raise ValueError(f"a belief needs shapes above 0, not {self.passes}, {self.failures}")

    @property
    def mean(self) -> float:
        """The expected pass rate, between 0 and 1."""
        return self.passes / (self.passes + self.failures)

    def after(self, passed: int, n: int) -> "PassRate":
        """Return the belief after `passed` of `n` trials more: Beta(k + ½, n − k + ½) from Jeffreys.

        Raises:
            ValueError: A count is negative, or more passed than were tried.
        """
        _check(passed, n)
        return PassRate(passes=self.passes + passed, failures=self.failures + n - passed)

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """Return the equal-tailed credible interval of the pass rate, from 0 to 1.

        Raises:
            ValueError: `confidence` does not lie strictly between 0 and 1.
        """
        check_inner_share("confidence", confidence)
        tail = (1 - confidence) / 2
        return Interval(
            low=beta_quantile(tail, self.passes, self.failures),
            high=beta_quantile(1 - tail, self.passes, self.failures),
        )

    def between(self, low: float, high: float) -> float:
        """Return the chance that the pass rate lies from `low` to `high`.

        With 0.05 and 0.95 it is the chance that the case is flaky: neither passing nor failing
        nearly always.

        Raises:
            ValueError: A bound is no share.
        """
        check_share("a bound", low)
        check_share("a bound", high)
        upto = beta_cdf(high, self.passes, self.failures)
        return max(0.0, upto - beta_cdf(low, self.passes, self.failures))


def suite_belief(histories: Sequence[tuple[int, int]]) -> PassRate:
    """Return what a suite's cases say of a case before its own history is seen.

    The beta of the beta-binomial by the method of moments (Kleinman 1973, JASA 68, 46–54, with
    weights n_i); a case's belief `.after(passed, n)` is then shrunk to the suite. The strength,
    passes + failures, is kept from 1 to 100, so that no suite drowns a long history of one case,
    and one more case that passed and failed half is counted in, so that no rate is 0 or 1.

    Args:
        histories: How many passed of how many, one a case; cases without trials are left out.

    Returns:
        The belief; Jeffreys's Beta(½, ½) when there are fewer than two cases with trials.

    Raises:
        ValueError: A count is negative, or more passed than were tried.
    """
    for passed, n in histories:
        _check(passed, n)
    tried = [(passed, n) for passed, n in histories if n]
    if len(tried) < 2:
        return PassRate()
    trials = sum(n for _, n in tried)
    rate = (sum(passed for passed, _ in tried) + 0.5) / (trials + 1)
    strength = _strength(tried, trials)
    return PassRate(passes=rate * strength, failures=(1 - rate) * strength)


def pass_at(k: int, passed: int, n: int) -> float:
    """Return pass@k: the chance that at least one of k samples passes (arXiv 2107.03374).

    The unbiased 1 − C(n − c, k)/C(n, k), for c passed of n.

    Raises:
        ValueError: A count is negative, more passed than were tried, or k is not from 1 to n.
    """
    _check_k(k, passed, n)
    return 1 - math.comb(n - passed, k) / math.comb(n, k)


def pass_all(k: int, passed: int, n: int) -> float:
    """Return pass^k: the chance that all of k samples pass (arXiv 2406.12045).

    The unbiased C(c, k)/C(n, k), for c passed of n.

    Raises:
        ValueError: A count is negative, more passed than were tried, or k is not from 1 to n.
    """
    _check_k(k, passed, n)
    return math.comb(passed, k) / math.comb(n, k)


def _strength(tried: Sequence[tuple[int, int]], trials: int) -> float:
    """Solve the moments: the weighted variance of the rates is more than chance by 1/(1 + s)."""
    mean = sum(passed for passed, _ in tried) / trials
    chance = mean * (1 - mean)
    spread = math.fsum(n * (passed / n - mean) ** 2 for passed, n in tried)
    squares = sum(n * n for _, n in tried) / trials
    of_chance, of_cases = chance * (len(tried) - 1), chance * (trials - squares)
    excess = spread - of_chance
    if excess <= 0:
        return _STRONGEST
    alike = excess / (of_cases - of_chance) if of_cases > of_chance else 0.0
    if alike <= 0:
        return _STRONGEST
    return min(max(1 / alike - 1, _WEAKEST), _STRONGEST)


def _check(passed: int, n: int) -> None:
    check_count("the number that passed", passed)
    if passed > n:
        raise ValueError(f"{passed} of {n} cannot have passed")


def _check_k(k: int, passed: int, n: int) -> None:
    _check(passed, n)
    if not 1 <= k <= n:
        raise ValueError(f"k must lie from 1 to {n}, not at {k}")
