"""An assessment: how sure it is that one arm is worse or better than another."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Certainty = Literal["regressed", "inconclusive", "not worse", "improved"]
"""What can be said of the second arm, from the worst to the best."""

PASS_RATE: Final = "pass rate"  # noqa: S105 - the name of a metric


class Estimate(Struct, frozen=True, kw_only=True):
    """A mean difference of two arms, second − first, over the cases they share.

    Attributes:
        before: The first arm's mean over cases, samples averaged; what is unknown counts as the
            interval of the difference has it at its worse end.
        after: The second arm's.
        delta: The mean difference, at the worse end of what is unknown.
        low: Lower bound, from the lowest end; holds with the assessment's confidence.
        high: Upper bound.
        worse: One-sided p-value that the second arm is worse, adjusted for how many were asked.
        better: One-sided p-value that it is better.
        p_value: Two-sided.
        test: What made the p-values: `McNemar mid-p`, `sign-flip, exact`, ….
        cases: How many were compared.
        units: How many are independent: clusters, or cases.
        losses: Cases that are worse on the second arm.
        wins: Cases that are better on it.
        unknown: Samples without a verdict, on both arms together.
        certainty: What can be said.
    """

    before: float
    after: float
    delta: float
    low: float
    high: float
    worse: float
    better: float
    p_value: float
    test: str
    cases: int
    units: int
    losses: int
    wins: int
    unknown: int
    certainty: Certainty

    @property
    def ties(self) -> int:
        """Cases that are the same on both."""
        return self.cases - self.losses - self.wins

    def as_json(self) -> dict[str, float | int | str]:
        """The estimate as plain JSON values."""
        names = [*self.__struct_fields__, "ties"]
        return {name: getattr(self, name) for name in names}


class Assessment(Struct, frozen=True, kw_only=True):
    """What the cases that two arms share say of the second.

    Attributes:
        judged: The pass rate and the gate's metrics, held to the margin; their p-values are
            adjusted together (Holm).
        explored: Other metrics; adjusted by Benjamini and Hochberg.
        quantities: `cost` in US dollars a case, `latency` in seconds, `output characters`; over
            the cases where both sides are known.
        certainty: The worst of what is judged.
        cases: Cases with trials on both arms.
        samples: The most samples that a case has on an arm.
        smallest: The smallest drop of the pass rate that so many cases can see at power 0.8, from
            0 to 1; None when they can see none.
        margin: The loss that does not matter, from 0 to 1.
        confidence: Of each bound, between ½ and 1.
        seed: Of every random draw.
    """

    judged: Mapping[str, Estimate]
    explored: Mapping[str, Estimate]
    quantities: Mapping[str, Estimate]
    certainty: Certainty
    cases: int
    samples: int
    smallest: float | None
    margin: float
    confidence: float
    seed: int

    @property
    def pass_rate(self) -> Estimate:
        """The estimate of the pass rate."""
        return self.judged[PASS_RATE]

    def as_json(self) -> dict[str, object]:
        """The assessment as plain JSON values."""
        groups = {
            name: {key: estimate.as_json() for key, estimate in getattr(self, name).items()}
            for name in ("judged", "explored", "quantities")
        }
        rest = ("certainty", "cases", "samples", "smallest", "margin", "confidence", "seed")
        return {**groups, **{name: getattr(self, name) for name in rest}}
