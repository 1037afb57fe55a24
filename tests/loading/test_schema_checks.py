import jsonschema
import pytest
from reading import node, shown

from llmops.errors import Fault
from llmops.loading.json_schemas import META_SCHEMA, check_schema
from llmops.loading.schema_values import complaint_about

WELL = [
    "{}",
    "true",
    "{type: object, properties: {a: {type: [string, 'null']}}, required: [a]}",
    "{type: array, items: {type: string}, minItems: 1, uniqueItems: true}",
    "{items: [{type: string}, true], additionalItems: false}",
    "{$defs: {a: {type: string}}, $ref: '#/$defs/a'}",
    "{definitions: {a/b: {}}, properties: {x: {$ref: '#/definitions/a~1b'}}}",
    "{properties: {x: {$ref: '#'}}}",
    "{enum: [a, 1, null], const: a, default: {$ref: nowhere}, examples: [{$ref: x}]}",
    "{anyOf: [{type: string}, {minimum: 1.5}], not: {maxLength: 3}}",
    "{type: string, format: email, pattern: '^a+$', title: T, description: 1.20}",
    "{type: number, multipleOf: 0.01, x-unit: EUR, deprecated: true, propertyOrdering: [a]}",
]
WRONG = [
    ("3", "1:1: expected a JSON Schema, not '3' [wrong-type]"),
    ("{type: strng}", "1:8: 'strng' is no type [unknown-type]"),
    ("{type: 3}", "1:8: '3' is no type [unknown-type]"),
    ("{type: [string, 3]}", "1:17: '3' is no type [unknown-type]"),
    ("{type: {a: b}}", "1:8: '{'a': 'b'}' is no type [unknown-type]"),
    ("{properties: [a]}", "1:14: expected JSON Schemas by name, not a list [wrong-type]"),
    ("{properties: {a: 3}}", "1:18: expected a JSON Schema, not '3' [wrong-type]"),
    ("{required: a}", "1:12: expected a list of names, not text ('a') [wrong-type]"),
    ("{required: [1]}", "1:12: expected a list of names, not a list [wrong-type]"),
    ("{required: true}", "1:12: expected a list of names, not 'true' [wrong-type]"),
    ("{enum: a}", "1:8: expected a list of values, not text ('a') [wrong-type]"),
    ("{enum: []}", "1:8: expected a list of values, not an empty list [wrong-type]"),
    ("{anyOf: []}", "1:9: expected a list of JSON Schemas, not an empty list [wrong-type]"),
    ("{allOf: {a: b}}", "1:9: expected a list of JSON Schemas, not a mapping [wrong-type]"),
    ("{minimum: '1'}", "1:11: expected a number, not text ('1') [wrong-type]"),
    ("{minLength: 1.5}", "1:13: expected a whole number of 0 or more, not '1.5' [wrong-type]"),
    ("{maxItems: -1}", "1:12: expected a whole number of 0 or more, not '-1' [wrong-type]"),
    ("{multipleOf: 0}", "1:14: expected a number above 0, not '0' [wrong-type]"),
    ("{uniqueItems: yes}", "1:15: expected true or false, not text ('yes') [wrong-type]"),
    ("{title: [a]}", "1:9: expected text, not a list [wrong-type]"),
    ("{pattern: [a]}", "1:11: expected a pattern, not a list [wrong-type]"),
    ("{pattern: '('}", "1:11: '(' is no pattern: missing ), unterminated subpattern"),
    ("{min: 3}", "1:2: 'min' is no keyword of JSON Schema [unknown-keyword]"),
    ("{items: {tpye: a}}", "1:10: 'tpye' is no keyword of JSON Schema [unknown-keyword]"),
    ("{$ref: other.json}", "1:8: 'other.json' leads out of the schema, and nothing is fetched"),
    ("{items: {$ref: '#/$defs/a'}}", "1:16: '#/$defs/a' is not in the schema"),
    ("{$defs: {a: {}}, items: [{$ref: '#/$defs/b'}]}", "1:33: '#/$defs/b' is not in the"),
    ("{$defs: 3, $ref: '#/$defs/b'}", "1:9: expected JSON Schemas by name, not '3'"),
    ("{$ref: '#a'}", "1:8: '#a' is not in the schema [schema-reference]"),
]


def faults_of(text: str, *, strict: bool = False) -> list[Fault]:
    faults: list[Fault] = []
    check_schema(node(text), faults, strict=strict)
    return faults


@pytest.mark.parametrize("text", WELL)
def test_a_schema_that_is_well_is_taken(text: str) -> None:
    assert faults_of(text) == []


@pytest.mark.parametrize(("text", "fault"), WRONG)
def test_a_keyword_that_is_wrong_is_shown_where_it_stands(text: str, fault: str) -> None:
    faults = faults_of(text)

    assert shown(faults)[0].startswith(f"f.yaml:{fault}")
    assert all(one.hint for one in faults)


def test_a_strict_schema_has_only_keywords_that_are_known() -> None:
    text = "{type: string, propertyOrdering: [a], x-unit: EUR, items: {zzz: 1}}"

    assert shown(faults_of(text, strict=True)) == [
        "f.yaml:1:16: 'propertyOrdering' is no keyword of JSON Schema [unknown-keyword]"
    ]


def test_the_schema_of_schemas_knows_the_same_keywords() -> None:
    validator = jsonschema.Draft7Validator(META_SCHEMA)

    assert validator.is_valid({"type": ["string", "null"], "minLength": 1, "x-a": 1})
    assert not validator.is_valid({"type": "strng"})
    assert not validator.is_valid({"minLenght": 1})


@pytest.mark.parametrize(
    ("value", "schema", "complaint"),
    [
        ("a", {}, None),
        ("a", {"type": "string"}, None),
        (3.0, {"type": "integer"}, None),
        (3, {"type": "number"}, None),
        (True, {"type": "boolean"}, None),
        (True, {"type": "number"}, "True is not of type number"),
        (None, {"type": ["string", "null"]}, None),
        ([], {"type": "array"}, None),
        ({}, {"type": "object"}, None),
        ("a", {"enum": ["b"]}, "'a' is not one of b"),
        ("a", {"type": ["integer", "null"]}, "'a' is not of type integer or null"),
        (3, {"minimum": 4}, "3 is less than the minimum of 4"),
        (3, {"type": "number", "pattern": "a"}, None),
        ("b", {"pattern": "^a"}, "'b' does not match '^a'"),
        ("ab", {"pattern": "^a"}, None),
    ],
)
def test_a_value_is_held_to_a_schema(
    value: object, schema: dict[str, object], complaint: str | None
) -> None:
    assert complaint_about(value, schema) == complaint
