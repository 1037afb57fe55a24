from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.versions.schema_change import Difference, schema_differences

TEXT = {"type": "string"}
CLOSED = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}


def ways(before: object, after: object) -> tuple[bool, bool]:
    found = schema_differences(before, after)
    return any(one.narrower for one in found), any(one.wider for one in found)


SAME, NARROWER, WIDER, BOTH = (False, False), (True, False), (False, True), (True, True)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (TEXT, {**TEXT, "description": "words"}, SAME),
        (TEXT, {"type": ["string"]}, SAME),
        (TEXT, {**TEXT, "x-note": 1}, SAME),
        ({}, TEXT, NARROWER),
        (TEXT, {}, WIDER),
        (TEXT, {"type": "integer"}, BOTH),
        ({"type": "integer"}, {"type": "number"}, WIDER),
        ({"type": ["string", "null"]}, TEXT, NARROWER),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, SAME),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, NARROWER),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, WIDER),
        ({"enum": ["a"]}, {"enum": ["b"]}, BOTH),
        ({}, {"enum": ["a"]}, NARROWER),
        ({"enum": ["a"]}, {}, WIDER),
        ({"const": "a"}, {"enum": ["a", "b"]}, WIDER),
        ({"const": "a"}, {"const": "a", "enum": ["a"]}, SAME),
        ({"enum": ["a"]}, {"const": "a", "enum": ["a"]}, BOTH),
        ({"const": "a"}, {"const": "b"}, BOTH),
        ({"maxLength": 9}, {"maxLength": 5}, NARROWER),
        ({"maxLength": 5}, {"maxLength": 9}, WIDER),
        ({"minimum": 1}, {"minimum": 2}, NARROWER),
        ({"minimum": 2}, {"minimum": 1}, WIDER),
        ({"minimum": 1}, {"minimum": 1.0}, SAME),
        ({}, {"maximum": 3}, NARROWER),
        ({"maximum": 3}, {}, WIDER),
        ({}, {"pattern": "a"}, NARROWER),
        ({"pattern": "a"}, {}, WIDER),
        ({"pattern": "a"}, {"pattern": "b"}, BOTH),
        ({"if": TEXT}, {}, BOTH),
        ({}, {"oneOf": [TEXT]}, BOTH),
        ({"uniqueItems": True}, {"uniqueItems": False}, WIDER),
        ({}, {"uniqueItems": True}, NARROWER),
        ({"items": TEXT}, {"items": {"type": ["string", "null"]}}, WIDER),
        ({}, {"items": TEXT}, NARROWER),
        ({"items": [TEXT]}, {"items": TEXT}, BOTH),
        ({"items": [TEXT]}, {"items": [TEXT]}, SAME),
        (True, {}, SAME),
        (True, False, NARROWER),
        (False, {}, WIDER),
        ({}, False, NARROWER),
        (False, False, SAME),
        ({"properties": {"a": True}}, {"properties": {"a": False}}, NARROWER),
        ({"anyOf": [TEXT]}, {"anyOf": [{"type": "null"}, TEXT]}, WIDER),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT]}, NARROWER),
        ({"anyOf": [TEXT]}, {"anyOf": [{"type": "null"}]}, BOTH),
        ({"allOf": [TEXT]}, {"allOf": [TEXT, {"maxLength": 3}]}, NARROWER),
        ({"allOf": [TEXT, {"maxLength": 3}]}, {"allOf": [TEXT]}, WIDER),
        ({}, {"anyOf": [TEXT]}, NARROWER),
        ({"allOf": [TEXT]}, {}, WIDER),
        ({"required": ["a"]}, {"required": ["a", "b"]}, NARROWER),
        ({"required": ["a"]}, {}, WIDER),
        (CLOSED, {**CLOSED, "properties": {"a": TEXT, "b": TEXT}}, WIDER),
        ({"properties": {"a": TEXT}}, {"properties": {"a": TEXT, "b": TEXT}}, NARROWER),
        (CLOSED, {**CLOSED, "properties": {}}, NARROWER),
        (CLOSED, {**CLOSED, "additionalProperties": True}, WIDER),
        (CLOSED, {**CLOSED, "additionalProperties": TEXT}, WIDER),
        ({"patternProperties": {"^a": TEXT}}, {"properties": {"a": TEXT}}, BOTH),
        (
            {"patternProperties": {"^a": TEXT}, "additionalProperties": False},
            {"patternProperties": {"^a": TEXT}, "additionalProperties": True},
            BOTH,
        ),
    ],
)
def test_a_change_of_a_schema_refuses_or_accepts_more(
    before: object, after: object, expected: tuple[bool, bool]
) -> None:
    assert ways(before, after) == expected


