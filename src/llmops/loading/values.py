"""Input values as the user typed them, where the prompt asks for text."""

import json
import math
from collections.abc import Mapping, Sequence

from llmops.domain.node import Node, plain

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", type(None): "null"}
_ALL_TYPES = {**_JSON_TYPES, list: "array", dict: "object"}


def input_value(node: Node, schema: Mapping[str, object]) -> object:
    """Read an input by its JSON Schema.

    Args:
        node: What the suite says, or the prompt's default.
        schema: What the prompt declares; empty for anything.

    Returns:
        The plain value. A number, boolean or null where the schema wants a string is the text
        that was typed: `1.20` stays `1.20`, `no` and dates are text anyway.
    """
    if isinstance(node.value, str):
        return node.value
    if node.kind == "mapping":
        parts = _mapping(schema.get("properties"))
        return {key: input_value(child, _mapping(parts.get(key))) for key, child in node.items()}
    if node.kind == "list":
        items = _mapping(schema.get("items"))
        return [input_value(child, items) for child in node.elements()]
    return _as_typed(node) if _wants_text(node, _types(schema)) else plain(node.value)


def typed_input(text: str, schema: Mapping[str, object]) -> object:
    """Read an input that was typed on the command line by its JSON Schema.

    Returns:
        The text itself where the schema wants text, else what `json_or_text` makes of it.
    """
    value = json_or_text(text)
    types = _types(schema)
    own = _ALL_TYPES.get(type(value))
    fits = own in types or (own == "integer" and "number" in types)
    return value if "string" not in types or fits else text


def json_or_text(text: str) -> object:
    """A number, true, false, null, a list or a mapping where a text is JSON, else the text.

    Numbers that JSON does not know, such as NaN or one beyond all floats, stay text.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _wants_text(node: Node, types: Sequence[object]) -> bool:
    if node.value is None and node.raw in {None, "", "~"}:
        return False
    own = _JSON_TYPES.get(type(node.value))
    return "string" in types and own not in types and not (own == "integer" and "number" in types)


def _types(schema: Mapping[str, object]) -> Sequence[object]:
    wanted = schema.get("type")
    return wanted if isinstance(wanted, list | tuple) else (wanted,)


def _as_typed(node: Node) -> str:
    return node.raw if node.raw is not None else json.dumps(node.value)
