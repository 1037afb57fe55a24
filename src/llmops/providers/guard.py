"""A guard on litellm's wire: what may leave, how much may come back, and what really came.

It stands between litellm's HTTP clients and the network, and acts only on attempts that we
started ourselves. Nothing here knows litellm.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
)
from contextvars import ContextVar
from typing import Any, Protocol, cast
from urllib.parse import urljoin, urlsplit

from msgspec import Struct, field

from llmops.errors import ProviderError
from llmops.providers.bodies import read_capped

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class WireRequest(Protocol):
    """The part of an HTTP client's request that the guard looks at."""

    method: str
    url: object
    headers: Any

    async def aread(self) -> bytes:
        """The body."""
        ...


class WireStream(Protocol):
    """A body on its way."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...


class WireResponse(Protocol):
    """The part of an HTTP client's response that the guard looks at."""

    status_code: int
    headers: MutableMapping[str, str]
    stream: WireStream


Handle = Callable[[Any], Awaitable[Any]]
"""Sends one HTTP request and returns its response."""


class StandIn(Struct, frozen=True, kw_only=True):
    """An answer that is given in place of the network's.

    Attributes:
        body: Not encoded.
    """

    status: int
    body: bytes = b"{}"


NOBODY = StandIn(status=0)
"""Answers nothing: what asks is left by `HeldBack`."""


class HeldBack(BaseException):
    """A request was held back, and nobody shall wait for an answer."""


class Unsent(Struct, frozen=True, kw_only=True):
    """A request that was about to leave.

    Attributes:
        headers: Names in lower case.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes


class Attempt(Struct, kw_only=True):
    """What goes over the wire in one attempt.

    Attributes:
        secrets: Values that must not leave in a header or URL.
        requests: Requests that were sent.
        status: Of the last answer; None when there was none.
        headers: Of the last answer, names in lower case.
        body: Of the last answer, decoded.
        failure: Why the guard stepped in.
        stand_in: What answers in place of the network; nothing leaves then.
        unsent: The last request that would have left.
    """

    secrets: tuple[str, ...] = ()
    requests: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: ProviderError | None = None
    broken: dict[str, Exception] = field(default_factory=dict)
    stand_in: StandIn | None = None
    unsent: Unsent | None = None


ATTEMPT: ContextVar[Attempt | None] = ContextVar("llmops_attempt", default=None)
"""The attempt that the present task makes."""


def guarded(handle: Handle, answer: Callable[[StandIn, Any], Any]) -> Handle:
    """Put the guard in front of a function that sends one request.

    Args:
        handle: Sends it.
        answer: Makes an HTTP client's response to a request of a stand-in.
    """

    async def send(request: WireRequest) -> WireResponse:
        attempt = ATTEMPT.get()
        if attempt is None:
            return cast("WireResponse", await handle(request))
        place = f"{request.method} {request.url}"
        if place in attempt.broken:
            # litellm would send a request again whose connection broke; one attempt is one.
            raise attempt.broken[place]
        if attempt.stand_in is not None:
            return await _stood_in(request, attempt, attempt.stand_in, answer)
        check_secrets(str(request.url), map(str, request.headers.values()), attempt)
        request.headers["accept-encoding"] = "identity"
        attempt.requests += 1
        attempt.status = None
        try:
            response = await handle(request)
            return await _received(request, response, attempt)
        except ProviderError as failure:
            attempt.failure = failure
            raise
        except Exception as error:
            attempt.broken[place] = error
            raise

    return send


async def _stood_in(
    request: WireRequest,
    attempt: Attempt,
    stand_in: StandIn,
    answer: Callable[[StandIn, Any], Any],
) -> WireResponse:
    attempt.unsent = Unsent(
        url=str(request.url),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.aread(),
    )
    if stand_in is NOBODY:
        raise HeldBack
    attempt.requests += 1
    attempt.status, attempt.body = stand_in.status, stand_in.body
    return cast("WireResponse", answer(stand_in, request))


async def _received(request: WireRequest, response: WireResponse, attempt: Attempt) -> WireResponse:
    headers = {name.lower(): value for name, value in response.headers.items()}
    attempt.headers = headers
    stream = response.stream
    try:
        check_redirect(str(request.url), response.status_code, headers)
        attempt.body = await read_capped(stream, headers.get("content-encoding", ""))
    finally:
        await stream.aclose()
    attempt.status = response.status_code
    response.headers.pop("content-encoding", None)
    remade = cast("Any", type(response))
    response.stream = remade(200, content=attempt.body).stream
    return response


def check_secrets(url: str, headers: Iterable[str], attempt: Attempt) -> None:
    """Refuse to send a key that is bound to another host, whoever put it there.

    Args:
        url: Where the request goes.
        headers: Their values.
        attempt: Which keys must not leave.

    Raises:
        ProviderError: One would (`auth`).
    """
    written = [url, *headers]
    if any(secret in text for secret in attempt.secrets for text in written):
        attempt.failure = ProviderError(
            "not sent: the request carries a key that is not bound to this host",
            kind="auth",
            hint="name the key that may go there: 'key: NAME' beside 'api_base' in llmops.yaml",
        )
        raise attempt.failure


def check_redirect(url: str, status: int, headers: Mapping[str, str]) -> None:
    """Refuse a redirect that leads elsewhere.

    Args:
        url: Where the request went.
        status: Of the answer.
        headers: Of the answer, names in lower case.

    Raises:
        ProviderError: It leads to another host (`bad_request`).
    """
    location = headers.get("location")
    if status not in _REDIRECTS or location is None:
        return
    there = urljoin(url, location)
    if _origin(url) == _origin(there):
        return
    raise ProviderError(
        f"the server redirects to another host: {urlsplit(there).hostname}"[:300],
        kind="bad_request",
        status=status,
        hint="set api_base to the address it redirects to, if that is where keys may go",
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)
