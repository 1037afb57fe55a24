"""An interval: where a number may lie."""

import math

from msgspec import Struct


class Interval(Struct, frozen=True, kw_only=True):
    """A closed interval.

    Attributes:
        low: The lower bound, in the unit of what is estimated.
        high: The upper bound, at least `low`.

    Raises:
        ValueError: The bounds are the wrong way round, or not numbers.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(f"{self.low} to {self.high} is no interval")

    def hull(self, other: "Interval") -> "Interval":
        """Return the smallest interval that holds both."""
        return Interval(low=min(self.low, other.low), high=max(self.high, other.high))
