"""Counts of passes in, how flaky a case is out: shrunk to what the other cases of its suite do."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from llmops.comparing.statistics.flakiness import PassRate, pass_all, pass_at, suite_belief
from llmops.domain.flaky import Attempts

_LOW, _HIGH = 0.05, 0.95
"""A case outside of these passes, or fails, nearly always."""
_MOST_ATTEMPTS: Final = 20


class Belief(Struct, frozen=True, kw_only=True):
    """What is believed of a case's pass rate.

    Attributes:
        rate: Expected, 0 to 1.
        low: Lower bound of the 95 % credible interval.
        high: Upper bound.
        flaky: The chance that the pass rate lies from 5 % to 95 %.
    """

    rate: float
    low: float
    high: float
    flaky: float


def beliefs(counts: Sequence[tuple[int, int]]) -> list[Belief]:
    """What is believed of each case of a suite.

    Args:
        counts: How many passed of how many, one a case; of the same suite and arm.

    Raises:
        ValueError: A count is negative, or more passed than were tried.
    """
    usual = suite_belief(counts)
    return [_belief(usual.after(passed, n)) for passed, n in counts]


def attempts(passed: int, n: int) -> tuple[Attempts, ...]:
    """pass@k and pass^k for k from 1 to n, at most 20.

    Raises:
        ValueError: A count is negative, or more passed than were tried.
    """
    return tuple(
        Attempts(k=k, any=pass_at(k, passed, n), all=pass_all(k, passed, n))
        for k in range(1, min(n, _MOST_ATTEMPTS) + 1)
    )


def _belief(rate: PassRate) -> Belief:
    interval = rate.interval()
    return Belief(
        rate=rate.mean, low=interval.low, high=interval.high, flaky=rate.between(_LOW, _HIGH)
    )
