"""Dataclasses as the shape of what a user writes: nodes in, values out, and the JSON Schema of both.

One declaration serves the reader, the complaints, the manual and the editor. Read types are
`str`, `int`, `float`, `bool`, `object` (any plain value), `Node`, `Text`, `Duration`,
`Literal[…]`, `tuple[X, …]`, `Mapping[str, X]`, dataclasses, and unions of kinds that a node
can be told apart by. A field's metadata may name its key (`key`) and its manual line
(`about`); a field called `at` is filled with the place of the mapping.
"""

import dataclasses
import math
import re
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from llmops.domain.node import Kind, Node, Text, plain
from llmops.errors import Fault, did_you_mean
from llmops.location import Location

Duration = NewType("Duration", float)
"""Seconds, written as a number or as `200ms`, `5s`, `2m`, `1h`, `7d`."""

T = TypeVar("T")
Faults = list[Fault]
Reader = Callable[[Node, Faults], Any]


class _Missing:
    """What a reader returns after it has complained."""


MISSING = _Missing()

_WORDS: Mapping[Kind, str] = {
    "mapping": "a mapping",
    "list": "a list",
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "nothing": "nothing",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def entry(
    about: str = "",
    *,
    key: str | None = None,
    default: Any = dataclasses.MISSING,  # noqa: ANN401 - any default a dataclass may have
    default_factory: Any = dataclasses.MISSING,  # noqa: ANN401 - as above
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:  # noqa: ANN401 - the type of a dataclass field is its annotation
    """Declare a field with its manual line, its key in the file, and its range (inclusive)."""
    metadata = {"about": about, "key": key, "minimum": minimum, "maximum": maximum}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    if default is not dataclasses.MISSING:
        return dataclasses.field(default=default, metadata=metadata)
    return dataclasses.field(metadata=metadata)


def read(shape: type[T], node: Node, faults: Faults, *, what: str = "") -> T | None:
    """Read a mapping into a dataclass.

    Args:
        shape: The dataclass.
        node: What the user wrote.
        faults: Every complaint is added here; reading goes on after one.
        what: The thing's name in complaints: `a suite`.

    Returns:
        The value, or None when anything in it is wrong; then `faults` says what.
    """
    shape_reader: Callable[[Node, Faults, str], Any] = _shape_reader(cast("Any", shape))
    value = shape_reader(node, faults, what or f"a {shape.__name__.lower()}")
    return None if value is MISSING else value


def keys_of(shape: type) -> tuple[str, ...]:
    """The keys a mapping of this shape may have, in order."""
    return tuple(_entries(shape))


def read_value(kind: Any, node: Node, faults: Faults) -> Any:  # noqa: ANN401 - a type in, its value out
    """Read a node as any of the types above.

    Returns:
        The value, or `MISSING` when it is wrong; then `faults` says what.
    """
    return _reader(kind)(node, faults)


def json_schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type in
    """The JSON Schema (draft 7) of what a user may write for a type."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in _SIMPLE:
        return _mapping_schema(kind)
    return _schema(kind)


def expected(node: Node, wanted: str, faults: Faults, hint: str | None = None) -> Any:  # noqa: ANN401 - always MISSING
    """Complain that something else was expected, and return `MISSING`."""
    got = _WORDS[node.kind]
    if node.kind in {"text", "number", "boolean"} and len(node.typed) < 40:
        got = f"{got} ('{node.typed}')" if node.kind == "text" else f"'{node.typed}'"
    message = f"expected {wanted}, not {got}"
    faults.append(Fault(code="wrong-type", message=message, at=node.at, hint=hint))
    return MISSING


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """One key of a shape: the attribute it fills, how it is read, and whether it must be there."""

    attribute: str
    kind: Any
    reader: Reader
    required: bool
    field: dataclasses.Field[Any]


@cache
def _entries(shape: type) -> dict[str, _Entry]:
    hints = get_type_hints(shape)
    found: dict[str, _Entry] = {}
    for item in dataclasses.fields(shape):
        if hints[item.name] is Location or not item.init:
            continue
        required = (
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        )
        key = item.metadata.get("key") or item.name
        kind = hints[item.name]
        found[key] = _Entry(item.name, kind, _ranged(_reader(kind), item), required, item)
    return found


def _ranged(reader: Reader, item: dataclasses.Field[Any]) -> Reader:
    low, high = item.metadata.get("minimum"), item.metadata.get("maximum")
    if low is None and high is None:
        return reader

    def read_in_range(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - as its reader
        value = reader(node, faults)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if low is not None and value < low:
                return expected(node, f"a number of {low:g} or more", faults)
            if high is not None and value > high:
                return expected(node, f"a number of {high:g} or less", faults)
        return value

    return read_in_range


@cache
def _shape_reader(shape: type) -> Callable[[Node, Faults, str], Any]:
    entries = _entries(shape)
    hints = get_type_hints(shape)
    at_name = next((n for n, hint in hints.items() if hint is Location and n == "at"), None)

    def read_shape(node: Node, faults: Faults, what: str) -> Any:  # noqa: ANN401 - the shape
        if node.kind != "mapping":
            keys = ", ".join(list(entries)[:6])
            return expected(node, f"{what}: a mapping with {keys}", faults)
        before = len(faults)
        values: dict[str, Any] = {}
        for key, child in node.items():
            known = entries.get(key)
            if known is None:
                if not key.startswith("x-"):
                    faults.append(_unknown_key(node, key, what, entries))
                continue
            values[known.attribute] = known.reader(child, faults)
        for key, known in entries.items():
            if known.required and known.attribute not in values:
                hint = f"add '{key}:'"
                message = f"{what} needs '{key}'"
                faults.append(Fault(code="missing-key", message=message, at=node.at, hint=hint))
        if any(fault.severity == "error" for fault in faults[before:]):
            return MISSING
        if at_name:
            values[at_name] = node.at
        return shape(**values)

    return read_shape


def _unknown_key(node: Node, key: str, what: str, entries: Mapping[str, _Entry]) -> Fault:
    hint = did_you_mean(key, entries) or f"the keys are {', '.join(entries)}"
    message = f"'{key}' is not a key of {what}"
    return Fault(code="unknown-key", message=message, at=node.key_at(key), hint=hint)


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _literal_reader(arguments)
    if origin in {Union, types.UnionType}:
        return _union_reader(arguments)
    if origin is tuple:
        return _list_reader(arguments[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(arguments[1])
    return _nested_reader(kind)


def _nested_reader(shape: Any) -> Reader:  # noqa: ANN401 - a dataclass in
    if not (isinstance(shape, type) and dataclasses.is_dataclass(shape)):
        msg = f"no reader for {shape!r}"
        raise TypeError(msg)
    name = f"'{shape.__name__.lower()}'"

    def read_nested(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - the dataclass
        return _shape_reader(cast("Any", shape))(node, faults, name)

    return read_nested


def _read_text(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - str or MISSING
    if node.kind in {"text", "number", "boolean"}:
        return node.typed
    return expected(node, "text", faults)


def _read_located(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - Text or MISSING
    if node.kind in {"text", "number", "boolean"}:
        return node.text
    return expected(node, "text", faults)


def _read_integer(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - int or MISSING
    if node.kind == "number" and isinstance(node.value, int):
        return node.value
    return expected(node, "a whole number", faults)


def _read_number(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - float or MISSING
    if node.kind == "number" and math.isfinite(node.value):
        return float(node.value)
    return expected(node, "a number", faults)


def _read_boolean(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - bool or MISSING
    if node.kind == "boolean":
        return node.value
    return expected(node, "true or false", faults)


def _read_duration(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - float or MISSING
    if node.kind == "number" and node.value >= 0:
        return float(node.value)
    found = _DURATION.fullmatch(node.typed.strip()) if node.kind == "text" else None
    if found is None:
        return expected(node, "a duration such as 5s, 200ms or 2m", faults)
    return float(found[1]) * _UNITS[found[2]]


def _read_anything(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - what it says
    del faults
    return plain(node.value)


def _read_node(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - the node
    del faults
    return node


def _literal_reader(choices: tuple[Any, ...]) -> Reader:
    listing = ", ".join(str(choice) for choice in choices)

    def read_literal(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - one of the choices
        if node.kind in {"text", "number", "boolean"}:
            if node.typed in choices:
                return node.typed
            if node.value in choices:
                return node.value
        hint = did_you_mean(node.typed, map(str, choices)) if node.kind == "text" else None
        return expected(node, f"one of {listing}", faults, hint)

    return read_literal


def _list_reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    reader = _reader(kind)

    def read_list(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - tuple or MISSING
        if node.kind != "list":
            return expected(node, "a list", faults, "write '- ' before each entry")
        values = [reader(child, faults) for child in node.elements()]
        return MISSING if any(value is MISSING for value in values) else tuple(values)

    return read_list


def _mapping_reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    reader = _reader(kind)

    def read_mapping(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - dict or MISSING
        if node.kind != "mapping":
            return expected(node, "a mapping", faults)
        values = {key: reader(child, faults) for key, child in node.items()}
        return MISSING if any(value is MISSING for value in values.values()) else values

    return read_mapping


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    options = [(_kinds_of(kind), _reader(kind)) for kind in kinds if kind is not types.NoneType]
    optional = types.NoneType in kinds
    wanted = " or ".join(dict.fromkeys(_WORDS[k] for kinds_, _ in options for k in kinds_))

    def read_union(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - any of the kinds
        if optional and node.kind == "nothing":
            return None
        for accepted, reader in options:
            if node.kind in accepted:
                return reader(node, faults)
        if len(options) == 1:
            return options[0][1](node, faults)
        return expected(node, wanted, faults)

    return read_union


_SCALAR: tuple[Kind, ...] = ("text", "number", "boolean")


def _kinds_of(kind: Any) -> tuple[Kind, ...]:  # noqa: ANN401 - a type in
    if kind in {object, Node}:
        return ("mapping", "list", "text", "number", "boolean", "nothing")
    if kind in {str, Text}:
        return _SCALAR
    if kind is bool:
        return ("boolean",)
    if kind in {int, float}:
        return ("number",)
    if kind is Duration:
        return ("number", "text")
    origin = get_origin(kind)
    if origin is Literal:
        return _SCALAR
    if origin is tuple:
        return ("list",)
    return ("mapping",)


_SIMPLE: dict[Any, Reader] = {
    str: _read_text,
    Text: _read_located,
    int: _read_integer,
    float: _read_number,
    bool: _read_boolean,
    object: _read_anything,
    Node: _read_node,
    Duration: _read_duration,
}


def _mapping_schema(shape: type) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for key, known in _entries(shape).items():
        schema = json_schema(known.kind)
        about = known.field.metadata.get("about")
        if about:
            schema = {**schema, "description": about}
        for name in ("minimum", "maximum"):
            if known.field.metadata.get(name) is not None:
                schema[name] = known.field.metadata[name]
        properties[key] = schema
        if known.required:
            required.append(key)
    whole: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    return {**whole, "required": required} if required else whole


_SIMPLE_SCHEMAS: dict[Any, dict[str, Any]] = {
    str: {"type": ["string", "number", "boolean"]},
    Text: {"type": ["string", "number", "boolean"]},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    object: {},
    Node: {},
    Duration: {"type": ["number", "string"], "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$"},
}


def _schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type in
    if kind in _SIMPLE_SCHEMAS:
        return dict(_SIMPLE_SCHEMAS[kind])
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": json_schema(arguments[0])}
    if origin in {Union, types.UnionType}:
        options = [{"type": "null"} if a is types.NoneType else json_schema(a) for a in arguments]
        return {"anyOf": options}
    return {"type": "object", "additionalProperties": json_schema(arguments[1])}
