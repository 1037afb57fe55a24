import socket

import pytest

from llmops.scoring.formats import CHECKED
from llmops.scoring.schema import DRAFTS, WrongSchemaError, compile_schema

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def violations(schema, value) -> list[str]:
    return compile_schema(schema).violations(value)


def faults(schema) -> list[str]:
    with pytest.raises(WrongSchemaError) as caught:
        compile_schema(schema)
    return [fault.message for fault in caught.value.faults]


def test_violations_are_named_with_their_places() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}}

    assert violations(schema, {"a": [1, "x"]}) == ["a.1: 'x' is not of type 'integer'"]
    assert violations(OBJECT, {}) == ["'a' is a required property"]
    assert violations(OBJECT, {"a": 1}) == []


def test_only_the_first_few_violations_are_named_and_each_is_short() -> None:
    found = violations({"items": {"type": "integer"}}, ["x" * 10_000] * 50)

    assert len(found) == 3
    assert max(map(len, found)) < 250
    assert found[0].endswith("is not of type 'integer'")


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_schema_is_read_by_the_draft_it_names(draft: str) -> None:
    assert violations({"$schema": draft, **OBJECT}, {"a": "x"})
    assert violations({"$schema": f"{draft}#", **OBJECT}, {"a": 1}) == []


def test_drafts_differ_where_they_should() -> None:
    by_seven = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    by_four = {
        "$schema": "http://json-schema.org/draft-04/schema",
        "maximum": 3,
        "exclusiveMaximum": True,
    }

    assert violations(by_seven, [1])
    assert violations(by_four, 3)
    assert violations({"prefixItems": [{"type": "string"}]}, [1])


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (True, "a schema is a mapping such as {type: object}"),
        ("object", "a schema is a mapping such as {type: object}"),
        ({}, "the schema asserts nothing"),
        ({"title": "Reply", "x-owner": "me"}, "the schema asserts nothing"),
        (
            {"$schema": "http://example.org/own"},
            "no draft of JSON Schema is called 'http://example",
        ),
        ({"$schema": 7, "type": "object"}, "no draft of JSON Schema is called '7'"),
        ({"type": "strng"}, "the schema is wrong: 'strng' is not valid"),
        ({"type": "object", "required": "a"}, "the schema is wrong: 'a' is not of type 'array'"),
        ({"type": "object", "requried": ["a"]}, "'requried' is not a keyword of JSON Schema"),
        ({"type": "string", "maxLenght": 3}, "'maxLenght' is not a keyword of JSON Schema"),
        ({"type": "object", "dependencies": {"a": ["b"]}}, "'dependencies' means nothing in the"),
        ({"type": "string", "pattern": "["}, "the pattern '[' is wrong"),
        ({"patternProperties": {"(": {}}}, "the pattern '(' is wrong"),
        ({"$ref": "#/$defs/no"}, "'#/$defs/no' leads nowhere"),
        ({"$ref": "#nobody"}, "'#nobody' leads nowhere"),
        ({"$ref": "#/title", "title": "x"}, "'#/title' leads nowhere"),
        ({"$ref": "other.json"}, "'other.json' points outside of the schema"),
        ({"properties": {"a": {"$id": "x", "type": "null"}}}, "'$id' may stand at the top"),
        ({"properties": {"a": {"$schema": "x"}}}, "'$schema' may stand at the top"),
        ({"$ref": "#"}, "the schema refers to itself without end"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "without end"),
        (
            {"patternProperties": {"a": {}}, "unevaluatedProperties": False},
            "'unevaluatedProperties' beside 'patternProperties' is not supported",
        ),
    ],
)
def test_a_schema_that_cannot_be_meant_is_refused(schema, message: str) -> None:
    assert any(message in found for found in faults(schema)), faults(schema)


def test_all_faults_of_a_schema_are_shown_at_once() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"pattern": "["}, "b": {"$ref": "file:///etc/passwd"}},
        "requried": ["a"],
    }

    assert len(faults(schema)) == 3


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}},
        {"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "integer"}}},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "integer"}}},
        {"$ref": "#/$defs/no", "$defs": {"no": False}},
        {"$id": "https://example.org/root", "$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}},
    ],
)
def test_references_inside_a_schema_work(schema) -> None:
    assert violations(schema, "x")


