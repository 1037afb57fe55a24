"""Every finished trial: kept on disk first, then counted, then shown."""

from collections.abc import Callable

from msgspec import Struct

from llmops.domain.run import TrialResult
from llmops.domain.verdict import Totals
from llmops.running.keeping.store import RunWriter
from llmops.running.stop import Stop


class Ledger(Struct, kw_only=True):
    """Takes finished trials.

    Attributes:
        show: Told of each trial, with its place in the plan, after it is on disk.
        fail_fast: Ask to stop at the first trial that did not pass and is not excused.
        referee: Told of each trial too; says whether the rest can be left out.
    """

    writer: RunWriter
    totals: Totals
    stop: Stop
    show: Callable[[int, TrialResult], None]
    fail_fast: bool = False
    referee: Callable[[TrialResult], bool] | None = None

    def take(self, index: int, trial: TrialResult) -> None:
        """Keep, count and show one trial."""
        self.writer.trial(index, trial)
        self.count(trial)
        self.show(index, trial)
        if self.fail_fast and trial.status not in {"passed", "skipped"} and not trial.excused:
            self.stop.ask("fail_fast")
        if self.referee is not None and self.referee(trial):
            self.stop.ask("decided")

    def count(self, trial: TrialResult) -> None:
        """Count a trial that is on disk already."""
        self.totals.add(trial)
