import pytest
from reading import node

from llmops.domain.node import node_of
from llmops.loading.values import input_value
from llmops.location import Location


@pytest.mark.parametrize(
    ("written", "schema", "value"),
    [
        ("1.20", {"type": "string"}, "1.20"),
        ("1.20", {"type": "number"}, 1.2),
        ("1.20", {}, 1.2),
        ("007", {"type": "string"}, "007"),
        ("true", {"type": "string"}, "true"),
        ("True", {"type": "string"}, "True"),
        ("no", {"type": "string"}, "no"),
        ("Null", {"type": "string"}, "Null"),
        ("~", {"type": "string"}, None),
        ("", {"type": "string"}, None),
        ("null", {"type": ["string", "null"]}, None),
        ("3", {"type": ["string", "integer"]}, 3),
        ("3", {"type": ["string", "number"]}, 3),
        ("3.5", {"type": ["string", "integer"]}, "3.5"),
        ("'5'", {"type": "number"}, "5"),
        ("[1.0, a]", {"type": "array", "items": {"type": "string"}}, ["1.0", "a"]),
        ("[1.0, a]", {"items": [{"type": "string"}]}, [1.0, "a"]),
        (
            "{a: 1.0, b: {c: 2.0}}",
            {"properties": {"a": {"type": "string"}, "b": True}},
            {"a": "1.0", "b": {"c": 2.0}},
        ),
    ],
)
def test_a_value_is_what_was_typed_where_text_is_wanted(
    written: str, schema: dict[str, object], value: object
) -> None:
    read = input_value(node(f"x: {written}").get("x"), schema)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5"), (True, "true"), (3, "3")])
def test_a_value_nobody_typed_is_text_as_json_writes_it(value: object, text: str) -> None:
    wrapped = node_of(value, Location("rows.jsonl", 1))

    assert input_value(wrapped, {"type": "string"}) == text
    assert input_value(node_of(None, Location("rows.jsonl", 1)), {"type": "string"}) is None
