"""Whether a JSON Schema is one that providers can hold a model to, token by token."""

from collections.abc import Iterator, Mapping

_KEYS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
    | {"title", "description", "$defs", "$ref"}
)


def is_strict(schema: Mapping[str, object]) -> bool:
    """Whether every object of the schema names all of its keys and allows no other.

    That is the part of JSON Schema that may be asked for with `strict: true`; with any other
    schema the provider would refuse the request.
    """
    return schema.get("type") == "object" and _is_well(schema)


def _is_well(schema: object) -> bool:
    if not isinstance(schema, Mapping) or not _KEYS.issuperset(schema):
        return False
    if "object" in _types(schema) and not _is_closed(schema):
        return False
    return all(_is_well(inner) for inner in _inner(schema))


def _types(schema: Mapping[str, object]) -> list[object]:
    written = schema.get("type")
    return written if isinstance(written, list) else [written]


def _is_closed(schema: Mapping[str, object]) -> bool:
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return False
    return schema.get("additionalProperties") is False and set(properties) == set(required)


def _inner(schema: Mapping[str, object]) -> Iterator[object]:
    for key in ("properties", "$defs"):
        named = schema.get(key)
        if isinstance(named, Mapping):
            yield from named.values()
    if "items" in schema:
        yield schema["items"]
    choices = schema.get("anyOf", [])
    if isinstance(choices, list):
        yield from choices
