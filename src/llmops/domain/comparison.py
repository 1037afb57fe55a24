"""A comparison: the same cases on two arms, and the one verdict behind all that is said of it."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from llmops.domain.run import Status
from llmops.domain.verdict import Verdict

Outcome = Literal["broken", "fixed", "changed", "same", "unknown", "skipped"]
"""What became of a pair. `unknown`: one side or both have no verdict, so that nobody knows."""

ComparisonStatus = Literal[
    "regressed", "improved", "changed", "same", "incomplete", "stopped", "incomparable"
]
"""`changed`: for better and for worse, or in words only. `incomplete`: what was judged did not get
worse, but not all of it was judged. `incomparable`: there was nothing to compare, or another model
answered on one side."""


class Side(Struct, frozen=True, kw_only=True):
    """One trial of a pair, without the weight of its messages.

    Attributes:
        output: What was said in all exchanges; None when nothing came back.
        reasons: Why it did not pass: assertions that failed or could not be judged, or the failure.
        value: The weighted mean score, 0 to 1; None when nothing was scored.
        cost: US dollars; None when it is not known.
        latency: Seconds, of all exchanges together; None when nothing came back.
    """

    model: str
    status: Status
    output: str | None = None
    reasons: tuple[str, ...] = ()
    value: float | None = None
    cost: float | None = None
    latency: float | None = None


class Pair(Struct, frozen=True, kw_only=True):
    """The same case, asked of both arms.

    Attributes:
        case_hash: 12 hex digits of what the case asks, the same on both sides.
        sample: From 0.
    """

    suite: str
    case: str
    case_hash: str
    sample: int
    before: Side
    after: Side

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        statuses = {self.before.status, self.after.status}
        if "skipped" in statuses:
            return "skipped" if statuses == {"skipped"} else "unknown"
        if statuses & {"error", "unscored"}:
            return "unknown"
        if self.before.status != self.after.status:
            return "fixed" if self.after.status == "passed" else "broken"
        return "same" if self.before.output == self.after.output else "changed"


class Unpaired(Struct, frozen=True, kw_only=True):
    """A trial that has no counterpart on the other side.

    Attributes:
        side: Where it is.
        reason: Why nothing stands against it.
    """

    side: Literal["before", "after"]
    suite: str
    case: str
    case_hash: str
    sample: int
    model: str
    reason: str


class MetricMean(Struct, frozen=True, kw_only=True):
    """The mean of one metric's scores on one side.

    Attributes:
        mean: From 0 to 1; None when none could be judged.
        count: Scores that were judged.
        unscored: Scores that could not be.
    """

    mean: float | None
    count: int
    unscored: int = 0


class ArmTotals(Struct, frozen=True, kw_only=True):
    """What one side came to: statuses of its trials in pairs, the rest of `answered` pairs alone.

    Attributes:
        completions: All that the side's trials have.
        answered: Pairs in which both sides have a completion; what follows is of these.
        cost: US dollars of the completions whose cost is known; None when none is.
        unpriced: Completions whose cost nobody knows.
        latency: The median of seconds a trial waited for its completions; None for none.
        input_tokens: Tokens that providers counted; None when none did.
        uncounted: Completions whose tokens nobody counted.
        length: The mean number of characters of an output; None when there is none.
        value: The mean of the trials' mean scores; None when nothing was scored.
    """

    passed: int = 0
    failed: int = 0
    error: int = 0
    unscored: int = 0
    skipped: int = 0
    completions: int = 0
    answered: int = 0
    cost: float | None = None
    unpriced: int = 0
    latency: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    uncounted: int = 0
    length: float | None = None
    value: float | None = None
    metrics: Mapping[str, MetricMean] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Trials that were not skipped."""
        return self.passed + self.failed + self.unknown

    @property
    def unknown(self) -> int:
        """Trials that have no verdict."""
        return self.error + self.unscored


class ComparisonVerdict(Struct, frozen=True, kw_only=True):
    """What a comparison came to: the source of the printed line, the reports and the exit code.

    How sure it is would be one more attribute here, which `decide_comparison` is given.

    Attributes:
        reason: Why, in a sentence without a full stop; what is not known stands first.
        complete: Whether every pair that could be made has a verdict on both sides.
    """

    status: ComparisonStatus
    exit_code: int
    reason: str
    complete: bool

    @property
    def good(self) -> bool:
        """Whether nothing got worse, and all of it is known."""
        return self.exit_code == 0 and self.complete and self.status in {"improved", "same"}


