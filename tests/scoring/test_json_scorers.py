import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotScoreError
from llmops.scoring.comparison import difference
from llmops.scoring.json_text import NoSuchPathError, NotJsonError, find, is_path, parse_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_json_writes_is_read_again(value) -> None:
    assert parse_json(f" {json.dumps(value)}\n") == value


@given(st.text(alphabet='[]{}",:0123456789.eE+-truefalsn \\u'))
def test_any_text_is_json_or_is_refused_in_words(text: str) -> None:
    assert _read(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ('```json\n{"a": 1}\n```', "it starts with a Markdown fence"),
        ('{"a" 1}', "line 1, column 6: expecting ':' delimiter"),
        ("{'a': 1}", "line 1, column 2: expecting property name enclosed in double quotes"),
        ('{"a": 1}\n{"b": 2}', "line 2, column 1: extra data"),
        ("NaN", "NaN is not a JSON value"),
        ("[-Infinity]", "-Infinity is not a JSON value"),
        ("1" * 5000, "it holds an integer of more than 4,300 digits"),
        ("[" * 101 + "]" * 101, "it is nested deeper than 100"),
        ('{"a":' * 101 + "1" + "}" * 101, "it is nested deeper than 100"),
        ("[" * 100_000, "it is nested deeper than 100"),
        ("[" * 100_000 + "]" * 100_000, "it is nested deeper than 100"),
        ("\ufeff{}", "unexpected UTF-8 BOM"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(NotJsonError) as caught:
        parse_json(text)

    assert reason in str(caught.value)


def test_json_may_be_nested_a_hundred_deep_and_as_broad_as_it_likes() -> None:
    assert parse_json("[" * 100 + "]" * 100)
    assert len(parse_json(json.dumps([[index] for index in range(1000)]))) == 1000


def test_a_text_over_four_mebibytes_is_not_read() -> None:
    with pytest.raises(CannotScoreError, match="too many to read as JSON"):
        parse_json("[" + " " * (4 * 2**20) + "]")


def test_half_of_a_surrogate_pair_is_kept() -> None:
    assert parse_json('"\\ud800"') == "\ud800"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", {"a": [{"b": 1}], "0": "zero"}),
        ("a.0.b", 1),
        ("0", "zero"),
    ],
)
def test_a_path_leads_through_keys_and_indexes(path: str, found: object) -> None:
    assert find({"a": [{"b": 1}], "0": "zero"}, path) == found


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("x", "it has no 'x'"),
        ("a.1.b", "'a' has 1 elements, and no '1'"),
        ("a.-1", "'a' has 1 elements, and no '-1'"),
        ("a.²", "'a' has 1 elements, and no '²'"),
        (f"a.{'9' * 5000}", "'a' has 1 elements"),
        ("a.0.b.c", "'a.0.b' is no object or list, so it has no 'c'"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, reason: str) -> None:
    with pytest.raises(NoSuchPathError) as caught:
        find({"a": [{"b": 1}]}, path)

    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(("path", "well"), [("a.b", True), ("a..b", False), ("", False)])
def test_a_path_has_no_empty_step(path: str, well: bool) -> None:
    assert is_path(path) is well


@given(VALUES)
def test_every_value_equals_itself(value) -> None:
    assert difference(value, value, path="") is None


