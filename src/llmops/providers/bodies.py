"""Bodies of answers as they come: decoded, whole or line by line, never more than a cap."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable

from llmops.errors import ProviderError

LARGEST_BODY = 8 * 2**20
"""Bytes of an answer, decoded."""

_ZLIB_OR_GZIP = 47


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
