"""Single values: a node in, text, a number, a duration or a choice out, or a placed complaint."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NewType

from msgspec import Struct

from llmops.domain.node import Kind, Node, Text, plain
from llmops.errors import Fault, did_you_mean

Duration = NewType("Duration", float)
"""Seconds, written as a number or as `200ms`, `5s`, `2m`, `1h`, `7d`."""

Faults = list[Fault]
Reader = Callable[[Node, Faults], Any]


class _Missing:
    """What a reader returns after it has complained."""


MISSING = _Missing()
SCALAR: tuple[Kind, ...] = ("text", "number", "boolean")
ANYTHING: tuple[Kind, ...] = ("mapping", "list", "text", "number", "boolean", "nothing")
WORDS: Mapping[Kind, str] = {
    "mapping": "a mapping",
    "list": "a list",
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "nothing": "nothing",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


class Simple(Struct, frozen=True):
    """A type that one value fills.

    Attributes:
        accepts: The kinds of node it can be told by.
        reader: Makes the value.
        schema: JSON Schema of what may be written.
    """

    accepts: tuple[Kind, ...]
    reader: Reader
    schema: Mapping[str, object]


def expected(node: Node, wanted: str, faults: Faults, hint: str | None = None) -> Any:  # noqa: ANN401 - always MISSING
    """Complain that something else was expected, and return `MISSING`."""
    empty = "an empty " if node.kind in {"list", "mapping"} and not node.value else ""
    got = f"{empty}{node.kind}" if empty else WORDS[node.kind]
    if node.kind in SCALAR and len(node.typed) < 40:
        got = f"{got} ('{node.typed}')" if node.kind == "text" else f"'{node.typed}'"
    message = f"expected {wanted}, not {got}"
    return refuse(node, "wrong-type", message, faults, hint)


def refuse(node: Node, code: str, message: str, faults: Faults, hint: str | None = None) -> Any:  # noqa: ANN401 - always MISSING
    """Complain about a value, and return `MISSING`."""
    faults.append(Fault(code=code, message=message, at=node.at, hint=hint))
    return MISSING


def literal_reader(choices: tuple[Any, ...]) -> Reader:
    """Read one of a few words."""
    listing = ", ".join(str(choice) for choice in choices)

    def read_literal(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - one of the choices
        if node.kind in SCALAR:
            if node.typed in choices:
                return node.typed
            if node.value in choices:
                return node.value
        near = did_you_mean(node.typed, map(str, choices)) if node.kind == "text" else None
        return expected(node, f"one of {listing}", faults, near or f"write '{choices[0]}'")

    return read_literal


def _read_text(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - str or MISSING
    if type(node.value) is str:  # a text is always typed as it is
        return node.value
    return node.typed if node.kind in SCALAR else _no_text(node, faults)


def _read_located(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - Text or MISSING
    return node.text if node.kind in SCALAR else _no_text(node, faults)


def _no_text(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - always MISSING
    hint = "write the text after the colon, or leave the key out"
    if node.kind in {"mapping", "list"}:
        hint = "put quotes around a text that holds ': ' or begins with {, [ or -"
    return expected(node, "text", faults, hint)


def _read_integer(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - int or MISSING
    if node.kind == "number" and isinstance(node.value, int):
        return node.value
    return expected(node, "a whole number", faults, "write a number such as 3, without quotes")


def _read_number(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - float or MISSING
    if node.kind == "number":
        value = _as_float(node.value)
        if math.isfinite(value):
            return value
    return expected(node, "a number", faults, "write a number such as 0.5, without quotes")


def _as_float(value: Any) -> float:  # noqa: ANN401 - int or float
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _read_boolean(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - bool or MISSING
    if node.kind == "boolean":
        return node.value
    meant = _BOOLEANS.get(node.typed.casefold()) if node.kind == "text" else None
    return expected(node, "true or false", faults, f"write {meant or 'true or false'}")


def _read_duration(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - float or MISSING
    found = _DURATION.fullmatch(node.typed.strip()) if node.kind == "text" else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else math.inf
    if node.kind == "number" and node.value >= 0:
        seconds = _as_float(node.value)
    if math.isfinite(seconds):
        return seconds
    hint = "write a number and a unit: ms, s, m, h or d"
    return expected(node, "a duration such as 5s, 200ms or 2m", faults, hint)


def _read_anything(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - what it says
    del faults
    return plain(node.value)


def _read_node(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - the node
    del faults
    return node


_TEXT_SCHEMA: Mapping[str, object] = {"type": ["string", "number", "boolean"]}
SIMPLE: Mapping[Any, Simple] = {
    str: Simple(SCALAR, _read_text, _TEXT_SCHEMA),
    Text: Simple(SCALAR, _read_located, _TEXT_SCHEMA),
    int: Simple(("number",), _read_integer, {"type": "integer"}),
    float: Simple(("number",), _read_number, {"type": "number"}),
    bool: Simple(("boolean",), _read_boolean, {"type": "boolean"}),
    object: Simple(ANYTHING, _read_anything, {}),
    Node: Simple(ANYTHING, _read_node, {}),
    Duration: Simple(
        ("number", "text"),
        _read_duration,
        {"type": ["number", "string"], "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)\s*$"},
    ),
}
"""Every type that is no list, mapping, choice or shape."""
