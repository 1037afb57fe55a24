"""Who follows a run as it goes."""

from typing import Protocol

from llmops.domain.attempt import MadeAttempt


class Observer(Protocol):
    """Follows a run."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def began(self, trial: str) -> None:
        """Somebody is about to be asked for the trial of this id."""
        ...

    def attempted(self, attempt: MadeAttempt) -> None:
        """An attempt is over."""
        ...
