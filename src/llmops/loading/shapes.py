"""Dataclasses as the shape of what a user writes: nodes in, values out, and the JSON Schema of both.

One declaration serves the reader, the complaints, the manual and the editor. Read types are
`str`, `int`, `float`, `bool`, `object` (any plain value), `Node`, `Text`, `Duration`,
`Literal[…]`, `tuple[X, …]`, `Mapping[str, X]`, shapes, and unions of kinds that a node
can be told apart by. A field's metadata may name its key (`key`), its manual line (`about`)
and a check (`then`); a field called `at` is filled with the place of the mapping. A value of
the domain that is written otherwise than it is kept has a shape of its own (`shape_of`).
"""

import types
from collections.abc import Callable, Collection, Mapping
from functools import cache
from itertools import islice
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

from llmops.domain.node import Kind, Node
from llmops.errors import Fault, did_you_mean
from llmops.loading.declarations import (
    Entry,
    attributes_of,
    entries_of,
    entry,
    is_shape,
    keys_of,
    shape_of,
    words_for,
)
from llmops.loading.editor_schemas import json_schema
from llmops.loading.readers import (
    MISSING,
    SCALAR,
    SIMPLE,
    WORDS,
    Duration,
    Faults,
    Reader,
    expected,
    literal_reader,
    refuse,
)

__all__ = [
    "MISSING",
    "Duration",
    "Faults",
    "Reader",
    "entry",
    "expected",
    "json_schema",
    "keys_of",
    "read",
    "read_value",
    "refuse",
    "shape_of",
]

T = TypeVar("T")
_MOST_FAULTS = 20
"""Unknown keys of one mapping that are complained of; looking for what was meant takes time."""


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
    value = _shape_reader(cast("Any", shape), what)(node, faults)
    return None if value is MISSING else cast("T", value)


def read_value(kind: Any, node: Node, faults: Faults) -> Any:  # noqa: ANN401 - a type in, its value out
    """Read a node as any of the types above.

    Returns:
        The value, or `MISSING` when it is wrong; then `faults` says what.
    """
    return _reader(kind)(node, faults)


@cache
def _shape_reader(shape: type, what: str = "") -> Reader:
    entries = entries_of(shape)
    readers = {key: (known.attribute, _entry_reader(known)) for key, known in entries.items()}
    build = cast("Callable[..., Any]", shape)
    named = what or words_for(shape)
    keeps_place = "at" in attributes_of(shape)
    required = {key: None for key, known in entries.items() if known.required}.keys()

    def read_shape(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - the shape
        if node.kind != "mapping":
            keys = ", ".join(list(entries)[:6])
            hint = "write 'key: value' lines below it"
            return expected(node, f"a mapping with {keys}", faults, hint)
        before = len(faults)
        values: dict[str, Any] = {}
        for key, child in node.items():
            if key in readers:
                attribute, reader = readers[key]
                values[attribute] = reader(child, faults)
        if len(values) < len(node.value) or not required <= node.value.keys():
            faults += _key_faults(node, readers, required, named)
        if len(faults) > before and any(item.severity == "error" for item in faults[before:]):
            return MISSING
        if keeps_place:
            values["at"] = node.at
        return build(**values)

    return read_shape


def _key_faults(
    node: Node, known: Collection[str], required: Collection[str], what: str
) -> list[Fault]:
    """Complain of keys that are unknown or lacking; a misspelt one is not lacking as well."""
    faults, near = [], set()
    unknown = ((key, at) for key, at, _ in node.entries() if not _is_known(key, known))
    for key, at in islice(unknown, _MOST_FAULTS):
        hint = did_you_mean(key, known)
        near.add(hint)
        message, keys = f"'{key}' is not a key of {what}", f"the keys are {', '.join(known)}"
        faults.append(Fault(code="unknown-key", message=message, at=at, hint=hint or keys))
    for key in required:
        if key not in node.value and f"did you mean '{key}'?" not in near:
            message, hint = f"{what} needs '{key}'", f"add '{key}:'"
            faults.append(Fault(code="missing-key", message=message, at=node.at, hint=hint))
    return faults


def _entry_reader(known: Entry) -> Reader:
    reader, check = _reader(known.kind), known.metadata.get("then")
    low, high = known.metadata.get("minimum"), known.metadata.get("maximum")
    if check is None and low is None and high is None:
        return reader

    def read_entry(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - as its reader
        value = reader(node, faults)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if low is not None and value < low:
                return expected(node, f"a number of {low:g} or more", faults, f"write {low:g}")
            if high is not None and value > high:
                return expected(node, f"a number of {high:g} or less", faults, f"write {high:g}")
        return (
            value
            if check is None or value is MISSING or value is None
            else check(value, node, faults)
        )

    return read_entry


def _is_known(key: str, known: Collection[str]) -> bool:
    return key in known or key.startswith("x-")


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    if kind in SIMPLE:
        return SIMPLE[kind].reader
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return literal_reader(arguments)
    if origin in {Union, types.UnionType}:
        return _union_reader(arguments)
    if origin is tuple:
        return _list_reader(arguments[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(arguments[1])
    if is_shape(kind):
        return _shape_reader(kind)
    msg = f"no reader for {kind!r}"
    raise TypeError(msg)


def _list_reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    reader = _reader(kind)

    def read_list(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - tuple or MISSING
        if node.kind != "list":
            hint = (
                f"write [{node.typed}]" if node.kind in SCALAR else "write '- ' before each entry"
            )
            return expected(node, "a list", faults, hint)
        values = [reader(child, faults) for child in node.elements()]
        return MISSING if any(value is MISSING for value in values) else tuple(values)

    return read_list


def _mapping_reader(kind: Any) -> Reader:  # noqa: ANN401 - a type in
    reader = _reader(kind)

    def read_mapping(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - dict or MISSING
        if node.kind != "mapping":
            return expected(node, "a mapping", faults, "write 'key: value' lines below it")
        values = {key: reader(child, faults) for key, child in node.items()}
        return MISSING if any(value is MISSING for value in values.values()) else values

    return read_mapping


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    options = [(_accepted(kind), _reader(kind)) for kind in kinds if kind is not types.NoneType]
    if len(options) == 1:
        return _optional_reader(options[0][1])
    optional = types.NoneType in kinds
    wanted = " or ".join(WORDS[accepted[0]] for accepted, _ in options)

    def read_union(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - any of the kinds
        if optional and node.value is None:
            return None
        kind = node.kind
        for accepted, reader in options:
            if kind in accepted:
                return reader(node, faults)
        return expected(node, wanted, faults, f"write {wanted}")

    return read_union


def _optional_reader(reader: Reader) -> Reader:
    def read_optional(node: Node, faults: Faults) -> Any:  # noqa: ANN401 - as its reader
        return None if node.value is None else reader(node, faults)

    return read_optional


def _accepted(kind: Any) -> tuple[Kind, ...]:  # noqa: ANN401 - a type in
    if kind in SIMPLE:
        return SIMPLE[kind].accepts
    if get_origin(kind) is Literal:
        return SCALAR
    return ("list",) if get_origin(kind) is tuple else ("mapping",)
