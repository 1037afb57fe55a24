"""Two JSON Schemas in, out whether all that one accepts is sure to be accepted by the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from llmops.domain.completion import canonical_json

Schema = Any
"""A mapping, or true or false."""

_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"}
)
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def accepts_all(wider: Schema, narrower: Schema) -> bool:
    """Whether every value that `narrower` accepts is sure to be accepted by `wider`.

    Only what can be told from the keywords themselves counts as sure; a combination such as
    `anyOf` must be the same on both sides.
    """
    if _same(wider, narrower) or wider is True or narrower is False:
        return True
    if wider is False:
        return False
    old: Mapping[str, Any] = narrower if isinstance(narrower, Mapping) else {}
    new: Mapping[str, Any] = wider if isinstance(wider, Mapping) else {}
    return all(_meets(keyword, new, old) for keyword in new if keyword not in _ANNOTATIONS)


def without_annotations(schema: Schema) -> Schema:
    """A schema without the words that only explain it."""
    if isinstance(schema, Mapping):
        return {
            key: (
                {name: without_annotations(child) for name, child in value.items()}
                if key in {"properties", "$defs", "patternProperties"}
                and isinstance(value, Mapping)
                else without_annotations(value)
            )
            for key, value in schema.items()
            if key not in _ANNOTATIONS
        }
    if isinstance(schema, list | tuple):
        return [without_annotations(child) for child in schema]
    return schema


def open_to_more(schema: Schema) -> Schema:
    """A schema that does not mind further properties, as a reader of JSON does not."""
    if not isinstance(schema, Mapping):
        return schema
    opened = {key: value for key, value in schema.items() if key != "additionalProperties"}
    if isinstance(opened.get("properties"), Mapping):
        opened["properties"] = {
            name: open_to_more(child) for name, child in opened["properties"].items()
        }
    if isinstance(opened.get("items"), Mapping):
        opened["items"] = open_to_more(opened["items"])
    return opened


def _meets(keyword: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether what the old schema accepts meets one keyword of the new one."""
    if keyword in _RULES:
        return _RULES[keyword](new, old)
    if keyword in _LEAST or keyword in _MOST:
        return _bounded(keyword, new[keyword], old.get(keyword))
    return keyword in old and _same(new[keyword], old[keyword])


def _type(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    if "type" not in old:
        return False
    allowed = set(_listed(new["type"]))
    if "number" in allowed:
        allowed.add("integer")
    return set(_listed(old["type"])) <= allowed


def _values(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """`enum` and `const`."""
    allowed = {canonical_json(value) for value in new.get("enum", [new.get("const")])}
    if "const" in old:
        return canonical_json(old["const"]) in allowed
    return "enum" in old and {canonical_json(value) for value in old["enum"]} <= allowed


def _required(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return set(new["required"]) <= set(old.get("required", ()))


def _properties(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return all(
        accepts_all(schema, _property(old, name)) for name, schema in new["properties"].items()
    )


def _additional(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    rest = new["additionalProperties"]
    known = set(new.get("properties", {}))
    others = [name for name in old.get("properties", {}) if name not in known]
    return accepts_all(rest, old.get("additionalProperties", True)) and all(
        accepts_all(rest, _property(old, name)) for name in others
    )


def _items(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return accepts_all(new["items"], old.get("items", True))


_RULES: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]]] = {
    "type": _type,
    "enum": _values,
    "const": _values,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
}


def _property(schema: Mapping[str, Any], name: str) -> Schema:
    """What a schema says of a property; false where there cannot be one."""
    properties = schema.get("properties", {})
    return properties[name] if name in properties else schema.get("additionalProperties", True)


def _bounded(keyword: str, new: Any, old: Any) -> bool:  # noqa: ANN401 - a number, or nothing
    if not isinstance(new, int | float) or not isinstance(old, int | float):
        return False
    return old >= new if keyword in _LEAST else old <= new


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401 - one type or several
    return value if isinstance(value, list | tuple) else [value]


def _same(one: Schema, other: Schema) -> bool:
    return canonical_json(one) == canonical_json(other)
