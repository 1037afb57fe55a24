"""The mean of paired differences: its standard error and its t interval, clusters counted as one."""

import math

from llmops.comparing.statistics.checks import check_inner_share
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import t_quantile


def standard_error(differences: Differences) -> float:
    """Return the standard error of Δ, in the unit of the scores.

    sqrt(C/(C−1) · 1/n² · Σ_c (Σ_{i∈c} (d_i − Δ))²) over C clusters, which without clusters is
    sqrt(Σ(d_i − Δ)² / (n(n−1))) (Miller 2024, arXiv 2411.00640).

    Raises:
        ValueError: There are fewer than two units (cases, or clusters).
    """
    units, mean = differences.units, differences.mean
    count = len(units)
    if count < 2:
        raise ValueError(f"a standard error needs two units at least, not {count}")
    squares = math.fsum((total - size * mean) ** 2 for total, size in units)
    return math.sqrt(count / (count - 1) * squares) / len(differences.values)


def t_interval(differences: Differences, *, confidence: float) -> Interval:
    """Return the interval Δ ± t·SE with (units − 1) degrees of freedom (Miller 2024).

    Args:
        differences: The differences.
        confidence: Two-sided, strictly between 0 and 1.

    Returns:
        Bounds in the unit of the scores; a point when the differences do not vary.

    Raises:
        ValueError: There are fewer than two units, or `confidence` is no share.
    """
    check_inner_share("confidence", confidence)
    error = standard_error(differences)
    half = t_quantile((1 + confidence) / 2, len(differences.units) - 1) * error
    return Interval(low=differences.mean - half, high=differences.mean + half)