def test_a_schema_may_refer_to_itself_through_a_property() -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name"],
    }

    assert violations(tree, {"name": 1, "children": [{}]}) == [
        "children.0: 'name' is a required property"
    ]


@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1:9/schema.json", "file:///etc/hostname", "//host/x", "schemas/reply.json"],
)
def test_a_reference_to_elsewhere_opens_no_socket_and_no_file(
    monkeypatch, refusals, reference: str
) -> None:
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: opened.append(given))
    monkeypatch.setattr("urllib.request.urlopen", lambda *given, **_: opened.append(given))

    fault = refusals(f"json_schema: {{properties: {{a: {{$ref: '{reference}'}}}}}}")[0]

    assert "which is never fetched" in fault.message
    assert str(fault.at) == "suite.yaml:1:34"
    assert opened == []


def test_patterns_of_a_schema_run_under_a_time_limit(judge) -> None:
    hostile = '"' + "a" * 60 + '!"'

    for written in (
        "{type: string, pattern: '^(a|aa)+$'}",
        "{$schema: 'http://json-schema.org/draft-07/schema#', pattern: '^(a|aa)+$'}",
        "{anyOf: [{$ref: '#/$defs/a'}], $defs: {a: {pattern: '^(a|aa)+$'}}}",
    ):
        score = judge(f"json_schema: {written}", hostile).score
        assert (score.status, "took longer" in score.reason) == ("unscored", True)


@pytest.mark.parametrize(
    "written",
    [
        "{patternProperties: {'^(a|aa)+$': {type: string}}}",
        "{patternProperties: {'^(a|aa)+$': true}, additionalProperties: false}",
        "{propertyNames: {pattern: '^(a|aa)+$'}}",
    ],
)
def test_patterns_for_names_run_under_a_time_limit(status, written: str) -> None:
    assert status(f"json_schema: {written}", '{"' + "a" * 60 + '!": 1}') == "unscored"


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "^[a-z]+$"}, "abc", "ABC"),
        ({"pattern": r"^\p{L}+$"}, "äß", "a1"),
        ({"pattern": "x"}, 5, "y"),
        ({"patternProperties": {"^n_": {"type": "integer"}}}, {"n_a": 1}, {"n_a": "x"}),
        ({"patternProperties": {"^n_": {"type": "integer"}}}, [], {"n_a": "x"}),
        (
            {
                "properties": {"a": {}},
                "patternProperties": {"^n_": {}},
                "additionalProperties": False,
            },
            {"a": 1, "n_b": 2},
            {"a": 1, "b": 2},
        ),
        ({"additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": "x"}),
        ({"additionalProperties": False}, "no object", {"a": "x"}),
        ({"uniqueItems": True}, [1, "1", True, [1], {"a": 1}], [{"a": 1}, {"a": 1.0}]),
        ({"uniqueItems": True}, [0, False], ["a", "a"]),
        ({"uniqueItems": True}, [[True], [1]], [[1, None], [1.0, None]]),
        ({"uniqueItems": True}, "aa", [[], []]),
        ({"unevaluatedProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}),
        ({"multipleOf": 0.5}, 1e308, 0.25),
    ],
)
def test_keywords_of_our_own_mean_what_the_draft_says(schema, good, bad) -> None:
    assert violations(schema, good) == []
    assert violations(schema, bad)


def test_uniqueness_of_a_long_list_is_told_at_once() -> None:
    many = [{"n": index} for index in range(100_000)]

    assert violations({"uniqueItems": True}, many) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2025-02-29"),
        ("date", "2024-02-29", "20240229"),
        ("date-time", "2025-01-02T03:04:05Z", "2025-01-02"),
        ("date-time", "2025-01-02t03:04:05.5+02:00", "2025-13-02T03:04:05Z"),
        ("time", "23:59:60Z", "24:00:00Z"),
        ("email", "jo@example.org", "jo@example"),
        ("email", "jo+x@a.b.example", "jo @example.org"),
        ("ipv4", "192.168.0.1", "192.168.0.256"),
        ("ipv6", "::1", "fe80::1%eth0"),
        ("ipv6", "2001:db8::1", "12345::"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        ("uri", "https://example.org/a?b#c", "example.org/a b"),
    ],
)
def test_formats_are_checked(name: str, good: str, bad: str) -> None:
    schema = {"type": ["string", "integer"], "format": name}

    assert name in CHECKED
    assert violations(schema, good) == []
    assert violations(schema, bad)
    assert violations(schema, 5) == []


