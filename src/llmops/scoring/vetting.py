"""JSON Schemas looked through before they are used: what would never hold, or hold for anything."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from llmops.scoring.base import ArgumentError
from llmops.scoring.pattern import compile_pattern
from llmops.scoring.wording import quote

Path = tuple[str | int, ...]

_ONE = (
    "additionalProperties",
    "additionalItems",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAP = (
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DESCRIBING_WORDS = (
    "$anchor $comment $defs $dynamicAnchor $id $recursiveAnchor $schema $vocabulary "
    "contentEncoding contentMediaType contentSchema default definitions deprecated description "
    "discriminator else example examples exclusiveMaximum exclusiveMinimum externalDocs format id maxContains minContains nullable "
    "readOnly then title writeOnly xml"
)
_DESCRIBING = frozenset(_DESCRIBING_WORDS.split())


class SchemaFault(Struct, frozen=True, kw_only=True):
    """One complaint about a schema.

    Attributes:
        path: Keys and indexes from the schema's root to what is wrong.
    """

    path: Path
    message: str
    hint: str | None = None


class Vetting(Struct, frozen=True, kw_only=True):
    """What was found in a schema.

    Attributes:
        has_patterns: Whether it holds patterns, which may take long.
    """

    faults: tuple[SchemaFault, ...]
    has_patterns: bool


def vet(schema: Mapping[str, Any], keywords: frozenset[str], foreign: frozenset[str]) -> Vetting:
    """Look through a schema.

    Args:
        schema: The schema; well-formed by its own draft.
        keywords: The keywords that assert something in its draft.
        foreign: The keywords that assert something in other drafts only.
    """
    faults: list[SchemaFault] = []
    used: set[str] = set()
    parts = list(_subschemas(schema))
    places = _Places(root=schema, parts=frozenset(id(part) for _, part in parts))
    for path, part in parts:
        used.update(part)
        faults += _misspelt(path, part, keywords, foreign)
        faults += _patterns(path, part)
        faults += _references(path, part, places)
    if not keywords.intersection(schema):
        faults.append(SchemaFault(path=(), message="the schema asserts nothing", hint=_NOTHING))
    if {"patternProperties", "unevaluatedProperties"} <= used:
        message = "'unevaluatedProperties' beside 'patternProperties' is not supported"
        faults.append(SchemaFault(path=(), message=message, hint="use 'additionalProperties'"))
    slow = used & {"pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties"}
    return Vetting(faults=tuple(faults), has_patterns=bool(slow))


_NOTHING = "say at least 'type', or use 'is_json' if any JSON will do"


def _subschemas(root: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The schema itself, and each schema in it."""
    waiting: list[tuple[Path, object]] = [((), root)]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        yield path, part
        waiting += [((*path, key), part[key]) for key in _ONE if key in part]
        for key in _LIST:
            inner = part.get(key)
            if isinstance(inner, list):
                waiting += [((*path, key, index), one) for index, one in enumerate(inner)]
        for key in _MAP:
            inner = part.get(key)
            if isinstance(inner, Mapping):
                waiting += [((*path, key, name), one) for name, one in inner.items()]


def _misspelt(
    path: Path, part: Mapping[str, Any], keywords: frozenset[str], foreign: frozenset[str]
) -> Iterator[SchemaFault]:
    known = keywords | _DESCRIBING
    for key in part:
        if key in known or key.startswith("x-"):
            continue
        if key in foreign:
            message = f"'{key}' means nothing in the schema's draft"
            hint = "name the draft with '$schema', or use the keyword of this one"
            yield SchemaFault(path=(*path, key), message=message, hint=hint)
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
        if near:
            message = f"'{key}' is not a keyword of JSON Schema, so it would check nothing"
            hint = f"did you mean '{near[0]}'? A key of your own may start with 'x-'"
            yield SchemaFault(path=(*path, key), message=message, hint=hint)


def _patterns(path: Path, part: Mapping[str, Any]) -> Iterator[SchemaFault]:
    names = part.get("patternProperties", {})
    written: list[tuple[Path, object]] = [((*path, "patternProperties", one), one) for one in names]
    if "pattern" in part:
        written.append(((*path, "pattern"), part["pattern"]))
    for place, pattern in written:
        try:
            compile_pattern(str(pattern))
        except ArgumentError as error:
            yield SchemaFault(path=place, message=str(error), hint=error.hint)


class _Places(Struct, frozen=True, kw_only=True):
    """Where a reference may lead: the schemas that were looked through, by identity."""

    root: Mapping[str, Any]
    parts: frozenset[int]

    def hold(self, reference: str) -> bool:
        """Whether a pointer or an anchor leads to one of them."""
        from referencing import Registry, Resource
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DRAFT202012

        try:
            resource = Resource.from_contents(self.root, default_specification=DRAFT202012)
            found = Registry().resolver_with_root(resource).lookup(reference).contents
        except Unresolvable:
            return False
        return isinstance(found, bool) or id(found) in self.parts


def _references(path: Path, part: Mapping[str, Any], places: _Places) -> Iterator[SchemaFault]:
    for key in _REFERENCES:
        reference = part.get(key)
        if isinstance(reference, str):
            fault = _reference_fault((*path, key), reference, places)
            if fault:
                yield fault
    for key in ("$id", "$schema"):
        if path and key in part:
            message = f"'{key}' may stand at the top of the schema only"
            yield SchemaFault(path=(*path, key), message=message, hint="take it out")


def _reference_fault(path: Path, reference: str, places: _Places) -> SchemaFault | None:
    if not reference.startswith("#"):
        message = f"{quote(reference)} points outside of the schema, which is never fetched"
        hint = "copy what it means below '$defs' and write '#/$defs/…'"
        return SchemaFault(path=path, message=message, hint=hint)
    if reference == "#" or places.hold(reference):
        return None
    names = ", ".join([*places.root.get("$defs", {}), *places.root.get("definitions", {})])
    hint = f"defined are: {names}" if names else "nothing is defined below '$defs'"
    return SchemaFault(path=path, message=f"{quote(reference)} leads nowhere", hint=hint)
