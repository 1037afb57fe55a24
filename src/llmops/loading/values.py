"""Input values as the user typed them, where the prompt asks for text."""

import json
from collections.abc import Mapping

from llmops.domain.node import Node, plain

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


def input_value(node: Node, schema: Mapping[str, object]) -> object:
    """Read an input by its JSON Schema.

    Args:
        node: What the suite says, or the prompt's default.
        schema: What the prompt declares; empty for anything.

    Returns:
        The plain value. A number, boolean or null where the schema wants a string is the text
        that was typed: `1.20` stays `1.20`, `no` and dates are text anyway.
    """
    if node.kind == "mapping":
        parts = _mapping(schema.get("properties"))
        return {key: input_value(child, _mapping(parts.get(key))) for key, child in node.items()}
    if node.kind == "list":
        items = _mapping(schema.get("items"))
        return [input_value(child, items) for child in node.elements()]
    return _as_typed(node) if _wants_text(node, schema.get("type")) else plain(node.value)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _wants_text(node: Node, wanted: object) -> bool:
    if node.kind == "text" or (node.value is None and node.raw in {None, "", "~"}):
        return False
    types = wanted if isinstance(wanted, list | tuple) else (wanted,)
    own = _JSON_TYPES.get(type(node.value))
    return "string" in types and own not in types and not (own == "integer" and "number" in types)


def _as_typed(node: Node) -> str:
    return node.raw if node.raw is not None else json.dumps(node.value)
