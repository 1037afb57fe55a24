"""Parts of JSON Schemas: what a reference leads to, which types and values are allowed."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote

from llmops.domain.completion import canonical_json
from llmops.rendering.schemas import ANNOTATIONS

Schema = Mapping[str, Any]
"""A schema, or a part of one."""


def refers(schema: object) -> bool:
    """Whether a schema is a reference, maybe with keys beside it."""
    return isinstance(schema, Mapping) and "$ref" in schema


def followed(schema: object, root: object) -> object:
    """What a reference leads to, with the keys beside it; the schema where that is not certain."""
    names: set[str] = set()
    while isinstance(schema, Mapping) and "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        target = _target(str(schema["$ref"]), root)
        if schema["$ref"] in names or not isinstance(target, Mapping) or _clash(beside, target):
            return schema
        names.add(schema["$ref"])
        schema = {**target, **beside}
    return schema


def _target(reference: str, root: object) -> object:
    found = root
    for word in reference.split("/")[1:]:
        name = unquote(word).replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if reference.startswith("#/") or reference == "#" else None


def mapping(schema: object) -> Schema:
    """A schema as a mapping; what accepts everything is an empty one."""
    return schema if isinstance(schema, Mapping) else {}


def types(schema: Schema) -> list[str] | None:
    """The types that are allowed; None for any."""
    written = schema.get("type")
    return [written] if isinstance(written, str) else written


def uncovered(some: list[str], others: list[str]) -> list[str]:
    """The types that are none of the others; a whole number is a number."""
    return [
        one for one in some if one not in others and not (one == "integer" and "number" in others)
    ]


def choices(schema: Schema) -> list[str] | None:
    """The values that are allowed, as JSON; None for any."""
    if "enum" in schema:
        return [canonical_json(value) for value in schema["enum"]]
    return [canonical_json(schema["const"])] if "const" in schema else None


def listed(words: list[str] | None) -> str:
    """Types in words."""
    return " or ".join(words) if words else "any"


def matched(was: list[Any], now: list[Any]) -> list[tuple[Any, Any]]:
    """Branches side by side: equal ones first, then by place; None beside what has no other."""
    texts = [canonical_json(one) for one in now]
    pairs, left = [], []
    for one in was:
        text = canonical_json(one)
        if text in texts:
            pairs.append((one, now[texts.index(text)]))
            texts[texts.index(text)] = ""
        else:
            left.append(one)
    new = [one for one, text in zip(now, texts, strict=True) if text]
    return [*pairs, *zip_longest(left, new)]


def _clash(beside: Schema, target: Schema) -> bool:
    return bool((beside.keys() & target.keys()) - ANNOTATIONS)
