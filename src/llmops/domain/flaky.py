"""How cases fared in the runs that are kept, and which of them had better be quarantined."""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from msgspec import Struct, field, to_builtins

from llmops.domain.run import Arm

Habit = Literal["flaky", "wavers", "fails", "passes", "unknown"]
"""`flaky`: surely neither nearly always passing nor nearly always failing; `wavers`: it did both,
too seldom to be sure; `unknown`: it was never judged."""

SURE: Final = 0.9
"""So likely must it be that a case is flaky before it is called so."""


class Attempts(Struct, frozen=True, kw_only=True):
    """What k attempts at a case would give, by what was seen.

    Attributes:
        k: From 1 to the number of trials that were seen.
        any: pass@k: the chance that at least one passes, 0 to 1.
        all: pass^k: the chance that all pass.
    """

    k: int
    any: float
    all: float


class CaseHabit(Struct, frozen=True, kw_only=True):
    """How one case fared on one arm, as both are today.

    Attributes:
        passed: Trials that passed.
        n: Trials that passed or failed; an answer that was looked up again counts once.
        unknown: Trials in error, or unscored.
        rate: The expected pass rate, shrunk to what the suite's cases do; 0 to 1.
        low: Lower bound of the 95 % credible interval of the pass rate.
        high: Upper bound.
        flaky: The chance that the pass rate lies from 5 % to 95 %.
        attempts: For k = 1, 2, …, at most 20.
        last_seen: When the newest run with it began, ISO 8601; None for no run.
        must_pass: Whether it is tagged so; then it is never proposed.
        quarantined: Until when and why it is excused today; None: it is not.
    """

    suite: str
    case: str
    arm: Arm
    passed: int
    n: int
    unknown: int
    rate: float
    low: float
    high: float
    flaky: float
    attempts: tuple[Attempts, ...] = ()
    last_seen: str | None = None
    must_pass: bool = False
    quarantined: str | None = None

    @property
    def habit(self) -> Habit:
        """The one word."""
        if not self.n:
            return "unknown"
        if self.passed in {0, self.n}:
            return "passes" if self.passed else "fails"
        return "flaky" if self.flaky >= SURE else "wavers"

    def as_json(self) -> dict[str, object]:
        """The habit as plain JSON values."""
        arm = {**to_builtins(self.arm), "parameters": dict(self.arm.parameters)}
        return {**to_builtins(self), "arm": arm, "habit": self.habit}


class Proposal(Struct, frozen=True, kw_only=True):
    """An entry for a suite's `quarantine:`.

    Attributes:
        path: The suite's file.
        until: The last day of it.
        renewed: Whether the suite has an entry for the case whose day has passed.
    """

    suite: str
    path: str
    case: str
    until: date
    reason: str
    renewed: bool = False

    def as_json(self) -> dict[str, object]:
        """The proposal as plain JSON values."""
        return {**to_builtins(self), "until": self.until.isoformat()}


class FlakyReport(Struct, frozen=True, kw_only=True):
    """What the kept runs say of the selected cases.

    Attributes:
        cases: The flakiest first.
        proposals: In the order of `cases`, each case of a suite once.
        runs: Kept runs that had any of them.
        changed: Trials that were left out because something else was asserted then.
        written: Suite files that were written.
        broken: Kept runs that could not be read, or only up to a line.
    """

    cases: tuple[CaseHabit, ...]
    proposals: tuple[Proposal, ...]
    runs: int
    changed: int = 0
    written: tuple[str, ...] = field(default=())
    broken: int = 0

    def by_file(self) -> Mapping[str, list[Proposal]]:
        """The proposals by the suite's file."""
        found: dict[str, list[Proposal]] = {}
        for proposal in self.proposals:
            found.setdefault(proposal.path, []).append(proposal)
        return found

    def as_json(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return {
            "schema": "llmops.flaky/1",
            "runs": self.runs,
            "changed": self.changed,
            "broken": self.broken,
            "cases": [case.as_json() for case in self.cases],
            "proposals": [proposal.as_json() for proposal in self.proposals],
            "written": list(self.written),
        }
