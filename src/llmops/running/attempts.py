"""The one retry layer: attempts at a request until it is answered, refused or out of time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.running.limits import ModelGate

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0

Attempt = Callable[[], Awaitable[Completion]]


class AttemptsError(Exception):
    """All attempts failed.

    Attributes:
        error: Why the last one did.
        attempts: How many there were.
    """

    def __init__(self, error: ProviderError, attempts: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
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
        or when the provider says so; other faults are not.

        Returns:
            The completion, and the number of attempts.

        Raises:
            AttemptsError: There is none.
        """
        made = _Count()
        try:
            async with asyncio.timeout(model.deadline):
                return await self._until_answered(attempt, model, gate, tokens, made), made.number
        except TimeoutError:
            error = ProviderError(
                f"no answer within the deadline of {model.deadline:g} s", kind="timeout"
            )
            raise AttemptsError(error, made.number) from None
        except ProviderError as error:
            gate.failed(error)
            raise AttemptsError(error, made.number) from None

    async def _until_answered(
        self, attempt: Attempt, model: Model, gate: ModelGate, tokens: int, made: "_Count"
    ) -> Completion:
        while True:
            await gate.enter(tokens)
            try:
                self.allow()
                made.number += 1
                async with asyncio.timeout(model.timeout):
                    completion = await attempt()
                gate.succeeded()
                return completion
            except TimeoutError:
                error = ProviderError(f"no answer within {model.timeout:g} s", kind="timeout")
            except ProviderError as caught:
                error = caught
            finally:
                gate.leave()
            if error.kind == "rate_limited":
                gate.throttled(error.retry_after)
            if not error.retryable or made.number > model.retries:
                raise error
            await self.sleep(self._wait(error, made.number))

    def _wait(self, error: ProviderError, attempts: int) -> float:
        if error.retry_after is not None:
            return error.retry_after + self.chance.uniform(0, 0.1)
        return self.chance.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempts))


@dataclass(slots=True)
class _Count:
    """Attempts made, kept outside so that a time-out does not lose them."""

    number: int = 0
