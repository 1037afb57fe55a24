"""Anthropic's batches of messages: requests up in one call, a line an answer down."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, Reply, State, Tag, lost
from llmops.providers.batch.desk import Desk, id_of, unless_sure
from llmops.providers.direct.anthropic import read_answer
from llmops.providers.direct.certainty import Call
from llmops.providers.direct.reading import mapping
from llmops.providers.failures import shorten

_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicBatches:
    """Batches by Anthropic's protocol."""

    def __init__(self, desk: Desk, call: Call) -> None:
        """Take the address and the key from one of the requests."""
        self._desk = desk
        self._base = f"{call.url}/batches"
        self._headers = dict(call.headers)

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Send requests as one batch."""
        del tag
        listed = b",".join(
            b'{"custom_id":' + json.dumps(one.id).encode() + b',"params":' + one.call.body + b"}"
            for one in letters
        )
        try:
            return id_of(await self._desk.ask(self._call("", b'{"requests":[' + listed + b"]}")))
        except ProviderError as error:
            raise unless_sure(error) from None

    async def find(self, tag: Tag) -> str | None:
        """Nothing: these batches carry no marks."""
        del tag
        return None

    async def look(self, batch: str) -> State:
        """Ask how far a batch is."""
        said = await self._desk.ask(self._call(f"/{quote(batch, safe='')}"))
        word = shorten(str(said.get("processing_status")))
        return State(word=word, ended=word == "ended")

    async def fetch(
        self, batch: str, state: State, asked: Mapping[str, Request]
    ) -> AsyncGenerator[Reply]:
        """Read the results."""
        call = self._call(f"/{quote(batch, safe='')}/results")
        async with aclosing(self._desk.lines(call)) as lines:
            async for line in lines:
                request = asked.get(str(line.get("custom_id")))
                if request is not None:
                    yield self._reply(line, request, state)

    async def cancel(self, batch: str) -> None:
        """Ask for the end of a batch."""
        await self._desk.ask(self._call(f"/{quote(batch, safe='')}/cancel", b"{}"))

    def _reply(self, line: Mapping[str, Any], request: Request, state: State) -> Reply:
        identity = str(line["custom_id"])
        result = line.get("result")
        result = result if isinstance(result, Mapping) else {}
        word = str(result.get("type"))
        answer: Completion | ProviderError = lost(word)
        if word == "succeeded":
            try:
                answer = self._desk.understood(_read_half_price, result.get("message"), request)
            except ProviderError as wrong:
                answer = wrong
        elif word == "errored":
            answer = self._errored(result.get("error"))
        del state
        return Reply(id=identity, answer=answer)

    def _errored(self, error: object) -> ProviderError:
        """What one request was refused for; the status it would have had stands in for its own."""
        inner = error.get("error") if isinstance(error, Mapping) else None
        inner = inner if isinstance(inner, Mapping) else error
        kind = str(inner.get("type")) if isinstance(inner, Mapping) else ""
        return self._desk.refused(_STATUSES.get(kind, 500), {"error": inner})

    def _call(self, path: str, body: bytes | None = None) -> Call:
        return Call(
            url=self._base + path,
            headers=self._headers,
            body=body or b"",
            method="GET" if body is None else "POST",
        )


def _read_half_price(answer: Mapping[str, Any], request: Request, model: Model) -> Completion:
    usage = mapping(answer.get("usage"), "usage")
    return read_answer({**answer, "usage": {**usage, "service_tier": "batch"}}, request, model)
