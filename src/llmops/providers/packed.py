"""Large recordings packed, the same bytes for the same text; unpacked with an end to it."""

import gzip
import zlib

from llmops.errors import InvalidInputError
from llmops.location import Location

ENDING = ".gz"
PACKED_ABOVE = 8 * 2**20
"""Bytes of text that stand in git as they are; larger ones are packed."""
LARGEST = 2**30
"""Bytes of text that packed recordings may become."""


def pack(data: bytes) -> bytes:
    """Pack bytes, without the time or a name."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def unpack(data: bytes, path: str, *, most: int = LARGEST) -> bytes:
    """Unpack what `pack` made.

    Args:
        data: The file.
        path: Its name, for complaints.
        most: Bytes that may come of it.

    Raises:
        InvalidInputError: It is damaged, cut short, or becomes too large.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise _damaged(path, str(error)) from None
    if len(text) > most:
        raise InvalidInputError(
            f"the recordings unpack to more than {most:,} bytes",
            at=Location(path),
            code="too-large",
            hint="split the suite",
        )
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(path, "it has no end" if not unpacker.eof else "something follows its end")
    return text


def _damaged(path: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the packed recordings are damaged: {why}",
        at=Location(path),
        code="recording-syntax",
        hint="take the file from git again; '.gitattributes' must say 'recordings/**/*.gz binary'",
    )