class Comparison(Struct, frozen=True, kw_only=True):
    """Two arms on the same cases.

    Attributes:
        pairs: In the order of the plan.
        unpaired: Trials without a counterpart.
        before: Totals of the first side.
        after: Totals of the second side.
    """

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...]
    before: ArmTotals
    after: ArmTotals

    def of(self, outcome: Outcome) -> tuple[Pair, ...]:
        """The pairs of one outcome."""
        return tuple(pair for pair in self.pairs if pair.outcome == outcome)

    def counts(self) -> dict[Outcome, int]:
        """How many pairs there are of each outcome."""
        found: dict[Outcome, int] = {
            "broken": 0,
            "fixed": 0,
            "changed": 0,
            "same": 0,
            "unknown": 0,
            "skipped": 0,
        }
        for pair in self.pairs:
            found[pair.outcome] += 1
        return found


def decide_comparison(
    comparison: Comparison,
    *,
    unrendered: int = 0,
    run: Verdict | None = None,
    moved: str = "",
) -> ComparisonVerdict:
    """Decide what a comparison came to. Nothing that is not wholly known is ever good.

    Args:
        comparison: The pairs.
        unrendered: Cases that were not asked, because a side cannot render them.
        run: The verdict of the run that asked; one that was stopped decides the exit code.
        moved: Why the sides cannot be compared: another model answered; empty: none did.
    """
    counts = comparison.counts()
    compared = sum(counts.values()) - counts["skipped"]
    unknown = _unknown(comparison, counts, unrendered)
    complete = not unknown
    nothing = _nothing(comparison, compared, unrendered, moved)
    if run is not None and run.status in {"budget", "interrupted", "stopped"} and run.exit_code:
        return ComparisonVerdict(
            status="stopped", exit_code=run.exit_code, reason=run.reason, complete=False
        )
    if nothing is not None:
        return nothing
    status = _status(counts, complete=complete)
    return ComparisonVerdict(
        status=status, exit_code=0, reason=_reason(counts, unknown), complete=complete
    )


def _nothing(
    comparison: Comparison, compared: int, unrendered: int, moved: str
) -> ComparisonVerdict | None:
    """The verdict when there is nothing to compare; None when there is something."""
    code, reason = 0, ""
    if not compared:
        code, reason = 6, "no case was asked of both sides"
        if unrendered:
            reason += f": {_cases(unrendered)} cannot be rendered on a side"
    else:
        silent = [
            side
            for side, totals in (("first", comparison.before), ("second", comparison.after))
            if not totals.completions
        ]
        if silent:
            sides = "side has" if len(silent) == 1 else "side have"
            code, reason = 3, f"the {' and the '.join(silent)} {sides} no completion for any case"
    if moved and not code:
        code, reason = 6, moved
    if not code:
        return None
    return ComparisonVerdict(status="incomparable", exit_code=code, reason=reason, complete=False)


def _status(counts: Mapping[Outcome, int], *, complete: bool) -> ComparisonStatus:
    if counts["broken"]:
        return "changed" if counts["fixed"] else "regressed"
    if not complete:
        return "incomplete"
    if counts["fixed"]:
        return "improved"
    return "changed" if counts["changed"] else "same"


def _unknown(comparison: Comparison, counts: Mapping[Outcome, int], unrendered: int) -> list[str]:
    found = []
    if counts["unknown"]:
        whole = sum(counts.values()) - counts["skipped"]
        verb = "has" if counts["unknown"] == 1 else "have"
        found.append(f"{counts['unknown']:,} of {whole:,} pairs {verb} no verdict on a side")
    if unrendered:
        found.append(f"{_cases(unrendered)} cannot be rendered on a side")
    if comparison.unpaired:
        noun = "trial has" if len(comparison.unpaired) == 1 else "trials have"
        found.append(f"{len(comparison.unpaired):,} {noun} no counterpart")
    return found


def _reason(counts: Mapping[Outcome, int], unknown: list[str]) -> str:
    words = [f"{counts['broken']:,} broken", f"{counts['fixed']:,} fixed"]
    words += [f"{counts['changed']:,} changed", f"{counts['same']:,} same"]
    return "; ".join([*unknown, ", ".join(words)])


def _cases(count: int) -> str:
    return f"{count:,} case" if count == 1 else f"{count:,} cases"