def ref(name: str, **definitions: object) -> dict[str, object]:
    return {"$ref": f"#/$defs/{name}", "$defs": definitions}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ref("a", a=TEXT), ref("b", b=TEXT), SAME),
        (ref("a", a=TEXT), TEXT, SAME),
        (ref("a", a={"type": ["string", "null"]}), ref("a", a=TEXT), NARROWER),
        (ref("a", a=TEXT), ref("a", a={}), WIDER),
        (ref("a", a=ref("a")), ref("a", a=TEXT), BOTH),
        (ref("a", a=TEXT), ref("gone", a=TEXT), BOTH),
        ({"$ref": "other.json"}, {"$ref": "other.json", "type": "string"}, BOTH),
        ({**ref("a", a=TEXT), "type": "string"}, TEXT, BOTH),
        (
            {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": TEXT}},
            {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}},
            BOTH,
        ),
    ],
)
def test_references_are_followed_where_they_lead_into_the_schema(
    before: object, after: object, expected: tuple[bool, bool]
) -> None:
    assert ways(before, after) == expected


def test_a_schema_that_refers_to_itself_is_compared_to_the_end() -> None:
    def tree(value: object) -> dict[str, object]:
        node = {"properties": {"value": value, "left": {"$ref": "#/$defs/n"}}}
        return {"$ref": "#/$defs/n", "$defs": {"n": node}}

    assert ways(tree(TEXT), tree(TEXT)) == SAME
    assert ways(tree({}), tree(TEXT)) == NARROWER
    assert ways({"items": {"$ref": "#"}}, {"items": {"$ref": "#"}, "maxItems": 3}) == NARROWER


def test_a_reference_that_stands_twice_counts_twice() -> None:
    def pair(of: object) -> dict[str, object]:
        names = {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}}
        return {"properties": names, "$defs": {"x": of}}

    found = schema_differences(pair({}), pair(TEXT))

    assert found == [
        Difference(words="in 'a' the type was any and is string", narrower=True),
        Difference(words="in 'a' the type was any and is string", narrower=True),
    ]


def test_a_difference_says_where_and_what() -> None:
    before = {"properties": {"a": {"items": {"enum": ["x", "y"]}}}}
    after = {"properties": {"a": {"items": {"enum": ["x"]}}, "b": TEXT}, "maxProperties": 3}

    words = [one.words for one in schema_differences(before, after)]

    assert words == [
        "in 'a[]' \"y\" is no longer allowed",
        "the field 'b' is new",
        "'maxProperties: 3' was added",
    ]


SCALARS = st.sampled_from([1, 2, 1.5, "a", "b", None, True, [], ["a"], {}, {"a": 1}, {"b": "a"}])


def schemas() -> st.SearchStrategy[Any]:
    leaf = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "object", ["string", "null"]]),
            "enum": st.lists(SCALARS, min_size=1, max_size=3),
            "minimum": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "const": SCALARS,
            "required": st.lists(st.sampled_from("ab"), unique=True),
            "$ref": st.sampled_from(["#/$defs/x", "#/$defs/y"]),
        },
    )

    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=2)
        return st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["object", "array"]),
                "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
                "additionalProperties": st.one_of(st.booleans(), inner),
                "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
                "items": inner,
                "anyOf": several,
                "allOf": several,
                "not": inner,
                "uniqueItems": st.booleans(),
            },
        )

    defined = st.fixed_dictionaries({"x": leaf.map(_no_ref), "y": leaf.map(_no_ref)})
    whole = st.recursive(leaf, deeper, max_leaves=5)
    return st.builds(lambda schema, defs: {**schema, "$defs": defs}, whole, defined)


def _no_ref(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$ref"}


@settings(max_examples=3 * settings.default.max_examples)
@given(schemas(), schemas(), SCALARS)
def test_what_is_not_called_narrower_refuses_nothing(
    before: dict[str, Any], after: dict[str, Any], value: object
) -> None:
    narrower, wider = ways(before, after)

    accepted = [
        jsonschema.Draft202012Validator(schema).is_valid(value) for schema in (before, after)
    ]

    if accepted == [True, False]:
        assert narrower
    if accepted == [False, True]:
        assert wider
