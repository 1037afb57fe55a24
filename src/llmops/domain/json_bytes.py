"""Plain values as JSON in UTF-8: fast where nothing is odd about them, the same value always."""

import json
from typing import Any

from msgspec import DecodeError
from msgspec.json import decode, encode

from llmops.domain.completion import canonical_json, escape_surrogates

_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_NOTHING = b"null"
"""What msgspec writes for NaN too, which JSON has no form for."""


def json_bytes(value: object) -> bytes:
    """Write a value as JSON without spaces, in its own order.

    Half a character (a lone surrogate) is written as an escape, so UTF-8 can always hold it. Sets,
    bytes and moments are not looked for: they are written as msgspec writes them.

    Raises:
        ValueError: The value holds NaN or an infinity.
        TypeError: The value holds something JSON has no form for.
        RecursionError: It is nested too deep.
    """
    try:
        data = encode(value)
    except (TypeError, ValueError, RecursionError):
        data = _NOTHING
    return escape_surrogates(_WRITER.encode(value)).encode() if _NOTHING in data else data


def value_of(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON in UTF-8. What msgspec refuses, the standard library reads or complains of.

    Raises:
        ValueError: It is no JSON, or not UTF-8.
        RecursionError: It is nested too deep.
    """
    try:
        return decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return json.loads(data.decode())


def sorted_json(value: object) -> str:
    """Write a value as JSON without spaces, its keys sorted; raises what `json_bytes` raises.

    Numbers are not always spelt as `canonical_json` spells them, so this is none to be hashed.
    """
    try:
        data = encode(value, order="sorted")
    except (TypeError, ValueError, RecursionError):
        data = _NOTHING
    return canonical_json(value) if _NOTHING in data else data.decode()
