"""HTML cut into tags and text in one pass, whatever a model wrote.

The standard library's `html.parser` takes time that grows with the square of some malformed
texts: minutes for 200 KB of `<a x="`. This one looks at each character once.
"""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

_NAME = r"[a-zA-Z][^\s/>]*+"
_TAG = re.compile(rf"<(/?)({_NAME})((?:[^>\"']|\"[^\"]*\"|'[^']*')*+)>")
_RAW_ENDS = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title")
}


class MalformedError(Exception):
    """The text stops in the middle of something; the message says of what."""


class Piece(Struct, frozen=True):
    """A tag or a stretch of text.

    Attributes:
        kind: `open`, `close`, `alone` (`<br/>`) or `text`.
        name: The element in lower case, or the text.
        start: Where it begins, counted from 0.
    """

    kind: Literal["open", "close", "alone", "text"]
    name: str
    start: int


def cut(text: str) -> Iterator[Piece]:
    """Cut HTML into tags and texts. Comments, declarations and a lone `<` are passed over.

    Raises:
        MalformedError: A comment, a tag or a script is not closed.
    """
    place = 0
    while place < len(text):
        start = text.find("<", place)
        start = len(text) if start < 0 else start
        if text[place:start].strip():
            yield Piece("text", text[place:start], place)
        place = start
        if text.startswith(("<!", "<?"), start):
            place = _after_declaration(text, start)
        elif _starts_tag(text, start):
            piece, place = _tag(text, start)
            yield piece
            if piece.kind == "open" and piece.name in _RAW_ENDS:
                place = _raw_end(text, piece, place)
        else:
            place += 1


def _after_declaration(text: str, start: int) -> int:
    comment = text.startswith("<!--", start)
    end = text.find("-->" if comment else ">", start + 4 if comment else start)
    if end < 0:
        what = "a comment" if comment else "a declaration"
        raise MalformedError(f"{what} at character {start + 1:,} is not closed")
    return end + (3 if comment else 1)


def _starts_tag(text: str, start: int) -> bool:
    first = text[start + 1 : start + 3].removeprefix("/")[:1]
    return first.isascii() and first.isalpha()


def _tag(text: str, start: int) -> tuple[Piece, int]:
    found = _TAG.match(text, start)
    if found is None:
        raise MalformedError(f"the tag at character {start + 1:,} is not closed")
    name = found[2].lower()
    if found[1]:
        return Piece("close", name, start), found.end()
    alone = found[3].rstrip().endswith("/") or found[0].endswith("/>")
    return Piece("alone" if alone else "open", name, start), found.end()


def _raw_end(text: str, piece: Piece, place: int) -> int:
    found = _RAW_ENDS[piece.name].search(text, place)
    if found is None:
        message = f"the element '{piece.name}' at character {piece.start + 1:,} is not closed"
        raise MalformedError(message)
    return found.start()
