"""One model's batch endpoint: a call out, JSON in; every fault is a provider's error."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.batch.base import UnsureError
from llmops.providers.direct.certainty import Call
from llmops.providers.direct.reading import mapping
from llmops.providers.direct.wire import Wire
from llmops.providers.failures import Answer, failure_of_answer, shorten
from llmops.providers.guard import Attempt
from llmops.providers.refusals import failure_of, out_of_time, without_secrets_in

_MOST_LINES = 10_000
_MOST_HIDDEN = 1_000
_ID = re.compile(r"[!-~]{1,200}")

Read = Callable[[Mapping[str, Any], Request, Model], Completion]


class Desk:
    """Asks the endpoint; each answer, and each line of a long one, in the model's time-out.

    Attributes:
        model: Whose endpoint it is.
        key_here: The key that is bound to the host which the project names; None without one.
    """

    def __init__(self, wire: Wire, model: Model, key: str, secrets: tuple[str, ...]) -> None:
        """Bind a model and its key.

        Args:
            wire: What carries the calls.
            model: Whose host, time-out and price.
            key: Which may go there.
            secrets: Which must not, and are shown nowhere.
        """
        self.model = model
        self._wire = wire
        self._hidden = (*secrets, key)
        self._kept_here = tuple(s for s in secrets if s != key and model.api_base)
        self.key_here = key if model.api_base is not None and model.key is not None else None

    def hide(self, secret: str) -> None:
        """Show a secret nowhere that came up just now."""
        if secret and secret not in self._hidden:
            self._hidden = (*self._hidden[-_MOST_HIDDEN:], secret)

    async def ask(self, call: Call) -> Mapping[str, Any]:
        """Send a call and read its answer.

        Raises:
            ProviderError: It was refused, or there is none that can be read.
        """
        attempt = await self._carried_out(call)
        try:
            return mapping(json.loads(attempt.body.decode()), "it")
        except Exception as error:
            raise self._said(error, attempt) from None

    async def tell(self, call: Call) -> None:
        """Send a call whose answer says nothing.

        Raises:
            ProviderError: It was refused.
        """
        await self._carried_out(call)

    async def _carried_out(self, call: Call) -> Attempt:
        attempt = Attempt(secrets=self._kept_here)
        try:
            async with asyncio.timeout(self.model.timeout):
                await self._wire.post(call, attempt)
            self._check(attempt)
        except Exception as error:
            raise self._said(error, attempt) from None
        return attempt

    async def lines(self, call: Call) -> AsyncGenerator[Mapping[str, Any]]:
        """Send a call and read its answer, which is a JSON object a line.

        What is no such line, or larger than an answer may be, is passed over; so is what comes
        after more lines than any batch has.

        Raises:
            ProviderError: It was refused, or broke off.
        """
        attempt = Attempt(secrets=self._kept_here)
        try:
            async with aclosing(self._wire.lines(call, attempt)) as lines:
                for _ in range(_MOST_LINES):
                    line = await self._next(lines)
                    if line is _END:
                        break
                    if (found := _object(line)) is not None:
                        yield found
            self._check(attempt)
        except Exception as error:
            raise self._said(error, attempt) from None

    def understood(self, read: Read, answer: object, request: Request) -> Completion:
        """Read an answer that came in a batch.

        Raises:
            ProviderError: It cannot be understood.
        """
        attempt = Attempt(requests=1, status=200)
        try:
            return read(mapping(answer, "it"), request, self.model)
        except Exception as error:
            raise self._said(error, attempt) from None

    def refused(self, status: int, body: object) -> ProviderError:
        """Say what a refusal of one request means."""
        try:
            written = json.dumps(body)
        except RecursionError:
            written = ""
        answer = Answer(status=status, headers={}, body=written)
        return without_secrets_in(failure_of_answer(answer), self._hidden)

    def wrong(self, words: str, code: str = "") -> ProviderError:
        """An error that a batch names by words and a code."""
        kind = self.refused(400, {"error": {"message": words, "code": code}}).kind
        if "limit" in code and kind == "bad_request":
            kind = "rate_limited"
        said = shorten(f"the batch was refused: {words or code or 'nobody said why'}")
        return without_secrets_in(ProviderError(said, kind=kind), self._hidden)

    async def _next(self, lines: AsyncGenerator[bytes | None]) -> object:
        async with asyncio.timeout(self.model.timeout):
            return await anext(lines, _END)

    def _check(self, attempt: Attempt) -> None:
        if attempt.status is None or not 200 <= attempt.status < 300:
            raise ValueError("refused")

    def _said(self, error: Exception, attempt: Attempt) -> ProviderError:
        if isinstance(error, TimeoutError):
            error = out_of_time(self.model)
        elif not isinstance(error, ProviderError):
            error = failure_of(error, attempt, self.model)
        return without_secrets_in(error, self._hidden)


def id_of(made: Mapping[str, Any]) -> str:
    """The id of what a server made.

    Raises:
        ProviderError: It has none (`bad_response`).
    """
    found = made.get("id")
    if isinstance(found, str) and _ID.fullmatch(found):
        return found
    raise ProviderError("what the server made has no id that can be used", kind="bad_response")


def unless_sure(error: ProviderError) -> ProviderError | UnsureError:
    """The error of a request to make a batch, if it is sure that none was made."""
    unsure = error.retryable and error.kind != "rate_limited"
    return UnsureError(error) if unsure else error


_END = object()


def _object(line: object) -> Mapping[str, Any] | None:
    if not isinstance(line, bytes):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
