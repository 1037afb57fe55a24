"""The workers of a Dask cluster as one provider: each attempt is made by one of them."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError, UnavailableError
from llmops.location import COMMAND_LINE
from llmops.providers.cluster.desk import Desk, LostError, read_answer
from llmops.providers.cluster.office import Asked
from llmops.providers.cluster.scheduler import Scheduler, connect

_DEATHS = 3
"""A request under which so many workers died is not handed to another."""
_LOOK = 1.0
"""Seconds between two looks at who has come and gone."""
_HIRING = 30.0
"""Seconds in which a worker must have an office ready."""
_PATIENCE = 30.0
"""Seconds to wait for a worker when none is left."""


class ClusterProvider:
    """Has attempts made by the workers of a cluster.

    Limits, repeated attempts, budgets, the cache and scoring stay with whoever asks, so they hold
    for all workers together. Workers may come and go; what was under way on one that died is
    asked again of another, and its answer is taken once.
    """

    def __init__(
        self, address: str, note: Callable[[str], None], *, patience: float = _PATIENCE
    ) -> None:
        """Remember where the scheduler is; `note` is told of workers that are refused or gone."""
        self._address = address
        self._note = note
        self._patience = patience
        self._numbers = itertools.count()
        self._refused: dict[str, str] = {}
        self._desks: dict[str, Desk] = {}
        self._joined = asyncio.Event()
        self._opening: asyncio.Future[Scheduler] | None = None
        self._watching: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect, and open an office on every worker that fits; the second time does nothing.

        Raises:
            InvalidInputError: The address is none, or Dask is not installed.
            UnavailableError: Nobody answers, or no worker fits.
        """
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        await asyncio.shield(self._opening)

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Make one attempt on the worker that has least to do.

        Raises:
            ProviderError: There is no completion, with the kind of failure.
        """
        asked = Asked(number=next(self._numbers), request=request, model=model, sample=sample)
        for _ in range(_DEATHS):
            desk = await self._desk()
            with suppress(LostError):
                return read_answer(await desk.ask(asked))
        words = f"not answered: {_DEATHS} workers died while they asked"
        raise ProviderError(words, kind="server")

    async def close(self) -> None:
        """Close every office, and let go of the scheduler."""
        opening, self._opening = self._opening, None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        desks, self._desks = self._desks, {}
        await asyncio.gather(*(_quietly(desk) for desk in desks.values()))
        if opening is not None and opening.done() and opening.exception() is None:
            await opening.result().close()

    async def _open(self) -> Scheduler:
        self._joined = asyncio.Event()
        scheduler = await connect(self._address)
        try:
            await self._look(scheduler)
        except OSError as error:
            await scheduler.close()
            raise _none(self._address, str(error)) from None
        if not self._desks:
            await scheduler.close()
            reason = next(iter(self._refused.values()), "it has none")
            raise _none(self._address, reason)
        self._watching = asyncio.ensure_future(self._watch(scheduler))
        return scheduler

    async def _watch(self, scheduler: Scheduler) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            with suppress(OSError):
                await self._look(scheduler)

    async def _look(self, scheduler: Scheduler) -> None:
        """See who has come and who is gone."""
        present = await scheduler.workers()
        for desk in [desk for desk in self._desks.values() if desk.address not in present]:
            desk.lose()
        new = present - self._desks.keys() - self._refused.keys()
        await asyncio.gather(*(self._hire(scheduler, worker) for worker in new))

    async def _hire(self, scheduler: Scheduler, worker: str) -> None:
        try:
            async with asyncio.timeout(_HIRING):
                refusal = await scheduler.refusal(worker)
                if refusal is None:
                    office = await scheduler.hire(worker)
                    missing = await office.missing()
                    refusal = f"it has no {' and no '.join(missing)}" if missing else None
        except TimeoutError:
            refusal = f"it did not get ready within {_HIRING:g} s"
        except OSError:
            return  # it is gone, or it is here at the next look
        except Exception as error:  # whatever Dask says of a worker that cannot
            refusal = f"{type(error).__name__}: {error}"[:200]
        if refusal is not None:
            self._refused[worker] = refusal
            self._note(f"the worker {worker} is not asked: {refusal}")
            return
        self._desks[worker] = Desk(worker, office, self._lose)
        self._joined.set()

    def _lose(self, desk: Desk) -> None:
        self._desks.pop(desk.address, None)
        again = f"; {desk.under_way} requests are asked again" if desk.under_way else ""
        self._note(f"the worker {desk.address} is gone{again}")

    async def _desk(self) -> Desk:
        while not self._desks:
            self._joined.clear()
            try:
                async with asyncio.timeout(self._patience):
                    await self._joined.wait()
            except TimeoutError:
                words = f"no worker of the cluster at {self._address} is left"
                lonely = ProviderError(
                    words, kind="network", hint="start workers, then go on: --resume last"
                )
                lonely.unreached = True
                raise lonely from None
        return min(self._desks.values(), key=lambda desk: desk.under_way)


def check_cluster(address: str) -> None:
    """Make sure that a cluster has a worker that can ask, before anything is paid.

    Raises:
        InvalidInputError: The address is none, or Dask is not installed.
        UnavailableError: Nobody answers, or no worker fits.
    """
    asyncio.run(_opened_once(ClusterProvider(address, lambda _words: None)))


async def _opened_once(provider: ClusterProvider) -> None:
    await provider.open()
    await provider.close()


async def _quietly(desk: Desk) -> None:
    """Close a desk; a worker that has died meanwhile needs no closing."""
    with suppress(Exception):
        async with asyncio.timeout(_LOOK):
            await desk.close()


def _none(address: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"no worker of the cluster at {address} can be used: {reason}",
        at=COMMAND_LINE,
        code="no-cluster",
        hint="workers need llmops in the version that is used here, with all it requires",
    )
