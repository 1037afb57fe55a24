"""The bootstrap over cases or clusters: replicates of Δ and their BCa interval."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from random import Random

from llmops.comparing.statistics.checks import check_count, check_inner_share
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import normal_cdf, normal_quantile

_CLOSE = 1e-12


def replicates(differences: Differences, *, rng: Random, rounds: int) -> tuple[float, ...]:
    """Return Δ of `rounds` resamples of the units, drawn with replacement.

    Args:
        differences: The differences; with clusters, whole clusters are drawn.
        rng: Where the draws come from.
        rounds: How many resamples, at least 1.

    Raises:
        ValueError: There are no cases, or `rounds` is below 1.
    """
    check_count("cases", len(differences.values), least=1)
    check_count("rounds", rounds, least=1)
    units = differences.units
    count = len(units)
    if not differences.clustered:
        values = [total for total, _ in units]
        return tuple(math.fsum(rng.choices(values, k=count)) / count for _ in range(rounds))
    return tuple(_ratio(rng.choices(units, k=count)) for _ in range(rounds))


def bca_interval(
    differences: Differences, replicated: Sequence[float], *, confidence: float
) -> Interval:
    """Return the bias-corrected and accelerated interval of Δ (Efron 1987, JASA 82, 171–185).

    Ties with Δ count half in the bias, the acceleration is the jackknife's over the units, and
    quantiles are interpolated, all as `scipy.stats.bootstrap` has it.

    Args:
        differences: The differences the replicates were made of.
        replicated: The replicates of Δ.
        confidence: Two-sided, strictly between 0 and 1.

    Returns:
        Bounds in the unit of the scores, within the range of the replicates.

    Raises:
        ValueError: There are no replicates, fewer than two units, or `confidence` is no share.
    """
    check_count("replicates", len(replicated), least=1)
    check_count("units", len(differences.units), least=2)
    check_inner_share("confidence", confidence)
    ordered = sorted(replicated)
    bias, acceleration = _bias(ordered, differences.mean), _acceleration(differences)
    tail = normal_quantile((1 - confidence) / 2)
    return Interval(
        low=_quantile(ordered, _corrected(bias, acceleration, tail)),
        high=_quantile(ordered, _corrected(bias, acceleration, -tail)),
    )


def _bias(ordered: Sequence[float], mean: float) -> float:
    """Return z₀; kept off shares of 0 and 1, which have none; rounding breaks no tie."""
    slack = _CLOSE * max(abs(ordered[0]), abs(ordered[-1]))
    below = bisect_left(ordered, mean - slack)
    upto = bisect_right(ordered, mean + slack)
    half = 1 / (2 * len(ordered))
    return normal_quantile(min(max((below + upto) / (2 * len(ordered)), half), 1 - half))


def _acceleration(differences: Differences) -> float:
    units = differences.units
    total = math.fsum(differences.values)
    n = len(differences.values)
    left_out = [(total - part) / (n - size) for part, size in units]
    middle = math.fsum(left_out) / len(left_out)
    squares = math.fsum((middle - value) ** 2 for value in left_out)
    cubes = math.fsum((middle - value) ** 3 for value in left_out)
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def _corrected(bias: float, acceleration: float, z: float) -> float:
    shifted = bias + z
    return normal_cdf(bias + shifted / max(1 - acceleration * shifted, 1e-9))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    at = min(int(place), len(ordered) - 1)
    after = ordered[min(at + 1, len(ordered) - 1)]
    return ordered[at] + (after - ordered[at]) * (place - at)


def _ratio(units: Sequence[tuple[float, int]]) -> float:
    return math.fsum(total for total, _ in units) / sum(size for _, size in units)
