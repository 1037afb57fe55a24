"""What is no YAML: the parser's words and a place in, our words and a way out back."""

import re
from collections.abc import Mapping

from llmops.errors import InvalidInputError
from llmops.loading.decoding import place_after
from llmops.location import Location

_UNPRINTABLE = "[^\t\n\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
_WAYS_OUT: Mapping[str, str] = {
    "mapping values are not allowed": "put quotes around a text that holds ': '",
    "cannot start any token": "put quotes around a text that begins with @, ` or %",
    "found a tab": "indent with spaces, not tabs",
    "unexpected ':'": "put a space after the colon, or quotes around the text",
    "escape": "write a backslash twice, or use single quotes",
    "quoted scalar": "close the quotes",
    "flow": "close the bracket, and put a comma between entries",
    "simple key": "write 'key: value', with a space after the colon",
    "block": "line the keys of one mapping up below each other",
    "alias": "put quotes around a text that begins with *",
    "anchor": "put quotes around a text that begins with &",
    "tag": "put quotes around a text that begins with !",
    "directive": "put quotes around a text that begins with %",
}


def broken_syntax(words: str, text: str, at: Location) -> InvalidInputError:
    """The parser cannot go on.

    Args:
        words: What it says.
        text: The whole file.
        at: Where it stopped.
    """
    line = text.split("\n")[at.line - 1 : at.line]
    if line and line[0][at.column - 1 : at.column] == "\t":
        words = "while scanning for the next token, found a tab"
    ways = (way for part, way in _WAYS_OUT.items() if part in words)
    hint = next(ways, "look at the indentation and quotes of this line and the one above")
    return InvalidInputError(f"this is not YAML: {words}", at=at, code="yaml-syntax", hint=hint)


def unreadable(text: str, path: str) -> InvalidInputError:
    """The text holds a character that YAML does not allow."""
    found = re.search(_UNPRINTABLE, text)
    position = found.start() if found else 0
    what = f"character U+{ord(text[position]):04X}" if found else "a character"
    return InvalidInputError(
        f"{what} is not allowed in YAML",
        at=place_after(text[:position], path),
        code="yaml-syntax",
        hint='write it as an escape inside double quotes, such as "\\x1b"',
    )
