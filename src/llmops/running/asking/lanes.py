"""The trials that wait for one model or target, and the workers that take them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine

from msgspec import Struct, field

from llmops.errors import ProviderError
from llmops.running.asking.limits import ModelGate
from llmops.running.runner import Progress


class Lane(Struct):
    """What waits for one model or target.

    Attributes:
        gate: The model's limits; None for a target.
        most: Workers at the most.
        closed: Whether nothing is to be started any more.
    """

    gate: ModelGate | None
    queue: deque[Progress] = field(default_factory=deque)
    workers: set[asyncio.Task[None]] = field(default_factory=set)
    most: int = 1
    closed: bool = False

    def hire(
        self,
        work: Callable[["Lane"], Coroutine[None, None, None]],
        broke: Callable[[], None],
    ) -> None:
        """Let one worker more take what waits.

        A worker that came to its end is forgotten; what was queued between its last look and
        that moment has nobody, so another is hired for it.

        Args:
            work: Takes what waits until nothing does, or nothing is to be started any more.
            broke: Called when the worker raised, in place of forgetting it.
        """
        task = asyncio.ensure_future(work(self))
        self.workers.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception() is not None:
                broke()
                return
            self.workers.discard(task)
            if self.queue and not task.cancelled() and not self.closed:
                self.hire(work, broke)

        task.add_done_callback(ended)


class GoneError(Exception):
    """The request that others waited for was cancelled."""


async def first_of(*waits: Awaitable[object]) -> None:
    """Wait until one of several things has come about."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def unexpected(error: Exception) -> ProviderError:
    """A provider must say what went wrong; one that does not ends its trial, not the run."""
    words = f"the provider broke with {type(error).__name__}: {error}"[:300]
    return ProviderError(words, kind="bad_request", hint="this is a bug of the provider")
