"""A run followed as it goes: what each trial took is put together and handed to a courier."""

from collections.abc import Callable

from msgspec import Struct, field

from llmops.domain.attempt import MadeAttempt
from llmops.domain.run import TrialResult
from llmops.domain.verdict import Verdict
from llmops.telemetry.courier import Courier


class Ended(Struct, frozen=True, kw_only=True):
    """A trial that is over, or the attempts of one that never came to its end.

    Attributes:
        trial: The trial; None for one that was broken off.
        began: Seconds of a clock that never goes back.
        ended: Seconds of the same clock.
    """

    trial: TrialResult | None
    began: float
    ended: float
    attempts: tuple[MadeAttempt, ...] = ()


class Over(Struct, frozen=True, kw_only=True):
    """A run that is over.

    Attributes:
        verdict: What it came to; None when it broke.
        ended: Seconds of the clock.
    """

    verdict: Verdict | None
    ended: float


class RunTrace(Struct, kw_only=True):
    """Follows one run.

    Attributes:
        courier: Takes what is over to the collector.
        clock: Seconds that never go back.
        note: Told once, at the end, what was sent or why it was not.
    """

    courier: Courier[Ended | Over]
    clock: Callable[[], float]
    note: Callable[[str], None]
    _begun: dict[str, float] = field(default_factory=dict)
    _attempts: dict[str, list[MadeAttempt]] = field(default_factory=dict)
    _closed: bool = False

    def now(self) -> float:
        """The clock's seconds."""
        return self.clock()

    def began(self, trial: str) -> None:
        """Somebody is about to be asked for the trial of this id."""
        self._begun[trial] = self.clock()

    def attempted(self, attempt: MadeAttempt) -> None:
        """An attempt is over; it is kept until its trial is."""
        self._attempts.setdefault(attempt.trial, []).append(attempt)

    def ended(self, trial: TrialResult) -> None:
        """A trial is over."""
        now = self.clock()
        attempts = tuple(self._attempts.pop(trial.id, ()))
        began = self._begun.pop(trial.id, now)
        self.courier.take(Ended(trial=trial, began=began, ended=now, attempts=attempts))

    def close(self, verdict: Verdict | None = None) -> None:
        """Send what is left, and say what came of it. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        now = self.clock()
        for attempts in self._attempts.values():
            left = Ended(trial=None, began=now, ended=now, attempts=tuple(attempts))
            self.courier.take(left)
        self.courier.take(Over(verdict=verdict, ended=now))
        self.note(self.courier.close())
