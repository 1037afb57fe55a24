"""Evidence that may be looked at after every case: e-processes and the interval they give.

Under the null hypothesis an e-process E has a mean of at most 1 at every stopping time, so that
E ≥ 1/α at any time has a chance of at most α (Ville's inequality; Howard et al. 2021, Annals of
Statistics 49, 1055–1080; Waudby-Smith and Ramdas 2024, JRSS B 86, 1–27, arXiv 2010.09686). Cases
must arrive in random order, both arms of a case at once.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from operator import add

from msgspec import Struct
from msgspec.structs import replace

from llmops.comparing.statistics.checks import check_count, check_inner_share
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.special import binomial_tail, log_beta
from llmops.comparing.statistics.verdict import Rule, Verdict

BETS = 64
_STAKES = tuple((number + 0.5) / BETS for number in range(BETS))
_HALVINGS = 40


class Wealth(Struct, frozen=True, kw_only=True):
    """What bets on `the mean is below null` have come to, a dollar spread evenly over 64 stakes.

    Each stake λ is a fixed number in (0, 1); the wealth is the mean over them of
    Π(1 − λ·(d_t − null)/(1 − null)). It is one predictable bettor whose λ_t is the wealth-weighted
    mean of the stakes (Cover's universal portfolio; Waudby-Smith and Ramdas 2024, §B). For single
    passes and fails with null 0 it is `log_evidence_of_losses`, summed instead of integrated.

    Attributes:
        null: The mean under the null hypothesis is at least this; at least −1, below 1.
        logs: The logarithm of the wealth of each stake.

    Raises:
        ValueError: `null` is out of its range.
    """

    null: float = 0.0
    logs: tuple[float, ...] = (0.0,) * BETS

    def __post_init__(self) -> None:
        if not -1 <= self.null < 1:
            raise ValueError(f"a null must lie from -1 to below 1, not at {self.null}")

    def after(self, values: Iterable[float]) -> "Wealth":
        """Return the wealth after more differences, each from −1 to 1.

        Raises:
            ValueError: A difference is outside of −1 to 1.
        """
        logs = list(self.logs)
        for value in values:
            if not -1 <= value <= 1:
                raise ValueError(f"a bet needs a difference from -1 to 1, not {value}")
            move = (value - self.null) / (1 - self.null)
            if move:
                grown = [math.log1p(-stake * move) for stake in _STAKES]
                logs = list(map(add, logs, grown))
        return replace(self, logs=tuple(logs))

    @property
    def log(self) -> float:
        """The natural logarithm of the wealth: of E."""
        most = max(self.logs)
        return most + math.log(math.fsum(math.exp(log - most) for log in self.logs) / BETS)


def log_evidence_of_losses(losses: int, wins: int) -> float:
    """Return ln E that losses are likelier than wins: single passes and fails.

    E = 2^(b+c+1) · B(b+1, c+1) · P(Beta(b+1, c+1) > ½): the likelihood ratio against a fair coin,
    mixed evenly over all coins that favour losses; b the losses, c the wins.

    Raises:
        ValueError: A count is negative.
    """
    check_count("losses", losses)
    check_count("wins", wins)
    n = losses + wins
    share = binomial_tail(wins + 1, n + 1, 0.5)
    return (n + 1) * math.log(2) + log_beta(losses + 1, wins + 1) + math.log(share)


def log_evidence(differences: Differences, *, reach: float = 1.0) -> float:
    """Return ln E that Δ is below 0, whatever kind of differences they are.

    Single passes and fails by the closed form; else by betting on the mean of each unit, so that
    cases of one cluster count as one.

    Args:
        differences: In the order in which they arrived.
        reach: The largest difference there can be, above 0.

    Raises:
        ValueError: A difference is larger than `reach`.
    """
    if differences.single:
        return log_evidence_of_losses(differences.losses, differences.wins)
    return Wealth().after(_moves(differences, reach)).log


def anytime_interval(differences: Differences, *, alpha: float, reach: float = 1.0) -> Interval:
    """Return an interval of Δ that holds however often one has looked and whenever one stops.

    Each bound is where the bets against it reach 1/α, found by bisection; so each bound holds with
    confidence 1 − α, and both with 1 − 2α.

    Args:
        differences: In the order in which they arrived; with none the interval is −reach to reach.
        alpha: One-sided, strictly between 0 and 1.
        reach: The largest difference there can be, above 0.

    Raises:
        ValueError: A difference is larger than `reach`, or `alpha` is no share.
    """
    check_inner_share("alpha", alpha)
    moves = _moves(differences, reach)
    high = _bound(moves, alpha)
    low = -_bound([-move for move in moves], alpha)
    return Interval(low=reach * min(low, high), high=reach * max(low, high))


def early_verdict(differences: Differences, rule: Rule, *, alpha: float) -> Verdict | None:
    """Say whether there is evidence enough to stop now.

    `regressed` when E ≥ 1/α that Δ is below 0; `not worse` when E ≥ 1/α that Δ is above −δ.
    Each of the two claims is false with a chance of at most α, whenever it is made.

    Args:
        differences: In the order in which they arrived.
        rule: Margin and reach.
        alpha: What may be spent on stopping early, one-sided; see `split`.

    Returns:
        The verdict, or None to go on.

    Raises:
        ValueError: A difference is larger than the rule's reach, or `alpha` is no share.
    """
    check_inner_share("alpha", alpha)
    enough = -math.log(alpha)
    if log_evidence(differences, reach=rule.reach) >= enough:
        return "regressed"
    null = rule.margin / rule.reach
    if null >= 1:
        return "not worse"
    gains = [-move for move in _moves(differences, rule.reach)]
    return "not worse" if Wealth(null=null).after(gains).log >= enough else None


def split(rule: Rule, *, early: float = 0.2) -> tuple[float, Rule]:
    """Share α between stopping early and the test at the end, so that both together keep it.

    Looking for early evidence at α and then testing at α once more would be two chances of a false
    alarm. A fifth is cheap: the evidence for a real drop grows exponentially with the cases, so
    1/α five times as high is reached only a few cases later.

    Args:
        rule: The rule for the whole.
        early: The share of α for stopping early, strictly between 0 and 1.

    Returns:
        The α for `early_verdict`, and the rule for the verdict at the end.

    Raises:
        ValueError: `early` is no share.
    """
    check_inner_share("the share for stopping early", early)
    return early * rule.alpha, replace(rule, confidence=1 - (1 - early) * rule.alpha)


def _moves(differences: Differences, reach: float) -> list[float]:
    return [total / size / reach for total, size in differences.units]


def _bound(moves: Sequence[float], alpha: float) -> float:
    """Find the least null that the bets refute; 1 when they refute none. Wealth grows with null."""
    enough = -math.log(alpha)

    def refuted(null: float) -> bool:
        return Wealth(null=null).after(moves).log >= enough

    return _least(refuted, -1.0, 1.0)


def _least(reached: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
