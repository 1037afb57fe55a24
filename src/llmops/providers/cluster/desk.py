"""One worker as the driver sees it: attempts go there, answers come back, until it is gone."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from llmops.domain.completion import Completion
from llmops.domain.record import completion_from_json
from llmops.errors import ProviderError
from llmops.providers.cluster.office import Answer, Asked

_SHARD = 200
"""So many attempts go over in one piece at most."""


class Remote(Protocol):
    """An office, however far away; every call may fail with any error once its worker is gone."""

    async def take(self, asked: Sequence[Asked]) -> None:
        """Start attempts."""
        ...

    async def given(self) -> list[Answer]:
        """Wait for answers."""
        ...

    async def close(self) -> None:
        """Give up what is under way."""
        ...


class LostError(Exception):
    """The worker is gone; whether the provider was asked, nobody knows."""


class Desk:
    """Hands attempts to one worker.

    What waits goes over together, and so do answers, so a busy worker costs no more messages than
    an idle one. Belongs to one event loop.
    """

    def __init__(self, address: str, office: Remote, lost: Callable[["Desk"], None]) -> None:
        """Start to send and to receive.

        Args:
            address: The worker's.
            office: What is there.
            lost: Called once, when the worker turns out to be gone.
        """
        self.address = address
        self._office = office
        self._lost = lost
        self._gone = False
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._unsent: list[Asked] = []
        self._wake = asyncio.Event()
        works = (self._send, self._receive)
        self._tasks = [asyncio.ensure_future(self._until_gone(work)) for work in works]

    @property
    def under_way(self) -> int:
        """Attempts that wait for an answer."""
        return len(self._waiting)

    async def ask(self, asked: Asked) -> Answer:
        """Hand over one attempt and wait for its answer.

        Raises:
            LostError: The worker is gone.
        """
        if self._gone:
            raise LostError
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[asked.number] = answer
        self._unsent.append(asked)
        self._wake.set()
        try:
            return await answer
        finally:
            self._waiting.pop(asked.number, None)

    def lose(self) -> None:
        """Take the worker for gone; whoever waits for it hears so."""
        if self._gone:
            return
        self._gone = True
        for task in self._tasks:
            task.cancel()
        self._lost(self)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LostError())

    async def close(self) -> None:
        """Let the worker go; what is under way there is given up."""
        self._gone = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._office.close()

    async def _until_gone(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception:  # whatever Dask says of a worker that died
            self.lose()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unsent:
                shard, self._unsent = self._unsent[:_SHARD], self._unsent[_SHARD:]
                await self._office.take([one for one in shard if one.number in self._waiting])

    async def _receive(self) -> None:
        while True:
            for answer in await self._office.given():
                waiting = self._waiting.get(answer["number"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)


def read_answer(answer: Answer) -> Completion:
    """The completion that came back.

    Raises:
        ProviderError: The provider gave none, or what came is no answer.
    """
    try:
        if "completion" in answer:
            return completion_from_json(answer["completion"])
        told = dict(answer["failure"])
        unreached, refused = told.pop("unreached"), told.pop("refused")
        error = ProviderError(**told)
        error.unreached = unreached is True
        error.refused = refused is True
    except (KeyError, TypeError, ValueError, AttributeError):
        error = ProviderError("the worker sent back no completion", kind="bad_response")
    raise error
