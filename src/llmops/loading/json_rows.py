"""JSON and JSON lines in, one object after the other out, each with its line."""

import codecs
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from llmops.errors import Fault, InvalidInputError
from llmops.loading.complaints import all_of
from llmops.loading.decoding import decode_text, not_utf8, place_after
from llmops.location import Location

Rows = Iterator[tuple[int, Mapping[str, object]]]
_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MOST_FAULTS = 20


def json_list(data: bytes, path: str) -> Rows:
    """Read a JSON list of objects element by element.

    Raises:
        InvalidInputError: It is no JSON, or no list of objects.
    """
    text = decode_text(data, path)
    position = _blank_end(text, 0)
    if not text[position:]:
        return
    if text[position] != "[":
        at = place_after(text[:position], path)
        raise all_of([_fault(at, "expected a list of objects", "put the rows between [ and ]")])
    line, counted = 1, 0
    position = _blank_end(text, position + 1)
    ended = text[position : position + 1] == "]"
    while not ended:
        line += text.count("\n", counted, position)
        counted = position
        column = position - text.rfind("\n", 0, position)
        row, position = _read(text, position, Location(path, line, column))
        yield line, row
        position = _blank_end(text, position)
        ended = text[position : position + 1] == "]"
        if text[position : position + 1] == ",":
            position = _blank_end(text, position + 1)
        elif not ended:
            at = place_after(text[:position], path)
            raise all_of([_fault(at, "this is not JSON: expected ',' or ']'", _LOOK)])
    rest = _blank_end(text, position + 1)
    if rest < len(text):
        at = place_after(text[:rest], path)
        raise all_of([_fault(at, "this is not JSON: something follows the list", _LOOK)])


def json_lines(file: BinaryIO, path: str) -> Rows:
    """Read one JSON object a line; empty lines are skipped.

    Raises:
        InvalidInputError: All lines (20 at most) that hold no JSON object.
    """
    faults: list[Fault] = []
    for number, line in enumerate(_lines(file, path), 1):
        if not line.strip():
            continue
        start = _blank_end(line, 0)
        try:
            row, end = _read(line, start, Location(path, number, start + 1))
            if _blank_end(line, end) < len(line):
                at = Location(path, number, end + 1)
                raise all_of([_fault(at, "this is not JSON: something follows the row", _LOOK)])
        except InvalidInputError as error:
            faults += error.faults
            if len(faults) >= _MOST_FAULTS:
                break
            continue
        if not faults:
            yield number, row
    if faults:
        raise all_of(faults)


def _lines(file: BinaryIO, path: str) -> Iterator[str]:
    """The lines without their ends; only a line feed ends one, for JSON escapes it in a text."""
    try:
        for number, line in enumerate(file):
            whole = line.removesuffix(b"\n")
            yield (whole if number else whole.removeprefix(codecs.BOM_UTF8)).decode()
    except UnicodeDecodeError:
        file.seek(0)
        raise not_utf8(file.read(), path) from None


def _blank_end(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _read(text: str, start: int, at: Location) -> tuple[dict[str, object], int]:
    try:
        row, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        before = error.lineno - 1 - text.count("\n", 0, start)
        place = Location(at.path, at.line + before, error.colno)
        words = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise all_of([_fault(place, words, _LOOK)]) from None
    except ValueError as error:
        raise all_of([_fault(at, f"this row is not JSON: {error}", _ONCE)]) from None
    except RecursionError:
        raise all_of([_fault(at, "this row is nested too deeply", "flatten it")]) from None
    if not isinstance(row, dict):
        hint = 'write {"column": value}'
        raise all_of([_fault(at, "expected an object", hint, code="wrong-type")])
    if _SURROGATE.search(text, start, end) and not _is_unicode(row):
        hint = "write the character itself"
        raise all_of([_fault(at, "this row holds half a character (\\ud…)", hint)])
    return row, end


def _is_unicode(row: object) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"'{twice}' is there for the second time"
        raise ValueError(msg)
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _refuse_constant(digits)
    return value


def _refuse_constant(word: str) -> NoReturn:
    msg = f"{word} is no number"
    raise ValueError(msg)


def _fault(at: Location, message: str, hint: str, *, code: str = "json-syntax") -> Fault:
    return Fault(code=code, message=message, at=at, hint=hint)


_ONCE = "write each key once, and numbers in digits"
_LOOK = "look at the quotes, commas and brackets here and just before"
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant
)
