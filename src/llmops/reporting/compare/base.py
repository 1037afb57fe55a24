"""Arms side by side: the tables and sentences that every form of a comparison of arms shares."""

from collections.abc import Iterator
from typing import Final

from llmops.domain.arms import ArmResult, ArmsComparison, Standing
from llmops.domain.assessment import Certainty, Estimate
from llmops.domain.comparison import MetricMean
from llmops.reporting.diff.base import signed
from llmops.reporting.wording import money, percent, share_range

SAID: Final[dict[Certainty, str]] = {
    "regressed": "regressed",
    "inconclusive": "inconclusive",
    "not worse": "not worse",
    "improved": "improved",
}


def arms_table(comparison: ArmsComparison) -> list[list[str]]:
    """One row an arm, heading first: what it came to by itself."""
    heading = ["arm", "passed", "pass rate, interval", "score", "cost", "p50", "p95"]
    heading += ["tokens in", "tokens out", "characters"]
    return [heading, *(_arm_row(arm) for arm in comparison.arms)]


def metrics_table(comparison: ArmsComparison) -> list[list[str]]:
    """One row a metric with the mean of each arm, heading first; only the heading for none."""
    names = dict.fromkeys(name for arm in comparison.arms for name in arm.totals.metrics)
    rows = [
        [name, *(_mean(arm.totals.metrics.get(name)) for arm in comparison.arms)] for name in names
    ]
    return [["mean score", *(arm.label for arm in comparison.arms)], *rows]


def differences_table(comparison: ArmsComparison) -> list[list[str]]:
    """One row a difference to the first arm, heading first."""
    table = [
        ["to the first arm", "metric", "difference", "interval", "p, two-sided", "w/t/l", "verdict"]
    ]
    for standing in comparison.standings:
        label = comparison.arms[standing.arm].label
        for name, estimate in standing.assessment.judged.items():
            table.append(_share_row(label, name, estimate, SAID[estimate.certainty]))
        for name, estimate in standing.assessment.explored.items():
            said = estimate.certainty if estimate.losses or estimate.wins else "the same"
            table.append(_share_row(label, name, estimate, f"({said})"))
        for name, estimate in standing.assessment.quantities.items():
            table.append(_quantity_row(label, name, estimate))
    return table


def sentences(comparison: ArmsComparison) -> Iterator[str]:
    """What must be said beside the numbers: how they were made, and what they cannot show."""
    for standing in comparison.standings:
        yield from _sentences(standing, comparison.arms)


def front_line(comparison: ArmsComparison) -> str | None:
    """Which arms no other beats in both pass rate and cost; None where a cost is not known."""
    if not comparison.front:
        return None
    names = ", ".join(comparison.arms[place].label for place in comparison.front)
    return f"not beaten in both pass rate and cost: {names}"


def _arm_row(arm: ArmResult) -> list[str]:
    totals = arm.totals
    best = f"–{totals.passed + totals.unknown:,}" if totals.unknown else ""
    return [
        arm.label,
        f"{totals.passed:,}{best}/{totals.asked:,}",
        f"{percent(arm.pass_rate) if arm.pass_rate is not None else '–'}"
        f" ({share_range(arm.low, arm.high)})",
        _score(totals.value),
        _cost(arm),
        _seconds(totals.latency),
        _seconds(arm.slowest),
        _count(totals.input_tokens),
        _count(totals.output_tokens),
        f"{totals.length:,.0f}" if totals.length is not None else "–",
    ]


def _share_row(label: str, name: str, estimate: Estimate, verdict: str) -> list[str]:
    return [
        label,
        name,
        points(estimate.delta),
        f"{points(estimate.low)} to {points(estimate.high)}",
        p_value(estimate.p_value),
        f"{estimate.wins:,}/{estimate.ties:,}/{estimate.losses:,}",
        verdict,
    ]


def _quantity_row(label: str, name: str, estimate: Estimate) -> list[str]:
    shown = {"cost": _dollars, "latency": _duration}.get(name, _characters)
    share = f" ({estimate.delta / estimate.before:+.0%})" if estimate.before else ""
    fell = {"regressed": "less", "improved": "more"}.get(estimate.certainty, "not told apart")
    return [
        label,
        f"{name}, a case",
        f"{shown(estimate.delta)}{share.replace('%', ' %')}",
        f"{shown(estimate.low)} to {shown(estimate.high)}",
        p_value(estimate.p_value),
        f"{estimate.wins:,}/{estimate.ties:,}/{estimate.losses:,}",
        fell,
    ]


def _sentences(standing: Standing, arms: tuple[ArmResult, ...]) -> Iterator[str]:
    made = standing.assessment
    label, rate = arms[standing.arm].label, made.pass_rate
    seen = (
        "they can see no drop of the pass rate at all"
        if made.smallest is None
        else f"they can see a drop of {made.smallest * 100:.1f} points at power 0.8"
    )
    clusters = f" in {rate.units:,} clusters" if rate.units < rate.cases else ""
    yield (
        f"{label}: {made.cases:,} cases{clusters}, up to {made.samples:,} samples a case, "
        f"{rate.test}, bounds at {percent(made.confidence)}, margin {points(made.margin)[1:]}, "
        f"seed {made.seed}; {seen}"
    )
    if rate.unknown:
        yield (
            f"{label}: {rate.unknown:,} samples have no verdict; they count against it where they "
            "are its own, and for the first arm where they are the first arm's"
        )
    if standing.saving is not None:
        cost = made.quantities["cost"]
        yield (
            f"switching to {label} saves {percent(standing.saving)} "
            f"({money(-cost.delta * 1000)} in 1,000 cases) at no measurable loss: "
            f"the pass rate changes by {points(rate.low)} to {points(rate.high)}"
        )


def points(share: float) -> str:
    """A difference of shares in points, such as `+4.2`."""
    return signed(round(share * 100, 1), f"{abs(share) * 100:.1f}")


def p_value(p: float) -> str:
    """A p-value; one that is very small is said to be so."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _cost(arm: ArmResult) -> str:
    if arm.totals.cost is None:
        return "unknown"
    return money(arm.totals.cost) + (" or more" if arm.totals.unpriced else "")


def _score(score: float | None) -> str:
    return f"{score:.3f}" if score is not None else "–"


def _mean(mean: MetricMean | None) -> str:
    if mean is None:
        return "–"
    unscored = f", {mean.unscored:,} unscored" if mean.unscored else ""
    return f"{_score(mean.mean)} (n={mean.count:,}{unscored})"


def _seconds(duration: float | None) -> str:
    return f"{duration:.2f} s" if duration is not None else "–"


def _count(tokens: int | None) -> str:
    return f"{tokens:,}" if tokens is not None else "unknown"


def _dollars(value: float) -> str:
    return signed(value, money(abs(value)))


def _duration(value: float) -> str:
    return signed(value, f"{abs(value):.2f} s")


def _characters(value: float) -> str:
    return signed(round(value), f"{abs(value):,.0f}")
