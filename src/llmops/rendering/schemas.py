"""A JSON Schema in, a quick check of values out; jsonschema is asked only when it must be."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import gt, lt
from typing import Any

from msgspec import Struct

Check = Callable[[object], str | None]
"""Says what is wrong with a value, in lower case; None when it meets the schema."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "array": (list, tuple),
    "object": (dict,),
}
_TYPE_WORDS: Mapping[str, str] = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping",
}
ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "$comment"}
)
"""Keys of a schema that say nothing of the value."""
_EASY = frozenset(
    {"type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)
_PATTERN_SECONDS = 1.0
_SHOWN = 60


def check_of(schema: Mapping[str, object]) -> Check:
    """Make the check of a schema."""
    keys = set(schema) - ANNOTATIONS
    if not keys:
        return lambda value: None
    if not keys - _EASY:
        return _easy_check(schema)
    if not keys - _EASY - {"items"} and isinstance(schema["items"], Mapping):
        return _list_check(schema, check_of(schema["items"]))
    return _thorough_check(schema)


def _easy_check(schema: Mapping[str, object]) -> Check:
    checks = [_RULES[key](limit) for key, limit in schema.items() if key in _RULES]
    if len(checks) == 1:
        rule = checks[0]
        return lambda value: f"{_shown(value)} {words}" if (words := rule(value)) else None

    def check(value: object) -> str | None:
        for rule in checks:
            complaint = rule(value)
            if complaint is not None:
                return f"{_shown(value)} {complaint}"
        return None

    return check


def _list_check(schema: Mapping[str, object], check_item: Check) -> Check:
    check_whole = _easy_check(schema)

    def check(value: object) -> str | None:
        complaint = check_whole(value)
        if complaint is None and isinstance(value, list | tuple):
            found = ((number, check_item(item)) for number, item in enumerate(value, 1))
            wrong = next(((number, words) for number, words in found if words), None)
            return f"element {wrong[0]}: {wrong[1]}" if wrong else None
        return complaint

    return check


def _type_rule(wanted: Any) -> Check:  # noqa: ANN401 - what stands in the schema
    names = [str(name) for name in wanted] if isinstance(wanted, list) else [str(wanted)]
    words = f"is not {' or '.join(_TYPE_WORDS.get(name, name) for name in names)}"
    kinds = tuple(kind for name in names for kind in _TYPES.get(name, ()))
    boolean, whole = "boolean" in names, "integer" in names
    if not whole and "number" not in names:
        return lambda value: None if isinstance(value, kinds) else words

    def check(value: object) -> str | None:
        if isinstance(value, bool):
            return None if boolean else words
        if isinstance(value, kinds) or (whole and isinstance(value, float) and value.is_integer()):
            return None
        return words

    return check


def _enum_rule(choices: Any) -> Check:  # noqa: ANN401 - what stands in the schema
    words = f"is not one of {', '.join(map(str, choices))}"

    def check(value: object) -> str | None:
        kind = isinstance(value, bool)
        same = any(value == choice and kind == isinstance(choice, bool) for choice in choices)
        return None if same else words

    return check


def _bound_rule(bound: "_Bound", limit: Any) -> Check:  # noqa: ANN401 - what stands in the schema
    words = bound.words.format(limit)

    def check(value: object) -> str | None:
        if not isinstance(value, bound.kinds) or isinstance(value, bool):
            return None
        return words if bound.outside(bound.measure(value), limit) else None

    return check


class _Bound(Struct, frozen=True):
    """A limit that a schema sets for some kinds of values."""

    kinds: tuple[type, ...]
    measure: Callable[[Any], Any]
    outside: Callable[[Any, Any], bool]
    words: str


_NUMBERS = (int, float)
_LISTS = (list, tuple)
_BOUNDS: Mapping[str, _Bound] = {
    "minimum": _Bound(_NUMBERS, lambda number: number, lt, "is less than {}"),
    "maximum": _Bound(_NUMBERS, lambda number: number, gt, "is more than {}"),
    "minLength": _Bound((str,), len, lt, "has fewer than {} characters"),
    "maxLength": _Bound((str,), len, gt, "has more than {} characters"),
    "minItems": _Bound(_LISTS, len, lt, "has fewer than {} elements"),
    "maxItems": _Bound(_LISTS, len, gt, "has more than {} elements"),
}
_RULES: Mapping[str, Callable[[Any], Check]] = {
    "type": _type_rule,
    "enum": _enum_rule,
    **{key: partial(_bound_rule, bound) for key, bound in _BOUNDS.items()},
}


def _thorough_check(schema: Mapping[str, object]) -> Check:
    made: list[Any] = []

    def check(value: object) -> str | None:
        from jsonschema.exceptions import best_match

        if not made:
            made.append(_validator(schema))
        try:
            found = best_match(made[0].iter_errors(value))
        except Exception as error:  # a schema that refers to what is not there, or to itself
            return f"its schema cannot be used: {str(error) or type(error).__name__}"
        if found is None:
            return None
        where = "".join(f"'{part}': " for part in found.path)
        return f"{where}{_cut(found.message)}"

    return check


def _validator(schema: Mapping[str, object]) -> Any:  # noqa: ANN401 - jsonschema's own class
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    extend: Any = validators.extend
    nowhere: Any = Registry()
    return extend(Draft202012Validator, {"pattern": _check_pattern})(schema, registry=nowhere)


def _check_pattern(_: object, pattern: str, value: object, __: object) -> Any:  # noqa: ANN401 - as jsonschema calls it
    import regex  # noqa: PLC0415 - it takes as long to load as all of this room; few schemas have patterns
    from jsonschema import ValidationError

    if not isinstance(value, str):
        return
    try:
        matches = regex.search(pattern, value, timeout=_PATTERN_SECONDS)
    except TimeoutError:
        yield ValidationError(f"matching it with '{pattern}' takes too long")
        return
    except regex.error as error:
        yield ValidationError(f"'{pattern}' is no pattern: {error}")
        return
    if not matches:
        yield ValidationError(f"{_shown(value)} does not match '{pattern}'")


def _shown(value: object) -> str:
    return f"'{_cut(value)}'" if isinstance(value, str) else _cut(repr(value))


def _cut(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
