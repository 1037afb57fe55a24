"""The rule that turns an interval and its p-values into a verdict."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from llmops.comparing.statistics.checks import check_finite, check_inner_share
from llmops.comparing.statistics.interval import Interval

Verdict = Literal["regressed", "inconclusive", "not worse", "improved"]
"""What can be said of the candidate, from the worst to the best."""

_WORST_FIRST: tuple[Verdict, ...] = ("regressed", "inconclusive", "not worse", "improved")


class Rule(Struct, frozen=True, kw_only=True):
    """How sure one must be, and how small a loss is none.

    Attributes:
        confidence: How sure a claim must be, strictly between ½ and 1. Claims are one-sided: α is
            1 − confidence, and the interval that goes with it is two-sided at 1 − 2α.
        margin: δ, the loss that does not matter, at least 0, in the unit of the scores.
        reach: The largest difference there can be, above 0: 1 for pass rates.

    Raises:
        ValueError: A number is out of its range.
    """

    confidence: float = 0.95
    margin: float = 0.02
    reach: float = 1.0

    def __post_init__(self) -> None:
        check_inner_share("confidence", self.confidence)
        check_finite("the margin and the reach", (self.margin, self.reach))
        if self.confidence <= 0.5 or self.margin < 0 or self.reach <= 0:
            raise ValueError(f"no verdict can be reached by {self}")

    @property
    def alpha(self) -> float:
        """The chance of a false claim, one-sided."""
        return 1 - self.confidence

    @property
    def two_sided_confidence(self) -> float:
        """The two-sided confidence of an interval each of whose bounds holds with `confidence`."""
        return 1 - 2 * self.alpha


def verdict_of(interval: Interval, *, margin: float) -> Verdict:
    """Return what the interval [L, U] of Δ says, with margin δ ≥ 0 (non-inferiority).

    U < 0: regressed. L > 0: improved. L > −δ: not worse. Else inconclusive.

    Raises:
        ValueError: `margin` is negative.
    """
    if margin < 0:
        raise ValueError(f"a margin must be at least 0, not {margin}")
    if interval.high < 0:
        return "regressed"
    if interval.low > 0:
        return "improved"
    return "not worse" if interval.low > -margin else "inconclusive"


def decide(interval: Interval, *, worse: float, better: float, rule: Rule) -> Verdict:
    """Return the verdict of an interval, where the test must agree with a claim of difference.

    A bootstrap of a few cases can be surer than the exact test of the same cases; then
    `regressed` and `improved` fall back to what is left: `not worse`, or `inconclusive`.

    Args:
        interval: Of Δ, at the rule's two-sided confidence.
        worse: The one-sided p-value that the candidate is worse, adjusted if several were asked.
        better: The one-sided p-value that it is better.
        rule: How sure one must be.
    """
    said = verdict_of(interval, margin=rule.margin)
    refused = (said == "regressed" and worse > rule.alpha) or (
        said == "improved" and better > rule.alpha
    )
    if not refused:
        return said
    return "not worse" if interval.low > -rule.margin else "inconclusive"


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several metrics together.

    Any that regressed, else any that is inconclusive, else `improved` when at least one improved,
    since none is worse; `inconclusive` when there are none.
    """
    present = set(verdicts)
    if present == {"improved", "not worse"}:
        return "improved"
    return next((verdict for verdict in _WORST_FIRST if verdict in present), "inconclusive")


def worse_of(one: Verdict, other: Verdict) -> Verdict:
    """Return the worse of two verdicts on the same question."""
    return min(one, other, key=_WORST_FIRST.index)
