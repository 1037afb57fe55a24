"""Two JSON Schemas in; what the later one refuses or accepts that the earlier did not, in words.

Where that cannot be told for certain, a change counts as both: it may refuse and it may accept.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from llmops.domain.completion import canonical_json
from llmops.rendering.schemas import ANNOTATIONS
from llmops.versions.schema_parts import (
    Schema,
    choices,
    followed,
    listed,
    mapping,
    matched,
    refers,
    types,
    uncovered,
)

_WORDS = ANNOTATIONS | {"$defs", "definitions", "readOnly", "writeOnly", "$schema"}
"""Keys that refuse nothing by themselves."""
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_PLAIN = frozenset(
    {
        "pattern",
        "format",
        "multipleOf",
        "propertyNames",
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "not",
    }
)
"""Keys of which one more can only refuse, and one less can only accept."""
_REF = '"$ref"'
_REFERRING = ("$ref", "$dynamicRef")
_ENTANGLED = ("patternProperties", "unevaluatedProperties")


class Difference(Struct, frozen=True, kw_only=True):
    """One difference between two schemas.

    Attributes:
        words: What happened.
        narrower: Whether the later schema may refuse what the earlier accepted.
        wider: Whether it may accept what the earlier refused.
        property: Whether a property of an object is new or gone, or others are open to more.
    """

    words: str
    narrower: bool = False
    wider: bool = False
    property: Literal["new", "gone", "open"] | None = None


def schema_differences(before: object, after: object) -> list[Difference]:
    """Everything in which two schemas differ; nothing when only their words do."""
    comparing = _Comparing(root_before=before, root_after=after)
    return list(comparing.compare(before, after, ""))


class _Comparing(Struct, kw_only=True):
    """Two schemas, and the pairs of their parts that were compared already."""

    root_before: object
    root_after: object
    _seen: dict[tuple[str, str], list[Difference]] = field(default_factory=dict)

    def compare(self, before: object, after: object, where: str) -> Iterator[Difference]:
        """Compare two parts; `where` is their path of properties."""
        if not (refers(before) or refers(after)):
            yield from self._keys(before, after, where)
            return
        pair = (canonical_json(before), canonical_json(after))
        if pair in self._seen:
            yield from _once_more(self._seen[pair])
            return
        found = self._seen[pair] = []
        before, after = followed(before, self.root_before), followed(after, self.root_after)
        for difference in self._keys(before, after, where):
            found.append(difference)
            yield difference

    def _keys(self, before: object, after: object, where: str) -> Iterator[Difference]:
        if before is False or after is False:
            if before is not after:
                yield _said(where, "the schema changed", "wider" if before is False else "narrower")
            return
        old, new = mapping(before), mapping(after)
        for key in dict.fromkeys([*old, *new]):
            if key not in _WORDS and not key.startswith("x-"):
                yield from self._key(key, old, new, where)

    def _key(self, key: str, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        compare = _KEYS.get(key)
        if compare is not None:
            yield from compare(self, before, after, where)
        elif key in _LOWER + _UPPER:
            yield from self._bound(key, before.get(key), after.get(key), where)
        else:
            yield from self._other(key, before, after, where)

    def _other(self, key: str, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        if key in before and key in after:
            text = canonical_json(before[key])
            if text != canonical_json(after[key]) or _REF in text or key in _REFERRING:
                yield _said(where, f"'{key}' changed", "both")
            return
        word, way = ("added", "narrower") if key in after else ("removed", "wider")
        yield _said(where, f"'{key}' was {word}", way if key in _PLAIN else "both")

    def _bound(self, key: str, before: Any, after: Any, where: str) -> Iterator[Difference]:  # noqa: ANN401 - numbers, as checked when read
        if before == after:
            return
        if before is None or after is None:
            word, way = ("added", "narrower") if before is None else ("removed", "wider")
            yield _said(where, f"'{key}: {before if after is None else after}' was {word}", way)
            return
        grew = after > before
        way = "narrower" if grew == (key in _LOWER) else "wider"
        yield _said(where, f"'{key}' went from {before} to {after}", way)

    def _type(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        was, now = types(before), types(after)
        narrower = now is not None and (was is None or bool(uncovered(was, now)))
        wider = was is not None and (now is None or bool(uncovered(now, was)))
        if narrower or wider:
            words = f"the type was {listed(was)} and is {listed(now)}"
            yield _said(where, words, _way(narrower=narrower, wider=wider))

    def _enum(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        was, now = choices(before), choices(after)
        if was is None or now is None:
            if now is not None:
                yield _said(where, f"only {', '.join(now)} may be given", "narrower")
            else:
                yield _said(where, "any value may be given", "wider")
            return
        gone, new = [one for one in was if one not in now], [one for one in now if one not in was]
        if gone:
            yield _said(where, f"{', '.join(gone)} is no longer allowed", "narrower")
        if new:
            yield _said(where, f"{', '.join(new)} is allowed now", "wider")

    def _const(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        if "enum" in before or "enum" in after:
            if ("enum" in before and "const" in before) or ("enum" in after and "const" in after):
                yield from self._other("const", before, after, where)
            return
        yield from self._enum(before, after, where)

    def _required(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        was, now = before.get("required") or [], after.get("required") or []
        for name in now:
            if name not in was:
                yield _said(where, f"the field '{name}' is required now", "narrower")
        for name in was:
            if name not in now:
                yield _said(where, f"the field '{name}' may be missing now", "wider")

    def _properties(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        was, now = before.get("properties") or {}, after.get("properties") or {}
        entangled = any(key in schema for key in _ENTANGLED for schema in (before, after))
        for name in dict.fromkeys([*was, *now]):
            inside = f"{where}.{name}" if where else name
            if name in was and name in now:
                yield from self.compare(was[name], now[name], inside)
                continue
            old = was.get(name, before.get("additionalProperties", True))
            new = now.get(name, after.get("additionalProperties", True))
            found = list(self.compare(old, new, inside))
            words = f"the field '{name}' {'is new' if name in now else 'was removed'}"
            yield Difference(
                words=_placed(where, words),
                narrower=entangled or any(one.narrower for one in found),
                wider=entangled or any(one.wider for one in found),
                property="new" if name in now else "gone",
            )

    def _others(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        old, new = (one.get("additionalProperties", True) for one in (before, after))
        found = list(self.compare(old, new, f"{where}.*" if where else "*"))
        if not found:
            return
        entangled = any(key in schema for key in _ENTANGLED for schema in (before, after))
        yield Difference(
            words=_placed(where, "what fields without a name may hold changed"),
            narrower=entangled or any(one.narrower for one in found),
            wider=entangled or any(one.wider for one in found),
            property="open" if isinstance(old, bool) and isinstance(new, bool) else None,
        )

    def _items(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        old, new = (one.get("items", True) for one in (before, after))
        if isinstance(old, list) or isinstance(new, list):
            yield from self._other("items", before, after, where)
        else:
            yield from self.compare(old, new, f"{where}[]")

    def _unique(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        was, now = (bool(one.get("uniqueItems")) for one in (before, after))
        if was != now:
            words = "elements must differ now" if now else "elements may be equal now"
            yield _said(where, words, "narrower" if now else "wider")

    def _any_of(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        yield from self._branches("anyOf", before, after, where)

    def _all_of(self, before: Schema, after: Schema, where: str) -> Iterator[Difference]:
        yield from self._branches("allOf", before, after, where)

    def _branches(
        self, key: str, before: Schema, after: Schema, where: str
    ) -> Iterator[Difference]:
        if key not in before or key not in after:
            word, way = ("added", "narrower") if key in after else ("removed", "wider")
            yield _said(where, f"'{key}' was {word}", way)
            return
        more, fewer = ("wider", "narrower") if key == "anyOf" else ("narrower", "wider")
        for one, other in matched(before[key], after[key]):
            if one is None or other is None:
                word, way = ("more", more) if one is None else ("fewer", fewer)
                yield _said(where, f"'{key}' has {word} branches", way)
            else:
                yield from self.compare(one, other, where)


_KEYS: Mapping[str, Any] = {
    "type": _Comparing._type,
    "enum": _Comparing._enum,
    "const": _Comparing._const,
    "required": _Comparing._required,
    "properties": _Comparing._properties,
    "additionalProperties": _Comparing._others,
    "items": _Comparing._items,
    "uniqueItems": _Comparing._unique,
    "anyOf": _Comparing._any_of,
    "allOf": _Comparing._all_of,
}


def _said(where: str, words: str, way: str) -> Difference:
    return Difference(
        words=_placed(where, words),
        narrower=way in {"narrower", "both"},
        wider=way in {"wider", "both"},
    )


def _once_more(found: list[Difference]) -> Iterator[Difference]:
    """What was said of two parts, for another place in which both stand."""
    if found:
        yield Difference(
            words=found[0].words,
            narrower=any(one.narrower for one in found),
            wider=any(one.wider for one in found),
        )


def _placed(where: str, words: str) -> str:
    return f"in '{where}' {words}" if where else words


def _way(*, narrower: bool, wider: bool) -> str:
    if narrower and wider:
        return "both"
    return "narrower" if narrower else "wider"
