"""A score: what a scorer made of a completion."""

from typing import Literal

from msgspec import Struct

from llmops.location import Location

ScoreStatus = Literal["passed", "failed", "unscored"]
"""`unscored` is a scorer that could not judge. It is never a pass."""


class Score(Struct, frozen=True, kw_only=True, gc=False):  # nothing it holds leads back to it
    """What one scorer says.

    Attributes:
        status: Whether the claim holds.
        value: How well it holds, from 0 (not at all) to 1.
        reason: Why, in words a person can act on.
    """

    status: ScoreStatus
    value: float
    reason: str

    @classmethod
    def passing(cls, reason: str, value: float = 1.0) -> "Score":
        """The claim holds."""
        return cls(status="passed", value=value, reason=reason)

    @classmethod
    def failing(cls, reason: str, value: float = 0.0) -> "Score":
        """The claim does not hold."""
        return cls(status="failed", value=value, reason=reason)

    @classmethod
    def of(cls, holds: bool, reason: str, value: float | None = None) -> "Score":  # noqa: FBT001 - the verdict itself is what is passed
        """The claim holds or not; without a value the score is 1 or 0."""
        status: ScoreStatus = "passed" if holds else "failed"
        return cls(status=status, value=float(holds) if value is None else value, reason=reason)

    @classmethod
    def unscored(cls, reason: str) -> "Score":
        """The scorer could not judge."""
        return cls(status="unscored", value=0.0, reason=reason)


class AssertionScore(Struct, frozen=True, kw_only=True, gc=False):  # as above
    """A score with the assertion it belongs to.

    Attributes:
        label: The assertion in short, such as `contains 'refund'`.
        scorer: The scorer's name.
        at: Where the assertion stands; None for what the prompt itself asserts.
    """

    label: str
    scorer: str
    score: Score
    at: Location | None
    metric: str | None = None
    weight: float = 1.0
    soft: bool = False
