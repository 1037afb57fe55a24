"""A guard on litellm's wire: what may leave, how much may come back, and what really came.

It stands between litellm's HTTP clients and the network, and acts only on attempts that we
started ourselves. Nothing here knows litellm.
"""

import zlib
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
)
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urljoin, urlsplit

from llmops.errors import ProviderError

LARGEST_BODY = 8 * 2**20
"""Bytes of an answer, decoded."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ZLIB_OR_GZIP = 47


class WireRequest(Protocol):
    """The part of an HTTP client's request that the guard looks at."""

    method: str
    url: object
    headers: Any


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


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What goes over the wire in one attempt.

    Attributes:
        secrets: Values that must not leave in a header or URL.
        requests: Requests that were sent.
        status: Of the last answer; None when there was none.
        headers: Of the last answer, names in lower case.
        body: Of the last answer, decoded.
        failure: Why the guard stepped in.
    """

    secrets: tuple[str, ...] = ()
    requests: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: ProviderError | None = None
    broken: dict[str, Exception] = field(default_factory=dict)


ATTEMPT: ContextVar[Attempt | None] = ContextVar("llmops_attempt", default=None)
"""The attempt that the present task makes."""


def guarded(handle: Handle) -> Handle:
    """Put the guard in front of a function that sends one request."""

    async def send(request: WireRequest) -> WireResponse:
        attempt = ATTEMPT.get()
        if attempt is None:
            return cast("WireResponse", await handle(request))
        place = f"{request.method} {request.url}"
        if place in attempt.broken:
            # litellm would send a request again whose connection broke; one attempt is one.
            raise attempt.broken[place]
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


async def read_capped(
    chunks: AsyncIterable[bytes], encoding: str, *, most: int = LARGEST_BODY
) -> bytes:
    """Read a body and decode it, never holding more than the cap.

    Args:
        chunks: The body as it comes.
        encoding: Its `Content-Encoding`; empty for none.
        most: Bytes allowed, before and after decoding.

    Raises:
        ProviderError: It is larger, is no body of that encoding, or nobody asked for the encoding.
    """
    decode = _decoder(encoding.strip().lower(), most)
    whole = bytearray()
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        whole += decode(chunk, most - len(whole))
        if received > most or len(whole) > most:
            raise ProviderError(
                f"the answer is larger than {most / 2**20:g} MiB",
                kind="too_large",
                hint="lower 'max_tokens', or look at what the server sends",
            )
    return bytes(whole)


async def lines_of(
    chunks: AsyncIterable[bytes], encoding: str, *, most: int = LARGEST_BODY
) -> AsyncIterator[bytes | None]:
    """The lines of a body as they come, without their ends; None for one larger than the cap.

    Args:
        chunks: The body as it comes.
        encoding: Its `Content-Encoding`; empty for none.
        most: Bytes allowed in a line.

    Raises:
        ProviderError: It is encoded, for which nobody asked.
    """
    if encoding.strip().lower() not in {"", "identity"}:
        raise _unasked(encoding)
    begun, too_large = bytearray(), False
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            too_large = too_large or len(begun) + len(end) > most
            yield None if too_large else bytes(begun + end)
            begun, too_large = bytearray(), False
        too_large = too_large or len(begun) + len(rest) > most
        begun = bytearray() if too_large else begun + rest
    if begun or too_large:
        yield None if too_large else bytes(begun)


def _unasked(encoding: str) -> ProviderError:
    return ProviderError(
        f"the answer is encoded as '{encoding[:40]}', which nobody asked for", kind="bad_response"
    )


def _decoder(encoding: str, most: int) -> Callable[[bytes, int], bytes]:
    if encoding in {"", "identity"}:
        return lambda chunk, _room: chunk
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise _unasked(encoding)
    unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            return unpacker.decompress(chunk, max(0, min(room, most)) + 1)
        except zlib.error:
            raise ProviderError(
                f"the answer says that it is {encoding}, but it is not", kind="bad_response"
            ) from None

    return unpack


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
