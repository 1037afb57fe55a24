"""The one retry layer: attempts at a request until it is answered, refused or out of time."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.running.asking.limits import ModelGate

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_UNREACHED_WAIT = 1.5
"""Between attempts at a host that cannot be reached: who mistyped it is told within 5 s."""
_DOUBLINGS = 10
"""After so many the longest wait is reached anyway, and no number grows beyond a float."""

Attempt = Callable[[], Awaitable[Completion]]
Waited = TypeVar("Waited")


class AttemptsError(Exception):
    """All attempts failed.

    Attributes:
        error: Why the last one did.
        attempts: How many there were; 0 when nothing was asked.
    """

    def __init__(self, error: ProviderError, attempts: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts


class Patience(Struct, frozen=True, kw_only=True):
    """How a request is tried again.

    Attributes:
        allow: Asked before every attempt; raises when nothing more may be started.
        sleep: Waits so many seconds.
        chance: For the jitter.
    """

    allow: Callable[[], None]
    sleep: Callable[[float], Awaitable[None]]
    chance: random.Random

    async def ask(
        self, attempt: Attempt, model: Model, gate: ModelGate, tokens: int
    ) -> tuple[Completion, int]:
        """Attempt until there is a completion.

        5xx, network faults, time-outs, malformed answers and 429 are repeated with full jitter,
        or when the provider says so; other faults are not, nor a host at which nobody ever
        listened. Nobody waits for a moment that lies behind the deadline, which does not run
        while others have the places.

        Returns:
            The completion, and the number of attempts.

        Raises:
            AttemptsError: There is none.
        """
        made = _Made(left=model.deadline)
        try:
            while True:
                answer = await self._once(attempt, model, gate, tokens, made)
                if isinstance(answer, Completion):
                    return answer, made.number
                wait = self._wait(answer, made.number)
                if gate.hopeless(answer) or not _again(answer, made, model, wait):
                    raise answer
                await made.spend(gate.rest(self.sleep(wait)))
        except _DeadlineError:
            raise AttemptsError(_too_late(model, made), made.number) from None
        except ProviderError as error:
            gate.failed(error)
            raise AttemptsError(error, made.number) from None

    async def _once(
        self, attempt: Attempt, model: Model, gate: ModelGate, tokens: int, made: "_Made"
    ) -> Completion | ProviderError:
        """One attempt; its failure is handed back, for it need not be the last word."""
        await gate.enter(tokens)
        try:
            if gate.held >= made.left:
                raise AttemptsError(gate.too_late(), made.number)
            if gate.held:
                await made.spend(gate.hold())
            self.allow()
            made.number += 1
            completion = await made.spend(attempt(), model.timeout)
        except TimeoutError:
            made.last = ProviderError(f"no answer within {model.timeout:g} s", kind="timeout")
        except ProviderError as error:
            made.last = error
        else:
            gate.succeeded()
            return completion
        finally:
            gate.leave()
        gate.missed(made.last)
        return made.last

    def _wait(self, error: ProviderError, attempts: int) -> float:
        if error.retry_after is not None:
            return error.retry_after + self.chance.uniform(0, 0.1)
        most = _UNREACHED_WAIT if error.kind == "network" else _LONGEST_WAIT
        doubled = _FIRST_WAIT * 2 ** min(attempts - 1, _DOUBLINGS)
        return self.chance.uniform(0, min(most, doubled))


class _DeadlineError(Exception):
    """The deadline of a request is over."""


class _Made(Struct):
    """Attempts made and why the last one failed, kept outside so that a time-out spares them.

    Attributes:
        left: Seconds until the deadline, which come to an end only while they are spent.
    """

    left: float
    number: int = 0
    last: ProviderError | None = None

    async def spend(self, wait: Awaitable[Waited], most: float = math.inf) -> Waited:
        """Wait for something while the deadline runs; one clock serves it and the time-out.

        Args:
            wait: What to wait for.
            most: Seconds.

        Raises:
            TimeoutError: It took longer than the most.
            _DeadlineError: It took until the deadline.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        clock = asyncio.timeout(min(self.left, most))
        try:
            async with clock:
                return await wait
        except TimeoutError:
            if clock.expired() and self.left <= most:
                raise _DeadlineError from None
            raise
        finally:
            self.left -= loop.time() - began


def _again(error: ProviderError, made: _Made, model: Model, wait: float) -> bool:
    return error.retryable and made.number <= model.retries and wait < made.left


def _too_late(model: Model, made: _Made) -> ProviderError:
    words = f"no answer within the deadline of {model.deadline:g} s"
    if made.last is not None:
        words += f"; before that: {made.last.message}"
    return ProviderError(words, kind="timeout")
