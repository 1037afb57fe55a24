"""The verdict: one object behind the printed line, every report and the exit code."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import fields

from llmops.domain.completion import Usage
from llmops.domain.run import StoppedBy, TrialResult

VerdictStatus = Literal["passed", "failed", "error", "budget", "stopped", "empty", "interrupted"]
"""`error`: a provider or a scorer failed, so that nobody knows. `stopped`: ended on purpose."""


class Totals(Struct, kw_only=True):
    """Counts over trials, added up as they finish.

    Attributes:
        planned: Trials of the plan.
        quarantined: Trials that passed or failed in quarantine; they are in neither count.
        quarantined_failed: How many of those failed.
        live: Trials for which something was asked; `cached` and `recorded` needed nobody. A trial
            that failed before anything was asked is none of the three.
        spent: US dollars that this run paid: live completions only.
        value: US dollars that all completions cost when they were made.
        unpriced: Completions whose cost nobody knows.
        cached_tokens: Tokens read that providers had cached; they are among those read.
        cache_written_tokens: Tokens read that providers put into their caches.
        reasoning_tokens: Tokens written that were reasoning.
        calls: Requests that reached a provider, the failed attempts included.
    """

    planned: int = 0
    passed: int = 0
    failed: int = 0
    error: int = 0
    unscored: int = 0
    skipped: int = 0
    quarantined: int = 0
    quarantined_failed: int = 0
    live: int = 0
    cached: int = 0
    recorded: int = 0
    calls: int = 0
    spent: float = 0.0
    value: float = 0.0
    unpriced: int = 0
    empty_completions: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def done(self) -> int:
        """Trials that ended, in whatever way."""
        judged = self.passed + self.failed + self.quarantined
        return judged + self.error + self.unscored + self.skipped

    @property
    def missing(self) -> int:
        """Planned trials that were never carried out."""
        return max(0, self.planned - self.done)

    def add(self, trial: TrialResult) -> None:
        """Count one trial."""
        name = "quarantined" if trial.excused else trial.status
        setattr(self, name, getattr(self, name) + 1)
        self.quarantined_failed += trial.excused and trial.status == "failed"
        if trial.status == "skipped":
            return
        if trial.answered:
            setattr(self, trial.origin, getattr(self, trial.origin) + 1)
        for exchange in trial.exchanges:
            self.calls += exchange.attempts
            completion = exchange.completion
            if completion is None:
                continue
            self._count_tokens(completion.usage)
            if not completion.text and not completion.tool_calls and completion.output is None:
                self.empty_completions += 1
            if completion.cost is None:
                self.unpriced += 1
                continue
            self.value += completion.cost
            if exchange.origin == "live":
                self.spent += completion.cost

    def pass_rate(self) -> tuple[float, float] | None:
        """The pass rate if every error and unscored trial had failed, and if all had passed.

        Quarantined trials are in neither.

        Returns:
            Two shares from 0 to 1, the bad end first; None when no trial was judged or failed.
        """
        asked = self.passed + self.failed + self.error + self.unscored
        if not asked:
            return None
        return self.passed / asked, (self.passed + self.error + self.unscored) / asked

    def as_json(self) -> dict[str, float | int]:
        """All counts by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def _count_tokens(self, usage: Usage) -> None:
        self.input_tokens += usage.input or 0
        self.output_tokens += usage.output or 0
        self.cached_tokens += usage.cached or 0
        self.cache_written_tokens += usage.cache_written or 0
        self.reasoning_tokens += usage.reasoning or 0


_EXIT_CODES: Mapping[VerdictStatus, int] = {
    "passed": 0,
    "failed": 1,
    "error": 3,
    "budget": 4,
    "stopped": 3,
    "empty": 5,
    "interrupted": 130,
}
_SIGNAL_CODES: Mapping[StoppedBy, int] = {"sigint": 130, "sigterm": 143, "sighup": 129}


class Verdict(Struct, frozen=True, kw_only=True):
    """What a run came to.

    Attributes:
        status: The one word.
        exit_code: What the process ends with.
        reason: Why, in a sentence without a full stop.
    """

    status: VerdictStatus
    exit_code: int
    reason: str
    totals: Totals = field(default_factory=Totals)

    @property
    def green(self) -> bool:
        """Whether all is well."""
        return self.exit_code == 0


def decide(totals: Totals, *, stopped_by: StoppedBy | None = None) -> Verdict:
    """Decide what a run came to. Nothing that is not wholly well is ever green."""
    status, reason = _status(totals, stopped_by)
    code = _EXIT_CODES[status]
    if status == "interrupted" and stopped_by is not None:
        code = _SIGNAL_CODES.get(stopped_by, code)
    return Verdict(status=status, exit_code=code, reason=reason, totals=totals)


def _status(totals: Totals, stopped_by: StoppedBy | None) -> tuple[VerdictStatus, str]:
    progress = f"{totals.done} of {totals.planned} trials done"
    if stopped_by in _SIGNAL_CODES or stopped_by == "killed":
        return "interrupted", f"interrupted by {stopped_by}: {progress}"
    if stopped_by == "budget":
        return "budget", f"the budget stopped it: {progress}"
    if totals.failed:
        return "failed", f"{totals.failed} of {totals.planned} trials failed"
    if totals.error or totals.unscored:
        unknown = totals.error + totals.unscored
        return "error", f"{unknown} of {totals.planned} trials have no verdict"
    if stopped_by == "decided":
        return "stopped", f"{progress}; the rest could not change what was asked"
    return _without_faults(totals, progress, stopped=stopped_by is not None)


def _without_faults(totals: Totals, progress: str, *, stopped: bool) -> tuple[VerdictStatus, str]:
    if stopped or totals.missing:
        return "stopped", progress
    if not totals.passed and totals.quarantined:
        return "empty", f"no trial counts: {totals.quarantined} of {totals.planned} are quarantined"
    if not totals.passed:
        return "empty", "no trial was carried out"
    excused = f", {totals.quarantined} quarantined" if totals.quarantined else ""
    return "passed", f"all {totals.passed} trials passed{excused}"
