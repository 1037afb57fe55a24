"""TOML read as nodes; places are found again in the text, for the parser keeps none."""

import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from llmops.domain.node import Node, PlacedList, PlacedMapping, pack_mark
from llmops.errors import InvalidInputError
from llmops.loading.decoding import decode_text
from llmops.location import Location

_KeyPath = tuple[str, ...]
_PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=\s*")
_INLINE_KEY = re.compile(rf"[{{,]\s*({_PART})\s*=\s*")
_ERROR_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")


def parse_toml(data: bytes, path: str, table: _KeyPath) -> Node | None:
    """Read one table of a TOML file.

    Args:
        data: The file's bytes, UTF-8.
        path: The file's name, for complaints.
        table: The table's keys from the top.

    Returns:
        The table; None if the file has none. Dates and times are text. The place of a key
        inside nested inline tables may be that of the key around it.

    Raises:
        InvalidInputError: The file is no TOML.
    """
    text = decode_text(data, path)
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(text, path, str(error)) from None
    except RecursionError:
        message = "the file is nested too deeply"
        hint = "write tables in place of nested brackets"
        raise InvalidInputError(message, at=Location(path), code="toml-syntax", hint=hint) from None
    for key in table:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None:
        return None
    places = _places(text)
    mark = _mark_of(places, table, pack_mark(1, 1))
    return Node(_placed(value, table, mark, places), path, mark)


def _malformed(text: str, path: str, words: str) -> InvalidInputError:
    found = _ERROR_PLACE.search(words)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    column = int(found[2]) if found and found[2] else 1
    return InvalidInputError(
        f"this is not TOML: {_ERROR_PLACE.sub('', words)}",
        at=Location(path, line, column),
        code="toml-syntax",
        hint="look at the quotes and brackets of this line and the one above",
    )


def _places(text: str) -> dict[_KeyPath, tuple[int, int]]:
    """The packed places of each key and its value, found line by line."""
    found: dict[_KeyPath, tuple[int, int]] = {}
    table: _KeyPath = ()
    quotes: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if quotes is None:
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                table = _parts(header[1])
                mark = pack_mark(number, header.start(1) + 1)
                found.setdefault(table, (mark, mark))
            elif key:
                _add_key(found, table, key, number)
        quotes = _open_quotes(line, quotes)
    return found


def _add_key(
    found: dict[_KeyPath, tuple[int, int]], table: _KeyPath, key: re.Match[str], number: int
) -> None:
    path = table + _parts(key[1])
    marks = pack_mark(number, key.start(1) + 1), pack_mark(number, key.end() + 1)
    found.setdefault(path, marks)
    for inner in _INLINE_KEY.finditer(key.string, key.end()):
        marks = pack_mark(number, inner.start(1) + 1), pack_mark(number, inner.end() + 1)
        found.setdefault(path + _parts(inner[1]), marks)


def _open_quotes(line: str, quotes: str | None) -> str | None:
    """The triple quotes that are still open at a line's end."""
    for found in re.finditer(r'"""|\'\'\'', line):
        if quotes is None:
            quotes = found[0]
        elif quotes == found[0]:
            quotes = None
    return quotes


def _parts(dotted: str) -> _KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _mark_of(
    places: Mapping[_KeyPath, tuple[int, int]], path: _KeyPath, default: int, *, key: bool = False
) -> int:
    marks = places.get(path)
    return marks[0 if key else 1] if marks else default


def _placed(
    value: Any,  # noqa: ANN401 - any TOML value
    path: _KeyPath,
    mark: int,
    places: Mapping[_KeyPath, tuple[int, int]],
) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        mapping = PlacedMapping()
        for key, inner in value.items():
            below = (*path, key)
            own = _mark_of(places, below, mark)
            mapping[key] = _placed(inner, below, own, places)
            mapping.marks += [_mark_of(places, below, mark, key=True), own]
        return mapping
    if isinstance(value, list):
        listed = PlacedList()
        listed += [_placed(inner, path, mark, places) for inner in value]
        listed.marks += [mark] * len(value)
        return listed
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)
