"""Normal, beta, t and binomial distributions: tails and quantiles."""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

from llmops.comparing.statistics.checks import check_inner_share, check_share

_NORMAL = NormalDist()
_TINY = 1e-300
_MOST_STEPS = 100_000


def normal_cdf(z: float) -> float:
    """Return P(Z ≤ z) of the standard normal, by the complementary error function."""
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_quantile(share: float) -> float:
    """Return z with P(Z ≤ z) = share (Wichura 1988, AS 241, as the standard library has it).

    Raises:
        ValueError: `share` does not lie strictly between 0 and 1.
    """
    check_inner_share("a share", share)
    return _NORMAL.inv_cdf(share)


def log_beta(a: float, b: float) -> float:
    """Return ln B(a, b) for a, b > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return P(X ≤ x) for X ~ Beta(a, b): the regularised incomplete beta function.

    The continued fraction of DLMF 8.17.22 by the method of Lentz, on the side where it converges
    quickly; some 1e-13 accurate for a, b up to 1e5.

    Raises:
        ValueError: `x` does not lie from 0 to 1, or `a` or `b` is not above 0.
    """
    check_share("x", x)
    if not (a > 0 and b > 0):
        raise ValueError(f"a beta distribution needs shapes above 0, not {a} and {b}")
    if x in {0.0, 1.0}:
        return x
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return min(1.0, front * _beta_fraction(x, a, b) / a)
    return max(0.0, 1 - front * _beta_fraction(1 - x, b, a) / b)


@lru_cache(maxsize=4096)
def beta_quantile(share: float, a: float, b: float) -> float:
    """Return x with P(X ≤ x) = share for X ~ Beta(a, b), by bisection.

    Raises:
        ValueError: `share` does not lie strictly between 0 and 1, or a shape is not above 0.
    """
    check_inner_share("a share", share)
    return _bisect(lambda x: beta_cdf(x, a, b) >= share, 0.0, 1.0)


def t_tail(t: float, df: float) -> float:
    """Return P(T > t) for Student's t with `df` > 0 degrees of freedom (DLMF 8.17 by the beta)."""
    square = t * t
    half = (
        beta_cdf(df / (df + square), df / 2, 0.5) / 2
        if square > df
        else (1 - beta_cdf(square / (df + square), 0.5, df / 2)) / 2
    )
    return half if t >= 0 else 1 - half


@lru_cache(maxsize=4096)
def t_quantile(share: float, df: float) -> float:
    """Return t with P(T ≤ t) = share for Student's t with `df` > 0 degrees of freedom.

    Raises:
        ValueError: `share` does not lie strictly between 0 and 1.
    """
    check_inner_share("a share", share)
    tail = min(share, 1 - share)
    if tail == 0.5:
        return 0.0
    far = 1.0
    while t_tail(far, df) > tail:
        far *= 2
    size = _bisect(lambda t: t_tail(t, df) <= tail, 0.0, far)
    return size if share > 0.5 else -size


def binomial_tail(least: int, n: int, share: float) -> float:
    """Return P(X ≥ least) for X ~ Bin(n, share), by the incomplete beta function (DLMF 8.17.5)."""
    if least <= 0:
        return 1.0
    return 0.0 if least > n else beta_cdf(share, least, n - least + 1)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Evaluate DLMF 8.17.22; some √max(a, b) steps are enough where it is asked."""
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for step in range(1, _MOST_STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        factor = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            factor = c * d
            value *= factor
        if abs(factor - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Find where `reached` turns true, to the last bit that can be told."""
    middle = (low + high) / 2
    while low < middle < high:
        low, high = (low, middle) if reached(middle) else (middle, high)
        middle = (low + high) / 2
    return high
