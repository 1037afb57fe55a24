"""JSON Schemas that users write: each keyword checked where it stands, and values held to them."""

import difflib
import re
import warnings
from collections.abc import Callable, Mapping

from llmops.domain.node import Node
from llmops.errors import Fault, did_you_mean
from llmops.loading.readers import Faults, expected, refuse

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_Check = Callable[[Node, Faults], None]


def check_schema(node: Node, faults: Faults, *, strict: bool = False) -> None:
    """Check that a node is a JSON Schema; every fault is added to `faults`.

    References may only lead into the schema itself: nothing is ever fetched.

    Args:
        node: What the user wrote.
        faults: The complaints.
        strict: Whether the outermost mapping may hold only known keywords and `x-…`; elsewhere
            a word that no draft knows is allowed unless it looks misspelt.
    """
    _check(node, faults, strict=strict)
    _check_references(node, node, faults)


def _check(node: Node, faults: Faults, *, strict: bool = False) -> None:
    if node.kind == "boolean":
        return
    if node.kind != "mapping":
        expected(node, "a JSON Schema", faults, "write a mapping such as {type: string}")
        return
    for key, at, child in node.entries():
        check = _KEYWORDS.get(key)
        if check is not None:
            check(child, faults)
            continue
        if key in _FREE or key.startswith("x-"):
            continue
        near = _meant(key)
        if near is None and not strict:
            continue
        message, hint = f"'{key}' is no keyword of JSON Schema", near or f"write it as 'x-{key}'"
        faults.append(Fault(code="unknown-keyword", message=message, at=at, hint=hint))


def _meant(key: str) -> str | None:
    """The keyword that was meant; a word that is merely like one may be another dialect's."""
    near = difflib.get_close_matches(key, _KEYWORDS, n=1, cutoff=0.72)
    word = _MISTAKEN.get(key) or (near[0] if near else None)
    return f"did you mean '{word}'?" if word else None


def _check_type(node: Node, faults: Faults) -> None:
    for child in node.elements() if node.kind == "list" else (node,):
        if child.value not in TYPES or child.kind != "text":
            near = did_you_mean(child.typed, TYPES) if child.kind == "text" else None
            known = f"the types are {', '.join(TYPES)}"
            refuse(child, "unknown-type", f"'{child.typed}' is no type", faults, near or known)


def _check_items(node: Node, faults: Faults) -> None:
    (_check_each if node.kind == "list" else _check)(node, faults)


def _check_each(node: Node, faults: Faults) -> None:
    if node.kind != "list" or not node.value:
        expected(node, "a list of JSON Schemas", faults, "write '- ' before each of them")
        return
    for child in node.elements():
        _check(child, faults)


def _check_named(node: Node, faults: Faults) -> None:
    if node.kind != "mapping":
        expected(node, "JSON Schemas by name", faults, "write 'name: {type: string}' lines")
        return
    for child in node.values():
        _check(child, faults)


def _check_names(node: Node, faults: Faults) -> None:
    if node.kind == "boolean":
        hint = "list the names: [name, …]; an input is required unless it has a default"
        expected(node, "a list of names", faults, hint)
        return
    if node.kind != "list" or any(child.kind != "text" for child in node.elements()):
        expected(node, "a list of names", faults, "write [name, …]")


def _check_choices(node: Node, faults: Faults) -> None:
    if node.kind != "list" or not node.value:
        expected(node, "a list of values", faults, "write [one, other]")


def _check_number(node: Node, faults: Faults) -> None:
    if node.kind != "number":
        expected(node, "a number", faults, "write a number such as 3, without quotes")


def _check_count(node: Node, faults: Faults) -> None:
    if node.kind != "number" or not isinstance(node.value, int) or node.value < 0:
        expected(node, "a whole number of 0 or more", faults, "write a number such as 3")


def _check_divisor(node: Node, faults: Faults) -> None:
    if node.kind != "number" or node.value <= 0:
        expected(node, "a number above 0", faults, "write a number such as 0.01")


