"""Types in, the JSON Schema out by which an editor completes and checks what is written."""

import types
from typing import Any, Literal, Union, get_args, get_origin

from llmops.loading.declarations import Entry, entries_of
from llmops.loading.readers import SIMPLE


def json_schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type in
    """The JSON Schema (draft 7) of what a user may write for a type."""
    if kind in SIMPLE:
        return dict(SIMPLE[kind].schema)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": json_schema(arguments[0])}
    if origin in {Union, types.UnionType}:
        options = [{"type": "null"} if a is types.NoneType else json_schema(a) for a in arguments]
        return {"anyOf": options}
    if origin is None:
        return _shape_schema(kind)
    return {"type": "object", "additionalProperties": json_schema(arguments[1])}


def _shape_schema(shape: type) -> dict[str, Any]:
    entries = entries_of(shape)
    whole: dict[str, Any] = {
        "type": "object",
        "properties": {key: _entry_schema(known) for key, known in entries.items()},
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    required = [key for key, known in entries.items() if known.required]
    return {**whole, "required": required} if required else whole


def _entry_schema(known: Entry) -> dict[str, Any]:
    metadata = known.metadata
    schema = dict(metadata.get("schema") or json_schema(known.kind))
    if metadata.get("about"):
        schema["description"] = metadata["about"]
    for name in ("minimum", "maximum"):
        if metadata.get(name) is not None:
            schema[name] = metadata[name]
    return schema
