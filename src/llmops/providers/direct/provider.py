"""The direct lane's provider: asks by itself where it is certain, else through litellm."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.domain.json_bytes import value_of
from llmops.errors import ProviderError
from llmops.providers.base import Provider
from llmops.providers.calls import key_for
from llmops.providers.direct import anthropic, openai
from llmops.providers.direct.certainty import Call, UncertainError
from llmops.providers.direct.reading import mapping
from llmops.providers.direct.wire import Wire
from llmops.providers.guard import Attempt
from llmops.providers.keys import provider_of, secrets_of
from llmops.providers.refusals import failure_of, out_of_time, without_secrets_in


class _Format(Struct, frozen=True, kw_only=True):
    make: Callable[[Request, Model, str, Mapping[str, str]], Call]
    read: Callable[[Mapping[str, Any], Request, Model, float], Completion]


_FORMATS: Mapping[str, _Format] = {
    "openai": _Format(make=openai.make_call, read=openai.read_answer),
    "anthropic": _Format(make=anthropic.make_call, read=anthropic.read_answer),
}


class DirectProvider:
    """Asks models over HTTP in their own format, with nothing between.

    A request that litellm might translate in a way that is not known here goes through litellm,
    so that an answer never depends on the lane. One provider belongs to one event loop.
    """

    def __init__(self, environment: Mapping[str, str], reference: Callable[[], Provider]) -> None:
        """Remember where keys are looked for.

        Args:
            environment: Environment variables.
            reference: Opens the provider that carries what is not certain.
        """
        self._environment = environment
        self._secrets = secrets_of(environment)
        self._wire = Wire(environment)
        self._open_reference = reference
        self._reference: Provider | None = None

    async def open(self) -> None:
        """Import what speaks HTTP."""
        import aiohttp  # noqa: F401 - so that the first attempt's time does not hold it

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Make one attempt, for as long as the model's time-out allows.

        Raises:
            ProviderError: There is no completion, with the kind of failure.
        """
        key = key_for(model, request.model, self._environment)
        form = _FORMATS.get(provider_of(request.model))
        call = self._call(form, request, model, key)
        if form is None or key is None or call is None:
            return await self._referred().complete(request, model=model, sample=sample)
        attempt = Attempt(secrets=tuple(s for s in self._secrets if s != key and model.api_base))
        try:
            latency = await self._ask(call, attempt, model)
            return _understood(form, attempt, request, model, latency)
        except ProviderError as error:
            raise without_secrets_in(error, (*self._secrets, key)) from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close()
        if self._reference is not None:
            await self._reference.close()

    def _call(
        self, form: _Format | None, request: Request, model: Model, key: str | None
    ) -> Call | None:
        """The HTTP request; None where litellm knows better how to ask."""
        if form is None or key is None or model.options or "/" not in request.model:
            return None
        try:
            call = form.make(request, model, key, self._environment)
            self._wire.check(call.url)
        except UncertainError:
            return None
        return call

    def _referred(self) -> Provider:
        if self._reference is None:
            self._reference = self._open_reference()
        return self._reference

    async def _ask(self, call: Call, attempt: Attempt, model: Model) -> float:
        started = time.perf_counter()
        clock = asyncio.timeout(model.timeout)
        try:
            async with clock:
                await self._wire.post(call, attempt)
        except ProviderError:
            raise
        except Exception as error:
            if clock.expired():
                raise out_of_time(model) from None
            raise failure_of(error, attempt, model) from None
        return time.perf_counter() - started


def _understood(
    form: _Format, attempt: Attempt, request: Request, model: Model, latency: float
) -> Completion:
    if attempt.status is None or not 200 <= attempt.status < 300:
        raise failure_of(ValueError("refused"), attempt, model)
    try:
        answer = mapping(value_of(attempt.body), "it")
        return form.read(answer, request, model, latency)
    except (ValueError, RecursionError) as error:
        raise failure_of(error, attempt, model) from None
