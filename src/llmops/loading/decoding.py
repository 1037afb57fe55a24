"""A file's bytes in, its text out; a byte that is no UTF-8 is shown where it stands."""

import codecs

from llmops.errors import InvalidInputError
from llmops.location import Location


def decode_text(data: bytes, path: str) -> str:
    """Read UTF-8, with or without a byte order mark.

    Raises:
        InvalidInputError: A byte is not UTF-8.
    """
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise not_utf8(data, path) from None


def not_utf8(data: bytes, path: str) -> InvalidInputError:
    """The complaint about the first byte that is not UTF-8; there must be one."""
    text = data.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
    position = next(number for number, letter in enumerate(text) if "\udc80" <= letter <= "\udcff")
    wide = data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    return InvalidInputError(
        f"byte {ord(text[position]) - 0xDC00:#04x} is not UTF-8",
        at=place_after(text[:position], path),
        code="encoding",
        hint="the file looks like UTF-16; save it as UTF-8" if wide else "save it as UTF-8",
    )


def place_after(before: str, path: str) -> Location:
    """Where the character after a text stands."""
    return Location(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
