"""A file's bytes in, its text out; a byte that is no UTF-8 is shown where it stands."""

import codecs

from llmops.errors import InvalidInputError
from llmops.location import Location


def decode_text(data: bytes, path: str) -> str:
    """Read UTF-8, with or without a byte order mark.

    Raises:
        InvalidInputError: A byte is not UTF-8.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
        raise InvalidInputError(
            f"byte {data[error.start]:#04x} is not UTF-8",
            at=place_after(before, path),
            code="encoding",
            hint="the file looks like UTF-16; save it as UTF-8" if wide else "save it as UTF-8",
        ) from None


def place_after(before: str, path: str) -> Location:
    """Where the character after a text stands."""
    return Location(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
