"""Arms on the same cases: what each came to, and how each stands to the first."""

from msgspec import Struct

from llmops.domain.assessment import Assessment
from llmops.domain.comparison import ArmTotals, Comparison, ComparisonVerdict


class ArmResult(Struct, frozen=True, kw_only=True):
    """What an arm came to, over all of its trials.

    Attributes:
        label: As it was asked for.
        low: Lower bound of the pass rate (Wilson), with what is unknown failed.
        high: Upper bound, with what is unknown passed.
        slowest: Seconds within which 95 of 100 trials had their completions; None for none.
    """

    label: str
    totals: ArmTotals
    low: float
    high: float
    slowest: float | None

    @property
    def pass_rate(self) -> float | None:
        """The share that passed, what is unknown counted as failed; None when nothing was asked."""
        return self.totals.passed / self.totals.asked if self.totals.asked else None

    @property
    def cost_per_trial(self) -> float | None:
        """US dollars for a trial that was answered; None where a cost is not known."""
        totals = self.totals
        answered = totals.asked - totals.error
        if totals.cost is None or totals.unpriced or not answered:
            return None
        return totals.cost / answered


class Standing(Struct, frozen=True, kw_only=True):
    """How an arm stands to the first one.

    Attributes:
        arm: Its place in the list, from 1.
        assessment: How sure it is.
        comparison: The pairs of trials.
        saving: The share of the first arm's cost that switching saves, from 0 to 1, where the
            cases show no loss beyond the margin and the saving is sure; None elsewhere.
        moved: Why nothing can be said: another model answered the same name; empty: none did.
    """

    arm: int
    assessment: Assessment
    comparison: Comparison
    saving: float | None = None
    moved: str = ""


class ArmsComparison(Struct, frozen=True, kw_only=True):
    """Arms on the same cases.

    Attributes:
        arms: In the order in which they were asked for.
        standings: Every arm but the first against the first.
        front: Places of the arms that none other beats in both pass rate and cost; empty when a
            cost is not known.
        verdict: The one source of the printed line and of the exit code.
        run: The id of the run that holds all of them.
    """

    arms: tuple[ArmResult, ...]
    standings: tuple[Standing, ...]
    front: tuple[int, ...]
    verdict: ComparisonVerdict
    run: str | None = None
