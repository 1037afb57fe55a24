"""An early end: what was certain before every trial was carried out, and what that saved."""

from typing import Literal

from msgspec import Struct

EarlyReason = Literal["regressed", "not worse", "rule"]
"""`rule`: a rule that turns the verdict red was broken for certain."""


class EarlyEnd(Struct, frozen=True, kw_only=True):
    """Why a run ended before its plan did.

    Attributes:
        reason: What was certain.
        words: The same in a sentence without a full stop.
        cases: Cases that were complete on both sides.
        low: Lower bound of the difference of pass rates, which holds whenever one looks; None
            when a rule or the test of a round decided.
        high: Upper bound.
    """

    reason: EarlyReason
    words: str
    cases: int
    low: float | None = None
    high: float | None = None


class Savings(Struct, frozen=True, kw_only=True):
    """What was not spent.

    Attributes:
        done: Trials that were carried out.
        planned: Trials of the whole plan.
        saved: US dollars that the rest would have cost, by the mean of what was done; None when
            no cost is known.
    """

    done: int
    planned: int
    saved: float | None

    @property
    def trials(self) -> int:
        """Trials that were not carried out."""
        return self.planned - self.done
