"""JSON Schemas compiled: nothing is ever fetched, and patterns run under a time limit."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, NoReturn

from msgspec import Struct

from llmops.errors import CannotScoreError
from llmops.scoring.formats import format_checker
from llmops.scoring.pattern import compile_pattern, search
from llmops.scoring.vetting import SchemaFault, vet
from llmops.scoring.wording import listing, quote, shorten

DRAFTS = {
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
}
"""What `$schema` may say, the default first."""

_TIMEOUT = 0.5
"""Seconds one pattern may take on one text."""


class WrongSchemaError(Exception):
    """A schema cannot be used.

    Attributes:
        faults: All that is wrong with it.
    """

    def __init__(self, faults: tuple[SchemaFault, ...]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


class CompiledSchema(Struct, frozen=True, kw_only=True):
    """A schema ready to check values.

    Attributes:
        slow: Whether it holds patterns, or keywords that may take long.
    """

    validator: Any
    slow: bool

    def violations(self, value: object, limit: int = 3) -> list[str]:
        """The first few violations: where in the value, and what is wrong there.

        Raises:
            CannotScoreError: A pattern took too long, or the value and the schema together are
                nested too deeply.
        """
        try:
            return [_words(error) for error in islice(self.validator.iter_errors(value), limit)]
        except RecursionError:
            raise CannotScoreError("the value is nested too deeply for the schema") from None


def compile_schema(schema: object) -> CompiledSchema:
    """Compile a schema by the draft that its `$schema` names, or by Draft 2020-12.

    Raises:
        WrongSchemaError: It is no schema, it would hold for any JSON or for none, it points outside
            of itself, or a keyword is misspelt.
    """
    if not isinstance(schema, Mapping):
        _refuse("a schema is a mapping such as {type: object}", "use 'is_json' for any JSON")
    checker = _checker_of(schema.get("$schema"))
    _check_form(checker, schema)
    found = vet(schema, frozenset(checker.VALIDATORS), _all_keywords() - set(checker.VALIDATORS))
    if found.faults:
        raise WrongSchemaError(found.faults)
    compiled = CompiledSchema(validator=_validator(checker, schema), slow=found.has_patterns)
    _check_end(compiled)
    return compiled


def _refuse(message: str, hint: str | None, path: tuple[str | int, ...] = ()) -> NoReturn:
    raise WrongSchemaError((SchemaFault(path=path, message=message, hint=hint),))


def _checker_of(named: object) -> Any:  # noqa: ANN401 - a jsonschema validator class
    import jsonschema

    draft = next(iter(DRAFTS)) if named is None else str(named).removesuffix("#")
    if draft not in DRAFTS:
        hint = f"known are {', '.join(DRAFTS)}"
        _refuse(f"no draft of JSON Schema is called {quote(str(named))}", hint, ("$schema",))
    return getattr(jsonschema, DRAFTS[draft])


def _check_form(checker: Any, schema: object) -> None:  # noqa: ANN401 - as above
    from jsonschema import FormatChecker, SchemaError

    try:
        checker.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        _refuse(f"the schema is wrong: {_message(error)}", None, tuple(error.absolute_path))
    except RecursionError:
        _refuse("the schema is nested too deeply", None)


def _validator(checker: Any, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """The validator. Without `$schema`, for it would bring back the draft's own keywords."""
    from jsonschema import validators
    from referencing import Registry

    extend: Any = validators.extend
    cls = extend(checker, validators=_KEYWORDS)
    plain = {key: value for key, value in schema.items() if key != "$schema"}
    return cls(plain, registry=Registry(), format_checker=format_checker())


def _check_end(compiled: CompiledSchema) -> None:
    probes: tuple[object, ...] = (None, {}, [], "", 0)
    for value in probes:
        try:
            compiled.violations(value)
        except CannotScoreError:
            hint = "put a keyword such as 'properties' between a schema and its '$ref' to itself"
            _refuse("the schema refers to itself without end", hint)


@cache
def _all_keywords() -> frozenset[str]:
    import jsonschema

    return frozenset(
        key for name in DRAFTS.values() for key in getattr(jsonschema, name).VALIDATORS
    )


def _pattern(
    validator: Any,  # noqa: ANN401 - the signature of a jsonschema keyword, here and below
    pattern: str,
    instance: object,
    schema: object,
) -> Iterator[Any]:
    from jsonschema import ValidationError

    del validator, schema
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any,  # noqa: ANN401 - as above
    patterns: Mapping[str, Any],
    instance: object,
    schema: object,
) -> Iterator[Any]:
    del schema
    if not isinstance(instance, Mapping):
        return
    for pattern, inner in patterns.items():
        for name, value in instance.items():
            if _found(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any,  # noqa: ANN401 - as above
    allowed: object,
    instance: object,
    schema: Mapping[str, Any],
) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not isinstance(instance, Mapping):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    unknown = [name for name in instance if name not in known]
    extras = [name for name in unknown if not any(_found(one, name) for one in patterns)]
    if isinstance(allowed, Mapping):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extras:
        yield ValidationError(f"more properties than are allowed: {listing(extras)}")


def _unique_items(
    validator: Any,  # noqa: ANN401 - as above
    unique: object,
    instance: object,
    schema: object,
) -> Iterator[Any]:
    """Take time that grows with the list, not with its square."""
    from jsonschema import ValidationError

    del validator, schema
    if unique and isinstance(instance, list) and len(set(map(_frozen, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


_KEYWORDS = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}


def _found(pattern: str, text: str) -> bool:
    return search(_compiled(pattern), text, timeout=_TIMEOUT) is not None


@cache
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - a compiled pattern
    return compile_pattern(pattern)


def _frozen(value: object) -> object:
    match value:
        case bool():
            return ("boolean", value)
        case list():
            return ("list", *map(_frozen, value))
        case Mapping():
            return frozenset((key, _frozen(inner)) for key, inner in value.items())
        case _:
            return value


def _words(error: Any) -> str:  # noqa: ANN401 - a jsonschema error
    path = ".".join(map(str, error.absolute_path))
    return f"{path}: {_message(error)}" if path else _message(error)


def _message(error: Any) -> str:  # noqa: ANN401 - as above
    written = repr(error.instance)
    said = error.message
    if len(written) > 60:
        said = said.replace(written, shorten(written, 60))
    return shorten(said, 200)
