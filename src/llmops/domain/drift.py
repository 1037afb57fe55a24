"""Drift: whether a model answers canary cases as it did, and the one verdict behind all of it."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, to_builtins

from llmops.domain.moved import Moved
from llmops.domain.verdict import Verdict

CANARY: Final = "canary"
"""The tag of the cases by which drift is seen."""

Drifting = Literal["drifted", "steady", "cannot tell"]
DriftStatus = Literal["drifted", "steady", "cannot tell", "stopped", "error"]
"""`stopped`: a budget or a signal ended the run. `error`: nobody answered."""

_CODES: Final[Mapping[str, int]] = {"drifted": 1, "cannot tell": 6, "steady": 0}
_GRAVEST: Final[tuple[Drifting, ...]] = ("drifted", "cannot tell", "steady")


class CanaryCase(Struct, frozen=True, kw_only=True):
    """One canary that answers otherwise than it did.

    Attributes:
        then: Trials that passed in the history, of how many.
        now: Trials that passed now, of how many.
    """

    suite: str
    case: str
    then: tuple[int, int]
    now: tuple[int, int]


class RateChange(Struct, frozen=True, kw_only=True):
    """The pass rate of the canaries, then and now; every canary weighs the same.

    Attributes:
        before: The mean rate then, from 0 to 1; 0 without cases.
        after: The mean rate now, with what is unknown failed.
        delta: Now − then, from −1 to 1.
        low: Lower bound, with what is unknown failed; holds with `confidence`.
        high: Upper bound, with what is unknown passed.
        fell: One-sided p-value that it fell, with what is unknown passed.
        rose: One-sided p-value that it rose, with what is unknown failed.
        cases: Canaries with trials then and now.
        then: Trials in the history.
        now: Trials now.
        unknown: How many of those have no verdict.
        smallest: The smallest fall that so many trials see at power 0.8; None when none is seen.
        margin: The change that does not matter.
        confidence: Of each bound and of each claim, between ½ and 1.
    """

    before: float
    after: float
    delta: float
    low: float
    high: float
    fell: float
    rose: float
    cases: int
    then: int
    now: int
    unknown: int
    smallest: float | None
    margin: float
    confidence: float

    @property
    def p_value(self) -> float:
        """Two-sided."""
        return min(1.0, 2 * min(self.fell, self.rose))

    @property
    def said(self) -> Drifting:
        """`drifted` where the test is sure; `steady` where the interval is within the margin."""
        if min(self.fell, self.rose) <= 1 - self.confidence:
            return "drifted"
        within = self.cases and -self.margin < self.low and self.high < self.margin
        return "steady" if within else "cannot tell"


class MeanChange(Struct, frozen=True, kw_only=True):
    """What else is another: a metric, the cost in US dollars, seconds, characters of output.

    Attributes:
        before: The mean over the canaries then.
        after: The mean now.
    """

    name: str
    before: float
    after: float


class ModelDrift(Struct, frozen=True, kw_only=True):
    """One model, then and now.

    Attributes:
        model: Its label; the target's for a target.
        said: What can be said.
        reason: Why, in words without a full stop.
        rate: Now against then, over the canaries that have a history.
        means: Shown beside it; they decide nothing.
        moved: What its provider says of itself that it did not say before.
        cases: Canaries whose pass rate is another, the largest fall first.
        unknown: Canaries without a history.
        first: The id of the oldest run of the history; None for none.
        last: Of the newest one.
        others: Trials of the history that another model answered, and that were left out.
    """

    model: str
    said: Drifting
    reason: str
    rate: RateChange
    means: tuple[MeanChange, ...] = ()
    moved: tuple[Moved, ...] = ()
    cases: tuple[CanaryCase, ...] = ()
    unknown: int = 0
    first: str | None = None
    last: str | None = None
    others: int = 0

    def as_json(self) -> dict[str, object]:
        """The model's drift as plain JSON values."""
        rate = {**to_builtins(self.rate), "p_value": self.rate.p_value}
        return {**to_builtins(self), "rate": rate}


class Apart(Struct, frozen=True, kw_only=True):
    """A difference between two runs, taken apart: the model's share and the edit's.

    All are differences of pass rates, second − first, from −1 to 1; each bound
    holds with the confidence of the canaries' rate.

    Attributes:
        runs: Ids of the two runs.
        whole: The difference between them: Δ, lower and upper bound.
        model: That of the canaries, then and now.
        edit: What is left: the difference in differences.
        cases: Cases that both runs have.
    """

    runs: tuple[str, str]
    whole: tuple[float, float, float]
    model: tuple[float, float, float]
    edit: tuple[float, float, float]
    cases: int


class DriftVerdict(Struct, frozen=True, kw_only=True):
    """What a look at drift came to: the source of the printed line, the JSON and the exit code."""

    status: DriftStatus
    exit_code: int
    reason: str

    @property
    def line(self) -> str:
        """The verdict as it is printed."""
        return f"{self.status}: {self.reason}"


class DriftReport(Struct, frozen=True, kw_only=True):
    """The canaries asked anew, beside their history.

    Attributes:
        models: One entry a model, in the order of the plan.
        verdict: The gravest of them.
        run: The id of the run that asked.
        accepted: Whether what was answered now is what later looks are held against.
        apart: The difference between two runs, taken apart; None where it was not.
        notes: What was asked for and could not be done.
    """

    models: tuple[ModelDrift, ...]
    verdict: DriftVerdict
    run: str
    accepted: bool = False
    apart: Apart | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return {
            "schema": "llmops.drift/1",
            "verdict": {**to_builtins(self.verdict), "line": self.verdict.line},
            "models": [model.as_json() for model in self.models],
            "run": self.run,
            "accepted": self.accepted,
            "apart": to_builtins(self.apart) if self.apart is not None else None,
            "notes": list(self.notes),
        }


def decide_drift(models: Sequence[ModelDrift], run: Verdict) -> DriftVerdict:
    """Decide what a look came to. Nothing that is not wholly known is ever steady.

    Args:
        models: What is said of each.
        run: The verdict of the run that asked.
    """
    if run.status in {"budget", "interrupted", "stopped"}:
        return DriftVerdict(status="stopped", exit_code=run.exit_code, reason=run.reason)
    totals = run.totals
    if not totals.passed + totals.failed + totals.unscored + totals.quarantined:
        return DriftVerdict(status="error", exit_code=3, reason="no canary was answered")
    said = min((one.said for one in models), key=_GRAVEST.index)
    words = [f"{one.model} {one.reason}" for one in models if one.said == said]
    return DriftVerdict(status=said, exit_code=_CODES[said], reason="; ".join(words))
