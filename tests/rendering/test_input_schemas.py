import subprocess
import sys

import pytest

from llmops.rendering.schemas import check_of

Schema = dict[str, object]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, object()),
        ({"description": "anything"}, 5),
        ({"type": "string"}, "a"),
        ({"type": "integer"}, 5),
        ({"type": "integer"}, 5.0),
        ({"type": "number"}, 5),
        ({"type": "number"}, 5.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array"}, [1]),
        ({"type": "object"}, {"a": 1}),
        ({"type": ["string", "null"]}, None),
        ({"enum": ["a", 1, None]}, 1.0),
        ({"enum": [True]}, True),
        ({"minimum": 1, "maximum": 2}, 1.5),
        ({"minimum": 1}, "text"),
        ({"minimum": 1}, True),
        ({"minLength": 1, "maxLength": 2}, "é"),
        ({"minItems": 1, "maxItems": 1}, [5]),
        ({"type": "array", "items": {"type": "string"}}, ["a"]),
        ({"items": {"type": "string"}}, "no list"),
        ({"type": "string", "pattern": "^a+$"}, "aaa"),
        ({"pattern": "^a+$"}, 5),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "b"}),
    ],
)
def test_a_value_that_meets_its_schema_is_taken(schema: Schema, value: object) -> None:
    assert check_of(schema)(value) is None


@pytest.mark.parametrize(
    ("schema", "value", "complaint"),
    [
        ({"type": "string"}, 5, "5 is not text"),
        ({"type": "integer"}, 5.5, "5.5 is not a whole number"),
        ({"type": "integer"}, "5", "'5' is not a whole number"),
        ({"type": "integer"}, True, "True is not a whole number"),
        ({"type": "number"}, False, "False is not a number"),
        ({"type": "boolean"}, 1, "1 is not true or false"),
        ({"type": ["string", "null"]}, 1, "1 is not text or nothing"),
        ({"type": "nonsense"}, 1, "1 is not nonsense"),
        ({"enum": ["a", "b"]}, "c", "'c' is not one of a, b"),
        ({"enum": [1]}, True, "True is not one of 1"),
        ({"type": "number", "minimum": 1}, 0, "0 is less than 1"),
        ({"maximum": 1}, 2, "2 is more than 1"),
        ({"minLength": 2}, "a", "'a' has fewer than 2 characters"),
        ({"maxLength": 2}, "abc", "'abc' has more than 2 characters"),
        ({"minItems": 1}, [], "[] has fewer than 1 elements"),
        ({"maxItems": 1}, [1, 2], "[1, 2] has more than 1 elements"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 5], "element 2: 5 is not text"),
        ({"type": "array", "items": {"type": "string"}}, 5, "5 is not a list"),
        ({"enum": ["a"]}, "x" * 99, f"'{'x' * 60}…' is not one of a"),
        ({"pattern": "^a+$"}, "b", "'b' does not match '^a+$'"),
        ({"pattern": "("}, "b", "'(' is no pattern: missing )"),
        (
            {"properties": {"a": {"type": "string"}}},
            {"a": 5},
            "'a': 5 is not of type 'string'",
        ),
        ({"items": True, "contains": {"const": 1}}, [2], "does not contain items"),
        ({"$ref": "https://example.com/schema"}, 1, "its schema cannot be used: "),
        ({"allOf": [{"$ref": "#"}]}, 1, "its schema cannot be used: "),
    ],
)
def test_a_value_that_breaks_its_schema_is_refused(
    schema: Schema, value: object, complaint: str
) -> None:
    found = check_of(schema)(value)

    assert found is not None
    assert complaint in found


def test_a_pattern_that_takes_too_long_is_an_error() -> None:
    found = check_of({"pattern": "^(a|aa)+$"})("a" * 60 + "b")

    assert found == "matching it with '^(a|aa)+$' takes too long"


def test_an_easy_schema_never_loads_jsonschema() -> None:
    code = (
        "import sys; from llmops.rendering.schemas import check_of;"
        "check_of({'type': 'string', 'maxLength': 5, 'description': 'x'})('a');"
        "assert 'jsonschema' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
