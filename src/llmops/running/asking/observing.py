"""A run as it goes, told to whoever follows it; nobody pays for it where nobody does."""

import asyncio
from collections.abc import Callable

from llmops.domain.attempt import MadeAttempt
from llmops.domain.completion import Completion
from llmops.domain.run import Failure
from llmops.errors import ProviderError
from llmops.running.asking.attempts import Attempt
from llmops.running.observer import Observer
from llmops.running.runner import Progress


def watched(
    attempt: Attempt, observer: Observer, progress: Progress, ending: Callable[[], bool]
) -> Attempt:
    """The same attempt, each making of which is told to the observer.

    Args:
        attempt: Asks once.
        observer: Who is told.
        progress: The trial that it is made for.
        ending: Whether the run is about to end; what is broken off then did not take too long.
    """
    asked, trial = progress.asked, progress.trial
    made = 0

    def tell(began: float, completion: Completion | None, failure: Failure | None) -> None:
        observer.attempted(
            MadeAttempt(
                trial=trial.id,
                target="" if asked is not None else trial.suite.name,
                number=made,
                began=began,
                ended=observer.now(),
                request=asked.request if asked is not None else None,
                model=asked.model if asked is not None else None,
                completion=completion,
                failure=failure,
            )
        )

    async def attempt_and_tell() -> Completion:
        nonlocal made
        made += 1
        began = observer.now()
        try:
            completion = await attempt()
        except ProviderError as error:
            failure = Failure(kind=error.kind, message=error.message, status=error.status)
            tell(began, None, failure)
            raise
        except asyncio.CancelledError:
            kind = "cancelled" if ending() else "timeout"
            tell(began, None, Failure(kind=kind, message="there was no answer in time"))
            raise
        tell(began, completion, None)
        return completion

    return attempt_and_tell
