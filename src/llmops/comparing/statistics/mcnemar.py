"""McNemar's test: pass or fail on two arms, one sample a case."""

import math

from llmops.comparing.statistics.checks import check_count
from llmops.comparing.statistics.special import binomial_tail


def mcnemar_midp(losses: int, wins: int) -> float:
    """Return the one-sided mid-p value that the candidate is worse.

    P(X > b) + ½P(X = b), X ~ Bin(b + c, ½), b the losses and c the wins (Fagerland, Lydersen and
    Laake 2013, BMC Medical Research Methodology 13:91). The test the other way is
    `mcnemar_midp(wins, losses)`; the two add up to 1.

    Args:
        losses: Cases that passed on the baseline and failed on the candidate.
        wins: Cases that failed on the baseline and passed on the candidate.

    Returns:
        A p-value above 0; ½ when no case differs.

    Raises:
        ValueError: A count is negative.
    """
    _check(losses, wins)
    n = losses + wins
    return binomial_tail(losses + 1, n, 0.5) + math.comb(n, losses) / (2 << n)


def mcnemar_exact(losses: int, wins: int) -> float:
    """Return the one-sided exact p-value that the candidate is worse: P(X ≥ b), X ~ Bin(b + c, ½).

    It keeps its level in every table, and pays with power: mid-p is the one to decide by.

    Args:
        losses: Cases that passed on the baseline and failed on the candidate.
        wins: Cases that failed on the baseline and passed on the candidate.

    Raises:
        ValueError: A count is negative.
    """
    _check(losses, wins)
    return binomial_tail(losses, losses + wins, 0.5)


def two_sided(worse: float, better: float) -> float:
    """Return the two-sided p-value of two one-sided ones: twice the smaller, at most 1."""
    return min(1.0, 2 * min(worse, better))


def _check(losses: int, wins: int) -> None:
    check_count("losses", losses)
    check_count("wins", wins)