@pytest.mark.parametrize(
    ("got", "wanted", "tolerance", "words"),
    [
        (1, 1.0, 0, None),
        (1, True, 0, "'x' is 1, not true"),
        (0, False, 0, "'x' is 0, not false"),
        ("1", 1, 0, "'x' is the text '1', not 1"),
        (None, 0, 0, "'x' is null, not 0"),
        ("caf\u00e9", "cafe\u0301", 0, None),
        ("a", "A", 0, "'x' is the text 'a', not the text 'A'"),
        (0.3, 0.1, 0.2, None),
        (1.1, 1, 0.1, None),
        (1.11, 1, 0.1, "'x' is 1.11, not 1"),
        (10**400, 1, 0.5, "'x' is 1.000000e+400, not 1"),
        (10**400, 10**400 + 1, 1, None),
        (math.inf, 1, 5, "'x' is Infinity, not 1"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, 0, None),
        ({"a": 1}, {"a": 1, "b": 2}, 0, "'x' lacks 'b'"),
        ({"a": 1, "b": 2}, {"a": 1}, 0, "'x' also has 'b'"),
        ({"a": [1, 2]}, {"a": [1, 3]}, 0, "'x.a.1' is 2, not 3"),
        ([1], [1, 2], 0, "'x' has 1 elements, not 2"),
        ({}, [], 0, "'x' is an object, not a list"),
    ],
)
def test_a_difference_is_named_with_its_place(got, wanted, tolerance, words) -> None:
    assert difference(got, wanted, tolerance=tolerance, path="x") == words


def test_the_whole_is_called_it() -> None:
    assert difference(1, 2, path="") == "it is 1, not 2"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{path: a..b, value: 1}", "the path 'a..b' has an empty step"),
        ("{path: a, value: 1, tolerance: -1}", "a tolerance is 0 or more"),
        ('{path: a, value: "1", tolerance: 1}', "a tolerance is for numbers"),
        ("{path: a, value: [x, {y: true}], tolerance: 1}", "a tolerance is for numbers"),
        ("{path: a, tolerance: 1}", "'json_equals' needs 'value'"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(f"json_equals: {written}")[0].message


def test_a_tolerance_holds_for_every_number_inside(status) -> None:
    written = "json_equals: {value: {a: [1, 2]}, tolerance: 0.5}"

    assert status(written, '{"a": [1.5, 2.0]}') == "passed"
    assert status(written, '{"a": [1.6, 2.0]}') == "failed"


def test_any_value_may_stand_under_json_equals(status) -> None:
    assert status("json_equals: 5", "5.0") == "passed"
    assert status("json_equals: true", "true") == "passed"
    assert status("json_equals: [1, x]", '[1, "x"]') == "passed"
    assert status("json_equals: {path: a, value: null}", '{"a": null}') == "passed"
    assert status("json_equals: {path: a, value: null}", "{}") == "failed"


def test_a_path_goes_on_from_what_was_picked(status) -> None:
    written = "json_equals: {path: 0.n, value: 1}\non: json.items"

    assert status(written, '{"items": [{"n": 1}]}') == "passed"


@pytest.mark.parametrize(
    ("written", "output", "fields", "expected"),
    [
        ("is_json:\non: json.a", '{"a": "{}"}', {}, "passed"),
        ("is_json:\non: json.a", '{"a": "no"}', {}, "failed"),
        ("is_json:\non: json.a", '{"a": {}}', {}, "passed"),
        ("is_json:\non: json", '"text"', {}, "passed"),
        ("is_json:\non: reasoning", "", {"reasoning": "[1]"}, "passed"),
        ("is_json:\non: reasoning", "{}", {"reasoning": "hm"}, "failed"),
        ("is_json", "", {"output": {"a": 1}}, "passed"),
        ("is_json: true", "{}", {}, "passed"),
        ("json_schema: {type: array}\non: reasoning", "", {"reasoning": "[1]"}, "passed"),
        ("json_schema: {type: array}\non: reasoning", "[]", {"reasoning": "hm"}, "failed"),
        ("json_schema: {type: array}\non: text", "[]", {}, "passed"),
        ("json_schema: {minItems: 1}\non: tool_calls", "", {}, "failed"),
    ],
)
def test_json_is_looked_for_where_on_says(status, written, output, fields, expected) -> None:
    assert status(written, output, **fields) == expected


def test_is_json_takes_nothing_below_it(refusals) -> None:
    assert refusals("is_json: false")[0].hint == "write 'not: is_json' for the reverse"
    assert "is not a key of 'is_json'" in refusals("is_json: {type: object}")[0].message


def _read(text: str) -> str:
    try:
        return f"the value {parse_json(text)!r}"
    except NotJsonError as error:
        return str(error)
