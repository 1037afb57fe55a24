"""Differences in, a finding out: Δ, its interval, its p-values, the test and the verdict."""

from collections.abc import Mapping
from random import Random
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.estimation import interval_of
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.mcnemar import mcnemar_midp, two_sided
from llmops.comparing.statistics.multiple import holm
from llmops.comparing.statistics.signflip import sign_flip
from llmops.comparing.statistics.table import Ends
from llmops.comparing.statistics.verdict import Rule, Verdict, decide, worse_of

Test = Literal["McNemar mid-p", "sign-flip, exact", "sign-flip, sampled", "none"]


class Effort(Struct, frozen=True, kw_only=True):
    """How many random rounds to spend.

    Attributes:
        flips: Random assignments of the sign-flip test, at least 1.
        resamples: Resamples of the bootstrap, at least 1.
    """

    flips: int = 9_999
    resamples: int = 9_999


class Finding(Struct, frozen=True, kw_only=True):
    """What was found about one metric.

    Attributes:
        delta: Δ, candidate − baseline, in the unit of the scores; 0 without cases.
        interval: Of Δ, two-sided, each bound at the rule's confidence.
        worse: One-sided p-value that the candidate is worse.
        better: One-sided p-value that it is better.
        test: What made the p-values.
        cases: How many cases were compared.
        units: How many are independent: clusters, or cases.
        losses: Cases that are worse on the candidate.
        wins: Cases that are better on the candidate.
        verdict: What can be said.
    """

    delta: float
    interval: Interval
    worse: float
    better: float
    test: Test
    cases: int
    units: int
    losses: int
    wins: int
    verdict: Verdict

    @property
    def p_value(self) -> float:
        """The two-sided p-value."""
        return two_sided(self.worse, self.better)


class Judgement(Struct, frozen=True, kw_only=True):
    """What was found at both ends of what is unknown.

    Attributes:
        finding: At the worse end; the gate takes it.
        other: At the better end; the same when nothing is unknown.
        unknown: How many samples are unknown.
    """

    finding: Finding
    other: Finding
    unknown: int

    @property
    def verdict(self) -> Verdict:
        """The worse of the two verdicts."""
        return worse_of(self.finding.verdict, self.other.verdict)

    @property
    def interval(self) -> Interval:
        """What the report shows: from the lowest bound to the highest."""
        return self.finding.interval.hull(self.other.interval)


def judge(
    metrics: Mapping[str, Ends],
    rules: Mapping[str, Rule],
    *,
    seed: int,
    effort: Effort | None = None,
) -> dict[str, Judgement]:
    """Judge the gate's metrics together: Holm over their p-values, at either end.

    Every metric draws from its own generator, made of the seed and its name, so that adding a
    metric does not change what another one draws.

    Args:
        metrics: The differences of each metric.
        rules: The rule of each metric, under the same names.
        seed: Fixes every random draw.
        effort: How many random rounds to spend.

    Raises:
        KeyError: A metric has no rule.
    """
    worse, better = (
        {
            name: measure(getattr(ends, end), rules[name], rng=_rng(seed, name), effort=effort)
            for name, ends in metrics.items()
        }
        for end in ("worse", "better")
    )
    worse, better = _adjusted(worse, rules), _adjusted(better, rules)
    return {
        name: Judgement(finding=worse[name], other=better[name], unknown=ends.unknown)
        for name, ends in metrics.items()
    }


def measure(
    differences: Differences, rule: Rule, *, rng: Random, effort: Effort | None = None
) -> Finding:
    """Find what one metric's differences say.

    Args:
        differences: The differences; none at all is inconclusive.
        rule: How sure one must be.
        rng: Where random draws come from.
        effort: How many random rounds to spend.
    """
    spent = effort or Effort()
    test, worse, better = p_values(differences, rng=rng, rounds=spent.flips)
    interval = interval_of(differences, rule, rng=rng, rounds=spent.resamples)
    return Finding(
        delta=differences.mean,
        interval=interval,
        worse=worse,
        better=better,
        test=test,
        cases=len(differences.values),
        units=len(differences.units),
        losses=differences.losses,
        wins=differences.wins,
        verdict=decide(interval, worse=worse, better=better, rule=rule),
    )


def p_values(
    differences: Differences, *, rng: Random, rounds: int = 9_999
) -> tuple[Test, float, float]:
    """Return the test that fits, and its one-sided p-values: worse, better.

    McNemar's mid-p for passes and fails with one sample, unless cases are clustered; else the
    sign-flip test.
    """
    if not differences.values:
        return "none", 1.0, 1.0
    if differences.single:
        losses, wins = differences.losses, differences.wins
        return "McNemar mid-p", mcnemar_midp(losses, wins), mcnemar_midp(wins, losses)
    flipped = sign_flip(differences, rng=rng, rounds=rounds)
    name: Test = "sign-flip, exact" if flipped.exact else "sign-flip, sampled"
    return name, flipped.worse, flipped.better


def _rng(seed: int, name: str) -> Random:
    return Random(f"{seed}:{name}")  # noqa: S311 - draws must come out the same again


def _adjusted(findings: Mapping[str, Finding], rules: Mapping[str, Rule]) -> dict[str, Finding]:
    worse = holm([finding.worse for finding in findings.values()])
    better = holm([finding.better for finding in findings.values()])
    return {
        name: replace(
            finding,
            worse=low,
            better=high,
            verdict=decide(finding.interval, worse=low, better=high, rule=rules[name]),
        )
        for (name, finding), low, high in zip(findings.items(), worse, better, strict=True)
    }
