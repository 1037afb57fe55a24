"""Stopping when what remains cannot change the answer: free, and exact."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

from llmops.comparing.statistics.checks import check_count, check_share

T = TypeVar("T")


def certain(
    decide: Callable[[int, int, int], T], seen: tuple[int, int, int], remaining: int
) -> T | None:
    """Return the answer that every way to fill the remaining cases would give, or None.

    For single passes and fails. The extremes are asked first, so that an open question costs a
    few calls; a certain one costs up to (r + 1)(r + 2)/2, so `decide` should remember its answers.

    Args:
        decide: From the final losses, wins and ties to the answer.
        seen: Losses, wins and ties so far.
        remaining: How many cases are still to come.

    Raises:
        ValueError: A count is negative.
    """
    check_count("the cases that remain", remaining)
    for count in seen:
        check_count("a count", count)
    losses, wins, ties = seen
    answer: T | None = None
    for more_losses, more_wins in _fillings(remaining):
        more_ties = remaining - more_losses - more_wins
        final = decide(losses + more_losses, wins + more_wins, ties + more_ties)
        if answer is not None and final != answer:
            return None
        answer = final
    return answer


def certain_rate(
    passed: int, failed: int, remaining: int, *, minimum: float
) -> Literal["reached", "missed"] | None:
    """Say whether a minimum pass rate is certain to be reached, or to be missed.

    Args:
        passed: Cases that passed.
        failed: Cases that failed, or of which nobody knows.
        remaining: Cases still to come.
        minimum: The rate that must be reached, from 0 to 1.

    Returns:
        None while it is open; with no case at all the rate is missed, for nothing passed.

    Raises:
        ValueError: A count is negative, or `minimum` is no share.
    """
    for count in (passed, failed, remaining):
        check_count("a count", count)
    check_share("the minimum", minimum)
    total = passed + failed + remaining
    if not total or (passed + remaining) / total < minimum:
        return "missed"
    return "reached" if passed / total >= minimum else None


def _fillings(remaining: int) -> Iterator[tuple[int, int]]:
    """Yield losses and wins among what remains: all lost, all won, all tied, then every other."""
    yield from ((remaining, 0), (0, remaining), (0, 0))
    for losses in range(remaining + 1):
        for wins in range(remaining - losses + 1):
            yield losses, wins
