"""Cases × samples: what past runs say of the spread, and the smallest drop that shows in it."""

import math
from collections.abc import Sequence
from statistics import fmean, variance

from msgspec import Struct

from llmops.comparing.statistics.checks import check_count, check_finite, check_inner_share
from llmops.comparing.statistics.special import normal_quantile


class Spread(Struct, frozen=True, kw_only=True):
    """Where the differences of cases come from.

    Attributes:
        between: ω², the variance of the true differences of cases, at least 0.
        within: σ_A² + σ_B², the variances of the samples of one case on either arm, added.

    Raises:
        ValueError: A variance is negative or not finite.
    """

    between: float
    within: float

    def __post_init__(self) -> None:
        check_finite("a variance", (self.between, self.within))
        if self.between < 0 or self.within < 0:
            raise ValueError(f"a variance cannot be below 0: {self}")

    def of_mean(self, cases: int, samples: int) -> float:
        """Return the variance of Δ with so many cases, and samples a case on each arm."""
        return (self.between + self.within / samples) / cases


class Plan(Struct, frozen=True, kw_only=True):
    """So many cases, each with so many samples on each arm.

    Attributes:
        cases: At least 1.
        samples: At least 1.
        drop: The smallest drop it can see, in the unit of the scores.
    """

    cases: int
    samples: int
    drop: float

    @property
    def trials(self) -> int:
        """How many trials it takes on both arms."""
        return 2 * self.cases * self.samples


class Aim(Struct, frozen=True, kw_only=True):
    """How surely a drop must be seen.

    Attributes:
        alpha: One-sided, strictly between 0 and 1.
        power: The chance to see it, strictly between 0 and 1.

    Raises:
        ValueError: One is no share, or they are so weak that no trial is needed.
    """

    alpha: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        check_inner_share("alpha", self.alpha)
        check_inner_share("the power", self.power)
        if self.power <= self.alpha:
            raise ValueError(f"a power of {self.power} needs no trial when alpha is {self.alpha}")

    @property
    def distance(self) -> float:
        """z_α + z_β: how many standard errors the drop must measure."""
        return normal_quantile(1 - self.alpha) + normal_quantile(self.power)


def spread_of(
    cases: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> Spread:
    """Estimate where the spread comes from, of past samples of both arms.

    σ² is the mean variance of the samples of a case where there were two at least; ω² is what the
    variance of the differences has more than the samples explain (Miller 2024, arXiv 2411.00640,
    §5), at least 0. With one sample everywhere σ² cannot be told from ω², which gets all.

    Args:
        cases: The scores on the baseline and on the candidate, at least one each, for each case.

    Raises:
        ValueError: There are fewer than two cases, or a case has no score on an arm.
    """
    check_count("cases", len(cases), least=2)
    for arms in cases:
        for scores in arms:
            check_count("the samples of a case", len(scores), least=1)
    sigmas = (_within([case[0] for case in cases]), _within([case[1] for case in cases]))
    explained = fmean(
        sigmas[0] / len(baseline) + sigmas[1] / len(candidate) for baseline, candidate in cases
    )
    total = variance(fmean(candidate) - fmean(baseline) for baseline, candidate in cases)
    return Spread(between=max(0.0, total - explained), within=sum(sigmas))


def visible_drop(spread: Spread, *, cases: int, samples: int, aim: Aim | None = None) -> float:
    """Return the smallest drop that can be seen, in the unit of the scores.

    δ = (z_α + z_β)·sqrt((ω² + (σ_A² + σ_B²)/K)/n): Miller 2024 (arXiv 2411.00640, §5) solved for δ.

    Raises:
        ValueError: There is not at least one case and one sample.
    """
    check_count("cases", cases, least=1)
    check_count("samples", samples, least=1)
    return (aim or Aim()).distance * math.sqrt(spread.of_mean(cases, samples))


def _within(arm: Sequence[Sequence[float]]) -> float:
    repeated = [variance(scores) for scores in arm if len(scores) > 1]
    return fmean(repeated) if repeated else 0.0