def _check_flag(node: Node, faults: Faults) -> None:
    if node.kind != "boolean":
        expected(node, "true or false", faults, "write true or false, without quotes")


def _check_text(node: Node, faults: Faults) -> None:
    if node.kind not in {"text", "number", "boolean"}:
        expected(node, "text", faults, "write the text in quotes")


def _check_pattern(node: Node, faults: Faults) -> None:
    if node.kind != "text":
        expected(node, "a pattern", faults, "write the pattern in single quotes")
        return
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(node.value)
    except (re.error, OverflowError, RecursionError) as error:
        hint = "write it in single quotes, and a backslash before . ( ) [ ] that are meant as such"
        refuse(node, "pattern", f"'{node.value}' is no pattern: {error}", faults, hint)


def _check_free(node: Node, faults: Faults) -> None:
    del node, faults


def _check_references(node: Node, root: Node, faults: Faults) -> None:
    if node.kind == "list":
        for child in node.elements():
            _check_references(child, root, faults)
    if node.kind != "mapping":
        return
    for key, child in node.items():
        if key == "$ref" and child.kind == "text":
            _check_reference(child, root, faults)
        elif key not in {"enum", "const", "default", "examples"}:
            _check_references(child, root, faults)


def _check_reference(node: Node, root: Node, faults: Faults) -> None:
    reference = node.typed
    if not reference.startswith("#"):
        hint = "copy what it names below '$defs' and write '#/$defs/…'"
        message = f"'{reference}' leads out of the schema, and nothing is fetched"
        refuse(node, "schema-reference", message, faults, hint)
        return
    here: object = root.value
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        here = here.get(name) if isinstance(here, Mapping) else None
    if not isinstance(here, Mapping | bool) or (here is root.value and reference != "#"):
        hint = f"the schema defines {_defined(root)}"
        refuse(node, "schema-reference", f"'{reference}' is not in the schema", faults, hint)


def _defined(root: Node) -> str:
    names = [
        f"#/{key}/{name}"
        for key in ("$defs", "definitions")
        for name in (root.value.get(key) if isinstance(root.value.get(key), Mapping) else ())
    ]
    return ", ".join(names) or "nothing below '$defs'"


def _keywords(words: str, check: _Check) -> dict[str, _Check]:
    return dict.fromkeys(words.split(), check)


_KEYWORDS: Mapping[str, _Check] = {
    "type": _check_type,
    "items": _check_items,
    "required": _check_names,
    "enum": _check_choices,
    "pattern": _check_pattern,
    "multipleOf": _check_divisor,
    "uniqueItems": _check_flag,
    **_keywords("properties patternProperties definitions $defs dependentSchemas", _check_named),
    **_keywords("allOf anyOf oneOf prefixItems", _check_each),
    **_keywords("additionalProperties additionalItems not if then else contains", _check),
    **_keywords("propertyNames unevaluatedItems unevaluatedProperties", _check),
    **_keywords("minimum maximum exclusiveMinimum exclusiveMaximum", _check_number),
    **_keywords("minLength maxLength minItems maxItems", _check_count),
    **_keywords("minProperties maxProperties minContains maxContains", _check_count),
    **_keywords("title description format $schema $id $ref $comment", _check_text),
    **_keywords("const default examples dependencies dependentRequired", _check_free),
}
_MISTAKEN = {"min": "minimum", "max": "maximum", "choices": "enum", "values": "enum"}
_FREE = frozenset({"example", "nullable", "deprecated", "readOnly", "writeOnly", "discriminator"})
"""Words that other dialects use, so that they are not taken for misspelt ones."""

_TYPE_WORDS: Mapping[str, object] = {"enum": list(TYPES)}
META_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        **{key: {} for key in (*_KEYWORDS, *sorted(_FREE))},
        "type": {"anyOf": [_TYPE_WORDS, {"type": "array", "items": _TYPE_WORDS}]},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}
"""The JSON Schema of what `check_schema` takes when it is strict."""
