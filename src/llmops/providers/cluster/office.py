"""What runs on a worker of a cluster: questions in, completions and failures out, on its own loop."""

import asyncio
import importlib.util
import os
import threading
import weakref
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.config import Model, Via
from llmops.domain.record import completion_to_json
from llmops.errors import ProviderError
from llmops.providers.base import Provider
from llmops.providers.failures import shorten
from llmops.providers.keys import redact, secrets_of, without_secrets
from llmops.providers.registry import open_provider

NEEDED = ("aiohttp", "litellm")
"""Packages without which a worker cannot ask."""

Answer = dict[str, Any]
"""`number`, and either `completion` as runs keep it or `failure` with the fields of a fault."""
Result = TypeVar("Result")


class Asked(Struct, frozen=True, kw_only=True):
    """One attempt that is handed to a worker; it holds the name of a key, never a key.

    Attributes:
        number: By which the driver knows the answer.
    """

    number: int
    request: Request
    model: Model
    sample: int


class Office:
    """Asks providers on a worker, with the keys of the worker's own environment.

    The driver holds it as an actor. It starts nothing of itself: whatever limits there are, the
    driver keeps them by what it hands in. Its loop has a thread of its own, so that nothing that a
    provider does keeps the worker from answering its scheduler.
    """

    def __init__(self) -> None:
        """Start the loop."""
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._room = room = _Room(dict(os.environ))
        threading.Thread(target=lambda: asyncio.run(room.serve(ready)), daemon=True).start()
        self._loop = ready.result()
        # A driver that was killed closes nothing: Dask drops the office, and its loop ends.
        self._forgotten = weakref.finalize(self, _end, self._loop, room)

    async def missing(self) -> list[str]:
        """The packages that are needed and not there."""
        return [name for name in NEEDED if importlib.util.find_spec(name) is None]

    async def take(self, asked: Sequence[Asked]) -> None:
        """Start attempts, all of them at once."""
        await self._there(self._room.take(asked))

    async def given(self) -> list[Answer]:
        """What is answered and was not handed out yet; waits until there is something.

        Empty when the office was closed meanwhile.
        """
        return await self._there(self._room.given())

    async def close(self) -> None:
        """Give up what is under way, and let go of connections."""
        if self._forgotten.detach() is not None:
            await self._there(self._room.close())

    async def _there(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


class _Room:
    """The part of an office that lives on its own loop."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._secrets = secrets_of(environment)
        self._opening: dict[Via, asyncio.Task[Provider]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: list[Answer] = []
        self._news = asyncio.Event()
        self.closed = asyncio.Event()

    async def serve(self, ready: "Future[asyncio.AbstractEventLoop]") -> None:
        """Keep the loop going until the office is closed or forgotten."""
        ready.set_result(asyncio.get_running_loop())
        await self.closed.wait()
        await self.close()

    async def take(self, asked: Sequence[Asked]) -> None:
        for one in asked:
            task = asyncio.ensure_future(self._answer(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def given(self) -> list[Answer]:
        await self._news.wait()
        if not self.closed.is_set():
            self._news.clear()
        answers, self._answers = self._answers, []
        return answers

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        openings, self._opening = self._opening, {}
        for opened in await asyncio.gather(*openings.values(), return_exceptions=True):
            if not isinstance(opened, BaseException):
                await opened.close()
        self.closed.set()
        self._news.set()

    async def _answer(self, asked: Asked) -> None:
        try:
            answer: Answer = {"completion": await self._complete(asked)}
        except ProviderError as error:
            answer = {"failure": failure_to_json(error)}
        except Exception as error:  # one broken provider must not end the others
            words = redact(f"{type(error).__name__}: {error}", self._secrets)
            broken = ProviderError(
                shorten(f"the provider broke with {words}"),
                kind="bad_request",
                hint="this is a bug of the provider",
            )
            answer = {"failure": failure_to_json(broken)}
        self._answers.append({"number": asked.number, **answer})
        self._news.set()

    async def _complete(self, asked: Asked) -> dict[str, Any]:
        model = asked.model
        provider = await self._provider(model.via)
        try:
            async with asyncio.timeout(model.timeout):
                completion = await provider.complete(
                    asked.request, model=model, sample=asked.sample
                )
        except TimeoutError:
            words = f"no answer within {model.timeout:g} s"
            raise ProviderError(words, kind="timeout") from None
        return completion_to_json(without_secrets(completion, self._secrets))

    async def _provider(self, via: Via) -> Provider:
        if via not in self._opening:
            self._opening[via] = asyncio.ensure_future(self._open(via))
        return await asyncio.shield(self._opening[via])

    async def _open(self, via: Via) -> Provider:
        provider = open_provider(via, environment=self._environment)
        await provider.open()
        return provider


def failure_to_json(error: ProviderError) -> dict[str, Any]:
    """A provider's error as plain values."""
    return {
        "kind": error.kind,
        "message": error.message,
        "status": error.status,
        "retry_after": error.retry_after,
        "unreached": error.unreached,
        "refused": error.refused,
        "hint": error.hint,
    }


def _end(loop: asyncio.AbstractEventLoop, room: _Room) -> None:
    loop.call_soon_threadsafe(room.closed.set)
