"""The differences of two arms, case by case, and the clusters the cases stand in."""

import math
from dataclasses import dataclass
from functools import cached_property

from llmops.comparing.statistics.checks import check_finite


@dataclass(frozen=True, kw_only=True)
class Differences:
    """One difference a case: mean score of the candidate − mean score of the baseline.

    Not slotted: what is computed from the values is kept beside them.

    Attributes:
        values: d_i, one a case, repeats averaged; finite.
        clusters: The cluster of each case, as long as `values`; empty: each case stands alone.
        binary: Whether each is −1, 0 or 1: pass or fail, one sample an arm.

    Raises:
        ValueError: A value is not finite, the lengths differ, or a binary value is another number.
    """

    values: tuple[float, ...]
    clusters: tuple[str, ...] = ()
    binary: bool = False

    def __post_init__(self) -> None:
        check_finite("a difference", self.values)
        if self.clusters and len(self.clusters) != len(self.values):
            raise ValueError(f"{len(self.values)} cases cannot have {len(self.clusters)} clusters")
        if self.binary and not set(self.values) <= {-1.0, 0.0, 1.0}:
            raise ValueError("the difference of two single passes or fails is -1, 0 or 1")

    @cached_property
    def units(self) -> tuple[tuple[float, int], ...]:
        """What is independent: a sum of differences and a number of cases, one a cluster."""
        if not self.clusters:
            return tuple((value, 1) for value in self.values)
        members: dict[str, list[float]] = {}
        for value, cluster in zip(self.values, self.clusters, strict=True):
            members.setdefault(cluster, []).append(value)
        return tuple((math.fsum(values), len(values)) for values in members.values())

    @property
    def clustered(self) -> bool:
        """Whether any cluster has more than one case."""
        return len(self.units) < len(self.values)

    @property
    def single(self) -> bool:
        """Whether McNemar's test fits: one pass or fail an arm, every case on its own."""
        return self.binary and not self.clustered

    @property
    def losses(self) -> int:
        """How many cases are worse on the candidate."""
        return sum(value < 0 for value in self.values)

    @property
    def wins(self) -> int:
        """How many cases are better on the candidate."""
        return sum(value > 0 for value in self.values)

    @property
    def mean(self) -> float:
        """Δ, the mean over cases; 0 when there are none."""
        return math.fsum(self.values) / len(self.values) if self.values else 0.0
