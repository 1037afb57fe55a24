"""A value and a JSON Schema in, what is wrong with the value out."""

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
_EASY = frozenset({"type", "enum", "title", "description", "default", "examples", "example"})


def complaint_about(value: object, schema: Mapping[str, object]) -> str | None:
    """Hold a value to a schema that `check_schema` found well.

    Returns:
        What is wrong with it, in lower case; None when it meets the schema.
    """
    if _EASY.issuperset(schema):
        return _easy_complaint(value, schema)
    return _thorough_complaint(value, schema)


def _easy_complaint(value: object, schema: Mapping[str, object]) -> str | None:
    written = schema.get("type")
    wanted = written if isinstance(written, list) else [written] if written else []
    if wanted and not any(_is_a(value, str(name)) for name in wanted):
        return f"{value!r} is not of type {' or '.join(map(str, wanted))}"
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return f"{value!r} is not one of {', '.join(map(str, choices))}"
    return None


def _is_a(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name]) or (
        name == "integer" and isinstance(value, float) and value.is_integer()
    )


def _thorough_complaint(value: object, schema: Mapping[str, object]) -> str | None:
    from jsonschema import Draft202012Validator, validators
    from jsonschema.exceptions import best_match
    from referencing import Registry

    extend: Any = validators.extend
    checker: Any = extend(Draft202012Validator, {"pattern": _check_pattern})
    nowhere: Any = Registry()
    try:
        found = best_match(checker(schema, registry=nowhere).iter_errors(value))
    except RecursionError:
        return "the schema refers to itself without end"
    return found.message if found is not None else None


def _check_pattern(validator: Any, pattern: str, value: object, schema: object) -> Iterator[Any]:  # noqa: ANN401 - jsonschema's own types
    import regex  # noqa: PLC0415 - its patterns can be stopped, and few schemas have one
    from jsonschema import ValidationError

    del validator, schema
    if not isinstance(value, str):
        return
    try:
        if regex.search(pattern, value, timeout=1.0) is None:
            yield ValidationError(f"{value!r} does not match {pattern!r}")
    except (regex.error, TimeoutError) as error:
        yield ValidationError(f"{pattern!r} cannot be tried: {error}")
