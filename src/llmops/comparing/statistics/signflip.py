"""The sign-flip permutation test of paired differences, exact where that is cheap."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from random import Random

from msgspec import Struct

from llmops.comparing.statistics.checks import check_count
from llmops.comparing.statistics.differences import Differences

MOST_ENUMERATED = 20
"""Up to so many units that are not zero, every assignment of signs is counted."""

_CLOSE = 1e-11
_CHUNK = 8


class SignFlip(Struct, frozen=True, kw_only=True):
    """The p-values of a sign-flip test.

    Attributes:
        worse: One-sided, that the candidate is worse; above 0, at most 1.
        better: One-sided, that the candidate is better.
        exact: Whether every assignment was counted, so that no random number was drawn.
        assignments: How many assignments were counted.
    """

    worse: float
    better: float
    exact: bool
    assignments: int


def sign_flip(differences: Differences, *, rng: Random, rounds: int = 9_999) -> SignFlip:
    """Test whether Δ is 0 by flipping the signs of the units' sums (Fisher 1935, §21).

    With up to 20 units that are not zero all 2^m assignments are counted, else `rounds` random
    ones, and the p-value is (1 + #)/(1 + R), which keeps the level (Phipson and Smyth 2010,
    Statistical Applications in Genetics and Molecular Biology 9:39). Cases of one cluster are
    flipped together.

    Args:
        differences: The differences.
        rng: Where random signs come from; untouched when the test is exact.
        rounds: How many random assignments, at least 1.

    Raises:
        ValueError: `rounds` is below 1.
    """
    check_count("rounds", rounds, least=1)
    sums = [total for total, _ in differences.units if total]
    if len(sums) <= MOST_ENUMERATED:
        return _enumerated(sums)
    return _sampled(sums, rng, rounds)


def _enumerated(sums: Sequence[float]) -> SignFlip:
    """Count assignments by the sums of two halves, each sum of one met with all of the other."""
    half = len(sums) // 2
    left, right = _all_sums(sums[:half]), sorted(_all_sums(sums[half:]))
    observed, slack = math.fsum(sums), _slack(sums)
    worse = sum(bisect_right(right, observed + slack - one) for one in left)
    better = sum(len(right) - bisect_left(right, observed - slack - one) for one in left)
    count = 1 << len(sums)
    return SignFlip(worse=worse / count, better=better / count, exact=True, assignments=count)


def _sampled(sums: Sequence[float], rng: Random, rounds: int) -> SignFlip:
    """Draw assignments as bits, eight signs at a time looked up in a table of their sums."""
    tables = [_all_sums(sums[at : at + _CHUNK]) for at in range(0, len(sums), _CHUNK)]
    observed, slack = math.fsum(sums), _slack(sums)
    bits = _CHUNK * len(tables)
    worse = better = 1
    for _ in range(rounds):
        drawn = rng.getrandbits(bits).to_bytes(len(tables), "little")
        total = sum(table[byte % len(table)] for table, byte in zip(tables, drawn, strict=True))
        worse += total <= observed + slack
        better += total >= observed - slack
    count = rounds + 1
    return SignFlip(worse=worse / count, better=better / count, exact=False, assignments=count)


def _all_sums(values: Sequence[float]) -> list[float]:
    """Return the sum under every assignment of signs; bit k flips value k."""
    totals = [math.fsum(values)]
    for value in values:
        totals += [total - 2 * value for total in totals]
    return totals


def _slack(sums: Sequence[float]) -> float:
    """Return what rounding may move a sum by, so that equal sums count as equal."""
    return _CLOSE * math.fsum(abs(value) for value in sums)
