"""litellm between a batch and us: what it would send goes in, and it reads what comes back."""

import json
from typing import Any

from msgspec.structs import replace

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.direct.certainty import Call
from llmops.providers.direct.cost import Counted, cost_of
from llmops.providers.guard import StandIn
from llmops.providers.keys import provider_of
from llmops.providers.litellm import LitellmProvider

_OF_ONE_REQUEST = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type",
     "content-length", "transfer-encoding"}
)  # fmt: skip
_HALF = 0.5


class Interpreter:
    """Knows one model's format as litellm knows it, for requests that go in batches."""

    def __init__(self, litellm: LitellmProvider, model: Model) -> None:
        """Bind a model."""
        self._litellm = litellm
        self._model = model

    async def write(self, request: Request) -> Call:
        """The call that litellm would make for a request; its headers log in, here and now.

        Raises:
            ProviderError: It would make none.
        """
        unsent = await self._litellm.rehearse(request, model=self._model)
        headers = {
            name: value
            for name, value in unsent.headers.items()
            if name not in _OF_ONE_REQUEST and not name.startswith("x-stainless-")
        }
        return Call(url=unsent.url, headers=headers, body=unsent.body)

    async def amazon_login(self, request: Request) -> Any:  # noqa: ANN401 - botocore's Credentials
        """The credentials with which litellm would sign a request.

        Raises:
            ProviderError: There are none.
        """
        return await self._litellm.amazon_login(request, model=self._model)

    async def read(self, status: int, body: object, request: Request) -> Completion:
        """Read an answer of a batch as litellm reads one that comes at once.

        Args:
            status: It would have had if it had come by itself.
            body: JSON values.
            request: What was asked.

        Raises:
            ProviderError: It is a refusal, or cannot be understood.
        """
        answered = StandIn(status=status, body=_written(body))
        completion = await self._litellm.understand(answered, request, model=self._model)
        return replace(completion, latency=0.0, cost=self._cost(completion))

    def _cost(self, completion: Completion) -> float | None:
        """US dollars in a batch: by the list's price of batches, else half of the usual."""
        if completion.cost is None or completion.usage is None:
            return None
        name = self._model.name
        counted = Counted(usage=completion.usage, tier="batch")
        known = cost_of(counted, provider_of(name), (name,), self._model.price)
        return completion.cost * _HALF if known is None else known


def _written(body: object) -> bytes:
    try:
        return json.dumps(body).encode()
    except RecursionError:
        raise ProviderError("the answer is nested too deeply", kind="bad_response") from None
