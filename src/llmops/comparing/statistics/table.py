"""Counts and scores of two arms made into differences, with what is unknown at both its ends."""

import math
from collections.abc import Sequence

from msgspec import Struct

from llmops.comparing.statistics.checks import check_count, check_finite
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.interval import Interval


class Tally(Struct, frozen=True, kw_only=True):
    """What became of the samples of one case on one arm.

    Attributes:
        passed: How many passed.
        failed: How many failed.
        unknown: How many ended in an error or could not be scored.

    Raises:
        ValueError: A count is negative.
    """

    passed: int = 0
    failed: int = 0
    unknown: int = 0

    def __post_init__(self) -> None:
        for name in ("passed", "failed", "unknown"):
            check_count(name, getattr(self, name))

    @property
    def samples(self) -> int:
        """How many samples there were."""
        return self.passed + self.failed + self.unknown

    @property
    def rate(self) -> Interval:
        """The pass rate with all that is unknown failed, and passed; 0 to 1 with no sample."""
        if not self.samples:
            return Interval(low=0.0, high=1.0)
        return Interval(
            low=self.passed / self.samples, high=(self.passed + self.unknown) / self.samples
        )


class CountedCase(Struct, frozen=True, kw_only=True):
    """A case, pass or fail, on both arms.

    Attributes:
        baseline: What became of its samples on the baseline.
        candidate: What became of its samples on the candidate.
        cluster: The cluster the user put it in; None: it stands alone.
    """

    baseline: Tally
    candidate: Tally
    cluster: str | None = None


class ScoredCase(Struct, frozen=True, kw_only=True):
    """A case with its scores on both arms, one a sample.

    Attributes:
        baseline: Its scores on the baseline; None for an error or what could not be scored.
        candidate: Its scores on the candidate.
        cluster: The cluster the user put it in; None: it stands alone.
    """

    baseline: tuple[float | None, ...]
    candidate: tuple[float | None, ...]
    cluster: str | None = None


class Ends(Struct, frozen=True, kw_only=True):
    """The differences at both ends of what is unknown.

    Attributes:
        worse: Unknown samples are at their best on the baseline and at their worst on the
            candidate. The gate decides by this end.
        better: The other way round; the same as `worse` when nothing is unknown.
        unknown: How many samples are unknown, on both arms together.
    """

    worse: Differences
    better: Differences
    unknown: int


def counted(cases: Sequence[CountedCase]) -> Ends:
    """Return the differences of pass rates, from −1 to 1, in the order of the cases.

    A side without a sample is wholly unknown. With exactly one sample on each side of every case
    the differences are binary.
    """
    binary = all(case.baseline.samples == case.candidate.samples == 1 for case in cases)
    return _ends(
        [(case.baseline.rate, case.candidate.rate) for case in cases],
        [case.cluster for case in cases],
        binary=binary,
        unknown=sum(case.baseline.unknown + case.candidate.unknown for case in cases),
    )


def scored(cases: Sequence[ScoredCase], *, bounds: Interval) -> Ends:
    """Return the differences of mean scores, in the order of the cases, in the unit of the scores.

    Args:
        cases: The scores.
        bounds: The least and the greatest score there can be; what is unknown is put there.

    Raises:
        ValueError: A score or a bound is not finite, or a score lies outside of the bounds.
    """
    check_finite("a bound", (bounds.low, bounds.high))
    return _ends(
        [(_mean(case.baseline, bounds), _mean(case.candidate, bounds)) for case in cases],
        [case.cluster for case in cases],
        binary=False,
        unknown=sum((*case.baseline, *case.candidate).count(None) for case in cases),
    )


def _ends(
    sides: Sequence[tuple[Interval, Interval]],
    clusters: Sequence[str | None],
    *,
    binary: bool,
    unknown: int,
) -> Ends:
    named = _named(clusters)
    worse = tuple(candidate.low - baseline.high for baseline, candidate in sides)
    better = tuple(candidate.high - baseline.low for baseline, candidate in sides)
    return Ends(
        worse=Differences(values=worse, clusters=named, binary=binary),
        better=Differences(values=better, clusters=named, binary=binary),
        unknown=unknown,
    )


def _named(clusters: Sequence[str | None]) -> tuple[str, ...]:
    if all(cluster is None for cluster in clusters):
        return ()
    return tuple(
        f"case {number}" if cluster is None else f"cluster {cluster}"
        for number, cluster in enumerate(clusters)
    )


def _mean(scores: Sequence[float | None], bounds: Interval) -> Interval:
    known = [score for score in scores if score is not None]
    for score in known:
        if not bounds.low <= score <= bounds.high:
            raise ValueError(f"the score {score} lies outside of {bounds.low} to {bounds.high}")
    if not scores:
        return bounds
    total, missing = math.fsum(known), len(scores) - len(known)
    return Interval(
        low=(total + missing * bounds.low) / len(scores),
        high=(total + missing * bounds.high) / len(scores),
    )
