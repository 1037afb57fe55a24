"""The declared inputs of a prompt: a JSON Schema each, or a bare default."""

from collections.abc import Mapping
from typing import Any

from llmops.domain.node import Node, node_of, plain
from llmops.domain.prompt import Input
from llmops.loading.json_schemas import META_SCHEMA, TYPES, check_schema
from llmops.loading.messages import INPUT_NAME, input_name
from llmops.loading.readers import MISSING, Faults, expected, refuse
from llmops.loading.schema_values import complaint_about
from llmops.loading.values import input_value
from llmops.location import Location

_TYPE_OF: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
INPUTS_SCHEMA: Mapping[str, object] = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": INPUT_NAME},
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"], "description": "The default."},
            META_SCHEMA,
        ]
    },
}


def read_inputs(node: Node, faults: Faults) -> dict[str, Input]:
    """Read `inputs:`; every fault is added to `faults`, the good ones are returned."""
    if node.kind != "mapping":
        expected(node, "inputs by name", faults, "write 'name: {type: string}' lines")
        return {}
    found: dict[str, Input] = {}
    for name, at, child in node.entries():
        declared = _read_input(name, at, child, faults)
        if input_name(name, node_of(name, at), faults) is not MISSING and declared is not None:
            found[name] = declared
    return found


def _read_input(name: str, at: Location, node: Node, faults: Faults) -> Input | None:
    if node.kind == "mapping":
        return _read_schema(at, node, faults)
    if node.kind == "nothing":
        return Input(schema={}, required=True, at=at)
    if node.kind == "list":
        hint = f"write '{name}: {{type: array, default: […]}}'"
        expected(node, "a JSON Schema or a default", faults, hint)
        return None
    if node.kind == "text" and node.value in TYPES:
        message = f"'{name}: {node.value}' would make '{node.value}' the default"
        hint = f"write '{{type: {node.value}}}', or '{{default: {node.value}}}' if that is meant"
        refuse(node, "type-as-default", message, faults, hint)
        return None
    schema = {"type": _TYPE_OF[type(node.value)]}
    return Input(schema=schema, required=False, at=at, default=node.value)


def _read_schema(at: Location, node: Node, faults: Faults) -> Input | None:
    before = len(faults)
    check_schema(node, faults, strict=True)
    if len(faults) > before:
        return None
    schema: Any = plain(node.value)
    schema.pop("default", None)
    default = node.get("default")
    if default is None:
        return Input(schema=schema, required=True, at=at)
    value = input_value(default, schema)
    complaint = complaint_about(value, schema)
    if complaint is not None:
        message = f"the default does not meet its own schema: {complaint}"
        refuse(default, "default", message, faults, "change the default, or the schema beside it")
        return None
    return Input(schema=schema, required=False, at=at, default=value)
