"""A Python function as the application under test."""

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from llmops.domain.completion import Completion
from llmops.domain.node import Text
from llmops.errors import ProviderError
from llmops.location import Location
from llmops.providers.base import Load
from llmops.providers.failures import shorten
from llmops.providers.outcome import completion_of


class PythonTarget:
    """Calls a function with the inputs as keyword arguments.

    An ordinary function runs in a thread of its own, so that one that never returns ends its
    trial and not the run; an `async` one is awaited.
    """

    def __init__(self, reference: Text, root: str, load: Load, *, timeout: float = 60.0) -> None:
        """Load the function.

        Args:
            reference: `package.module:function` or `file.py:function`.
            root: The project's folder.
            load: Loads it.
            timeout: Seconds for one call.

        Raises:
            InvalidInputError: There is no such function.
        """
        self._reference = reference
        self._root = Path(root).resolve()
        self._function = load(reference.text, reference.at)
        self._timeout = timeout

    async def call(self, inputs: Mapping[str, object]) -> Completion:
        """Call the function once.

        Raises:
            ProviderError: It raised (`server`, placed where it did), took too long, does not take
                these inputs (`bad_request`), or returned what is no output (`bad_response`).
        """
        self._check_inputs(inputs)
        started = time.perf_counter()
        clock = asyncio.timeout(self._timeout)
        try:
            async with clock:
                value = await self._run(inputs)
        except Exception as error:
            if clock.expired():
                raise self._slow() from None
            raise self._raised(error) from error
        return completion_of(value, time.perf_counter() - started)

    async def close(self) -> None:
        """Nothing is open."""

    async def _run(self, inputs: Mapping[str, object]) -> object:
        if inspect.iscoroutinefunction(self._function):
            return await self._function(**inputs)
        value = await _in_thread(self._function, inputs)
        return await value if inspect.isawaitable(value) else value

    def _check_inputs(self, inputs: Mapping[str, object]) -> None:
        try:
            signature = inspect.signature(self._function)
        except ValueError:  # a function written in C may have none
            return
        try:
            signature.bind(**inputs)
        except TypeError as error:
            raise ProviderError(
                shorten(f"{self._reference} does not take these inputs: {error}"),
                kind="bad_request",
                at=self._reference.at,
                hint=shorten(f"it takes {signature}"),
            ) from None

    def _slow(self) -> ProviderError:
        return ProviderError(
            f"{self._reference} did not return within {self._timeout:g} s",
            kind="timeout",
            at=self._reference.at,
        )

    def _raised(self, error: Exception) -> ProviderError:
        return ProviderError(
            shorten(f"{self._reference} raised {type(error).__name__}: {error}"),
            kind="server",
            at=self._place(error.__traceback__) or self._reference.at,
        )

    def _place(self, traceback: TracebackType | None) -> Location | None:
        """Where below the project's root the error came from: the innermost such frame."""
        place = None
        while traceback is not None:
            file = Path(traceback.tb_frame.f_code.co_filename).resolve()
            if file.is_relative_to(self._root):
                place = Location(file.relative_to(self._root).as_posix(), traceback.tb_lineno)
            traceback = traceback.tb_next
        return place


async def _in_thread(function: Callable[..., Any], inputs: Mapping[str, object]) -> Any:  # noqa: ANN401 - what the function returns
    """Run a function in a daemon thread: the event loop's own ones are waited for at exit."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: object, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)

    def run() -> None:
        value, error = _outcome(context, function, inputs)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, daemon=True, name="llmops-target").start()
    return await answer


def _outcome(
    context: contextvars.Context, function: Callable[..., Any], inputs: Mapping[str, object]
) -> tuple[object, Exception | None]:
    """What the function returned or raised; what a future cannot carry becomes RuntimeError."""
    try:
        return context.run(function, **inputs), None
    except StopIteration as error:
        return None, RuntimeError(f"StopIteration: {error.value}")
    except Exception as error:
        return None, error
    except BaseException as error:
        return None, RuntimeError(f"{type(error).__name__}: {error}")
