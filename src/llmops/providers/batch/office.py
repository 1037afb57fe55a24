"""Where batches are opened: which requests one can carry, and what each may cost at most."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.providers.batch.anthropic import AnthropicBatches
from llmops.providers.batch.azure import AzureBatches
from llmops.providers.batch.base import Batches, Letter
from llmops.providers.batch.bedrock import BedrockBatches
from llmops.providers.batch.carried import has_batches, is_interpreted
from llmops.providers.batch.desk import Desk
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.batch.mistral import MistralBatches
from llmops.providers.batch.openai import OpenaiBatches
from llmops.providers.batch.vertex import VertexBatches
from llmops.providers.calls import key_for
from llmops.providers.direct import anthropic, openai
from llmops.providers.direct.certainty import Call, UncertainError
from llmops.providers.direct.wire import Wire
from llmops.providers.keys import provider_of, secrets_of
from llmops.providers.litellm import LitellmProvider
from llmops.providers.price_list import listed_entry, listed_output_limit

_UNCAPPED = 32_768
"""Tokens that an answer may have where nothing caps it and the list does not know the model."""
_MILLION = 1_000_000


class _Format(Struct, frozen=True, kw_only=True):
    make: Callable[[Request, Model, str, Mapping[str, str]], Call]
    batches: Callable[[Desk, Call], Batches]


Interpreted = Callable[[Desk, Letter, Interpreter], Batches]
"""Opens the batches to which a letter belongs that litellm wrote; `UncertainError` if it cannot."""

_INTERPRETED: Mapping[str, Interpreted] = {
    "azure": AzureBatches,
    "bedrock": BedrockBatches,
    "mistral": MistralBatches,
    "vertex_ai": VertexBatches,
}

_FORMATS: Mapping[str, _Format] = {
    "openai": _Format(make=openai.make_call, batches=OpenaiBatches),
    "anthropic": _Format(make=anthropic.make_call, batches=AnthropicBatches),
}


class Office:
    """The batches of all models of a run. One office belongs to one event loop."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Remember where keys are looked for."""
        self._environment = environment
        self._secrets = secrets_of(environment)
        self._wire = Wire(environment)
        self._open: dict[tuple[str, str], Batches] = {}
        self._litellm: LitellmProvider | None = None

    async def interpreted(self, request: Request, model: Model, identity: str) -> Letter | None:
        """A request as a part of a batch, as litellm writes it; None if it must be asked by itself.

        Raises:
            ProviderError: litellm would not send it, or there is no key that may go where it goes.
        """
        if not is_interpreted(model):
            return None
        if self._litellm is None:
            self._litellm = LitellmProvider(self._environment)
        interpreter = Interpreter(self._litellm, model)
        call = await interpreter.write(request)
        letter = Letter(id=identity, call=call, request=request, most=_most(call, request, model))
        try:
            self._wire.check(call.url)
            if (model.label, call.url) not in self._open:
                key = key_for(model, request.model, self._environment) or ""
                desk = Desk(self._wire, model, key, self._secrets)
                made = _INTERPRETED[provider_of(model.name)](desk, letter, interpreter)
                self._open[model.label, call.url] = made
        except UncertainError:
            return None
        return letter

    def letter(self, request: Request, model: Model, identity: str) -> Letter | None:
        """A request as a part of a batch; None when it must be asked by itself.

        Raises:
            ProviderError: There is no key that may go where it goes.
        """
        if not has_batches(model) or is_interpreted(model):
            return None
        key = key_for(model, request.model, self._environment)
        if key is None:
            return None
        form = _FORMATS[provider_of(model.name)]
        try:
            call = form.make(request, model, key, self._environment)
            self._wire.check(call.url)
        except UncertainError:
            return None
        opened = (model.label, call.url)
        if opened not in self._open:
            desk = Desk(self._wire, model, key, self._secrets)
            self._open[opened] = form.batches(desk, call)
        return Letter(id=identity, call=call, request=request, most=_most(call, request, model))

    def batches(self, letter: Letter, model: Model) -> Batches:
        """The batches to which a letter of this office belongs."""
        return self._open[model.label, letter.call.url]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close()
        if self._litellm is not None:
            await self._litellm.close()


def _most(call: Call, request: Request, model: Model) -> float | None:
    """US dollars that an answer costs at most: no token is shorter than a byte."""
    read, written = _rates(model)
    if read is None or written is None:
        return None
    asked = [request.parameters.get(name) for name in ("max_tokens", "max_completion_tokens")]
    caps = [cap for cap in (*asked, listed_output_limit(model)) if isinstance(cap, int)]
    return len(call.body) * read + (min(caps) if caps else _UNCAPPED) * written


def _rates(model: Model) -> tuple[float | None, float | None]:
    """US dollars a token read and written in a batch."""
    price = model.price
    if price is not None:
        read = max(price.input, price.cache_write or 0)
        written = max(price.output, price.reasoning or 0)
        return read * price.batch / _MILLION, written * price.batch / _MILLION
    entry = listed_entry(model.name)
    return _rate(entry, "input_cost_per_token"), _rate(entry, "output_cost_per_token")


def _rate(entry: Mapping[str, object], key: str) -> float | None:
    own, usual = entry.get(f"{key}_batches"), entry.get(key)
    if isinstance(own, int | float):
        return float(own)
    return usual / 2 if isinstance(usual, int | float) else None
