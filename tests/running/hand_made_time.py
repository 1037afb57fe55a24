import asyncio
import heapq
import itertools
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_ROUNDS = 40
_settling: list[int] = []


class Time:
    """A clock made by hand: it moves only when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), waiter))
        await waiter

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry work out, moving on to the next sleeper whenever nothing else can go on."""

        async def drive() -> T:
            task = asyncio.ensure_future(work)
            while not task.done():
                await settle()
                if not task.done() and not _settling:
                    self._wake()
            return task.result()

        return asyncio.run(drive())

    def _wake(self) -> None:
        while self._sleepers:
            when, _number, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                self.now = max(self.now, when)
                waiter.set_result(None)
                return


async def settle() -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


async def settled() -> None:
    """The same for a test: the clock stands still meanwhile."""
    _settling.append(1)
    try:
        await settle()
    finally:
        _settling.pop()


class _Jumps(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # chosen by the platform
    """Jumps over the time in which nothing happens."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            msg = "everybody waits for ever"
            raise RuntimeError(msg)
        self.now += max(0.0, timeout)
        return super().select(0)


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop in which sleeping and time-outs take no time, though its clock moves on."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now


def run_quickly(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Carry work out in no time; returns what it returns, and the seconds it would have taken."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        result = runner.run(work)
        return result, runner.get_loop().time()
