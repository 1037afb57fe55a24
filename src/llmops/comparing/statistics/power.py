"""How small a drop can be seen: the power of a test, and the smallest drop it detects."""

import math
from functools import lru_cache

from llmops.comparing.statistics.checks import check_count, check_inner_share, check_share
from llmops.comparing.statistics.mcnemar import mcnemar_midp
from llmops.comparing.statistics.special import binomial_tail, normal_cdf, normal_quantile

MOST_ENUMERATED = 1_000
"""Up to so many cases McNemar's power is counted exactly; above, by the normal approximation."""

_HALVINGS = 30
_NEGLIGIBLE = 1e-12


def mcnemar_power(n: int, *, drop: float, discordance: float, alpha: float = 0.05) -> float:
    """Return the chance that McNemar's one-sided mid-p test sees a drop of the pass rate.

    Counted over the number of discordant cases, Bin(n, ψ), and of losses among them,
    Bin(m, (ψ + δ)/2ψ). Above 1,000 cases by Connor 1987 (Biometrics 43, 207–211) instead, solved
    for the power.

    Args:
        n: How many cases, at least 0.
        drop: δ, the true drop, from above 0 to ψ.
        discordance: ψ, the share of cases on which the arms differ, from δ to 1.
        alpha: One-sided, strictly between 0 and 1.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: A number is out of its range.
    """
    check_count("cases", n)
    check_inner_share("alpha", alpha)
    _check_drop(drop, discordance)
    if n > MOST_ENUMERATED:
        return _power_by_normal(n, drop, discordance, alpha)
    loss_share = min(1.0, (discordance + drop) / (2 * discordance))
    power = []
    for discordant in range(n + 1):
        weight = _binomial(discordant, n, discordance)
        least = _fewest_losses(discordant, alpha)
        if weight > _NEGLIGIBLE and least <= discordant:
            power.append(weight * binomial_tail(least, discordant, loss_share))
    return min(1.0, math.fsum(power))


def smallest_drop(
    n: int, *, discordance: float | None = None, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest drop of the pass rate that n cases, one sample each, can see.

    Args:
        n: How many cases, at least 0.
        discordance: The share of cases on which the arms differ when there is no drop, from past
            runs, from 0 to 1; a drop larger than it brings its own. None: as if every case that
            differs were a loss, which is the best that can be hoped for.
        alpha: One-sided, strictly between 0 and 1.
        power: The chance to see it, strictly between 0 and 1.

    Returns:
        A share above 0, at most 1 (0.13 is 13 points); None when not even 1 would be seen.

    Raises:
        ValueError: A number is out of its range.
    """
    check_inner_share("the power", power)
    differing = discordance or 0.0
    check_share("the discordance", differing)
    if mcnemar_power(n, drop=1.0, discordance=1.0, alpha=alpha) < power:
        return None
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        share = max(middle, differing)
        seen = mcnemar_power(n, drop=middle, discordance=share, alpha=alpha) >= power
        low, high = (low, middle) if seen else (middle, high)
    return high


def cases_needed(
    *, drop: float, discordance: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return how many cases, one sample each, see a drop of the pass rate.

    n = ((z_α·√ψ + z_β·√(ψ − δ²))/δ)², rounded up (Connor 1987, Biometrics 43, 207–211).

    Args:
        drop: δ, from above 0 to ψ.
        discordance: ψ, the share of cases on which the arms differ, from δ to 1.
        alpha: One-sided, strictly between 0 and 1.
        power: The chance to see it, strictly between 0 and 1.

    Raises:
        ValueError: A number is out of its range.
    """
    _check_drop(drop, discordance)
    z_alpha, z_beta = _quantiles(alpha, power)
    spread = z_alpha * math.sqrt(discordance) + z_beta * math.sqrt(discordance - drop**2)
    return max(1, math.ceil((spread / drop) ** 2))


def _power_by_normal(n: int, drop: float, discordance: float, alpha: float) -> float:
    rest = discordance - drop * drop
    excess = drop * math.sqrt(n) - normal_quantile(1 - alpha) * math.sqrt(discordance)
    if rest <= 0:
        return 1.0 if excess > 0 else 0.0
    return normal_cdf(excess / math.sqrt(rest))


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    check_inner_share("alpha", alpha)
    check_inner_share("the power", power)
    return normal_quantile(1 - alpha), normal_quantile(power)


def _check_drop(drop: float, discordance: float) -> None:
    if not 0 < drop <= discordance <= 1:
        raise ValueError(f"a drop of {drop} cannot come of a discordance of {discordance}")


@lru_cache(maxsize=8192)
def _fewest_losses(discordant: int, alpha: float) -> int:
    """Return how many losses among the discordant cases are significant; one too many for never."""
    low, high = discordant // 2, discordant + 1
    while low < high:
        middle = (low + high) // 2
        if mcnemar_midp(middle, discordant - middle) <= alpha:
            high = middle
        else:
            low = middle + 1
    return high


def _binomial(k: int, n: int, share: float) -> float:
    if share >= 1:
        return float(k == n)
    logs = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logs + k * math.log(share) + (n - k) * math.log1p(-share))