def test_other_formats_only_describe() -> None:
    assert violations({"type": "string", "format": "regex"}, "[") == []
    assert violations({"type": "string", "format": "sku"}, "?") == []


def test_a_schema_with_patterns_may_hold_others_up(ready) -> None:
    assert ready("json_schema: {type: object}").slow is False
    assert ready("json_schema: {properties: {a: {pattern: x}}}").slow is True


def test_a_value_too_deep_for_a_schema_of_many_steps_is_unscored(judge) -> None:
    steps = {f"s{index}": {"$ref": f"#/$defs/s{index + 1}"} for index in range(30)}
    steps["s30"] = {"type": "array", "items": {"$ref": "#/$defs/s0"}}
    schema = compile_schema({"$ref": "#/$defs/s0", "$defs": steps})
    value: list = []
    for _ in range(90):
        value = [value]

    with pytest.raises(Exception, match="nested too deeply"):
        schema.violations(value)


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema: dict = {"type": "object"}
    for _ in range(400):
        schema = {"properties": {"a": schema}}

    assert faults(schema) == ["the schema is nested too deeply"]


def test_output_over_a_mebibyte_is_not_checked(judge) -> None:
    score = judge("json_schema: {type: array}", "[" + "1," * 600_000 + "1]").score

    assert score.status == "unscored"


def test_a_schema_may_stand_in_a_file(status, judge) -> None:
    assert status("json_schema: {file: schemas/reply.json}", '{"reply": "x"}') == "passed"
    assert judge("json_schema: {file: schemas/reply.json}", "{}").score.reason == (
        "'reply' is a required property"
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "'json_schema' needs a schema, or the 'file' it is in"),
        ("{}", "the schema asserts nothing"),
        ("{file: schemas/reply.json, schema: {type: object}}", "'json_schema' needs a schema, or"),
        ("true", "a schema is a mapping such as {type: object}"),
        ("{file: nowhere.json}", "there is no file 'nowhere.json'"),
        ("{file: schemas/reply.json, treshold: 1}", "the schema asserts nothing"),
    ],
)
def test_one_schema_is_given_inline_or_in_a_file(refusals, written: str, message: str) -> None:
    assert message in refusals(f"json_schema: {written}")[0].message


@pytest.mark.parametrize(
    ("name", "text", "message", "place"),
    [
        ("bad.json", b'{"type": }', "the schema is not JSON: line 1, column 10", "bad.json:1:1"),
        ("bad.json", b"\xff{}", "the schema is not JSON: it is not UTF-8", "bad.json:1:1"),
        ("bad.yaml", b"type: object\nrequried: [a]\n", "'requried' is not a", "bad.yaml:2:1"),
        ("bad.yml", b"allOf:\n  - {}\n  - {pattern: '['}\n", "the pattern '['", "bad.yml:3:6"),
        ("bad.json", b'{"type": "object", "requried": []}', "'requried'", "bad.json:1:1"),
    ],
)
def test_a_fault_in_a_schema_file_is_placed_in_that_file(
    resources, assertion, name: str, text: bytes, message: str, place: str
) -> None:
    from msgspec.structs import replace

    from llmops.errors import InvalidInputError
    from llmops.scoring.assess import build

    own = replace(resources, read_file=lambda _path, _at: text)

    with pytest.raises(InvalidInputError) as caught:
        build(assertion(f"json_schema: {{file: {name}}}"), own)

    fault = caught.value.faults[0]
    assert message in fault.message
    assert str(fault.at) == place


def test_a_fault_inline_is_placed_at_the_keyword(refusals) -> None:
    fault = refusals("json_schema:\n  type: object\n  properties:\n    a: {maxLenght: 3}")[0]

    assert str(fault.at) == "suite.yaml:4:11"
    assert fault.hint == "did you mean 'maxLength'? A key of your own may start with 'x-'"
