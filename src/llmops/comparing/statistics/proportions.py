"""Intervals of pass rates: one rate, two rates, two rates of the same cases."""

import math

from llmops.comparing.statistics.checks import check_count, check_inner_share
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import normal_quantile


def wilson(passed: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the interval of one pass rate (Wilson 1927, without continuity correction).

    Args:
        passed: How many of `n` independent trials passed.
        n: How many trials there were; with none the interval is 0 to 1.
        confidence: Two-sided, strictly between 0 and 1.

    Returns:
        Bounds from 0 to 1.

    Raises:
        ValueError: A count is negative, more passed than were tried, or `confidence` is no share.
    """
    _check_rate(passed, n)
    check_inner_share("confidence", confidence)
    if n == 0:
        return Interval(low=0.0, high=1.0)
    z = normal_quantile((1 + confidence) / 2)
    rate, square = passed / n, z * z
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    return Interval(
        low=0.0 if passed == 0 else max(0.0, middle - half),
        high=1.0 if passed == n else min(1.0, middle + half),
    )


def newcombe(
    baseline: tuple[int, int], candidate: tuple[int, int], *, confidence: float = 0.95
) -> Interval:
    """Return the interval of the difference of two independent pass rates, candidate − baseline.

    Newcombe 1998 (Statistics in Medicine 17, 873–890), method 10: two Wilson intervals, squared
    and added. For arms that answered different cases; for the same cases see `newcombe_paired`.

    Args:
        baseline: How many passed, of how many.
        candidate: How many passed, of how many.
        confidence: Two-sided, strictly between 0 and 1.

    Raises:
        ValueError: As `wilson`.
    """
    return _squared_and_added(baseline, candidate, 0.0, confidence)


def newcombe_paired(cells: tuple[int, int, int, int], *, confidence: float = 0.95) -> Interval:
    """Return the interval of the difference of two pass rates of the same cases.

    Newcombe 1998 (Statistics in Medicine 17, 2635–2650), method 10: as `newcombe`, with the
    correlation φ of the table, whose numerator is corrected for continuity where it is positive.

    Args:
        cells: How many cases passed on both arms, on the baseline only (losses), on the candidate
            only (wins), on neither.
        confidence: Two-sided, strictly between 0 and 1.

    Returns:
        Bounds of candidate − baseline, from −1 to 1; −1 to 1 when there are no cases.

    Raises:
        ValueError: A count is negative, or `confidence` is no share.
    """
    both, losses, wins, neither = cells
    for count in cells:
        check_count("a cell", count)
    n = sum(cells)
    return _squared_and_added(
        (both + losses, n), (both + wins, n), _correlation(both, losses, wins, neither), confidence
    )


def _squared_and_added(
    baseline: tuple[int, int], candidate: tuple[int, int], phi: float, confidence: float
) -> Interval:
    old, new = wilson(*baseline, confidence=confidence), wilson(*candidate, confidence=confidence)
    if baseline[1] == 0 or candidate[1] == 0:
        return Interval(low=-1.0, high=1.0)
    old_rate, new_rate = baseline[0] / baseline[1], candidate[0] / candidate[1]
    difference = new_rate - old_rate
    below = _reach(new_rate - new.low, old.high - old_rate, phi)
    above = _reach(new.high - new_rate, old_rate - old.low, phi)
    return Interval(low=max(-1.0, difference - below), high=min(1.0, difference + above))


def _reach(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(both: int, losses: int, wins: int, neither: int) -> float:
    size = (both + losses) * (wins + neither) * (both + wins) * (losses + neither)
    if size == 0:
        return 0.0
    product = both * neither - losses * wins
    corrected = max(product - (both + losses + wins + neither) / 2, 0) if product > 0 else product
    return corrected / math.sqrt(size)


def _check_rate(passed: int, n: int) -> None:
    check_count("the number that passed", passed)
    if passed > n:
        raise ValueError(f"{passed} of {n} cannot have passed")
