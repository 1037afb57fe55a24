import json
import math

import pytest
from any_values import JSON, OBJECTS
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.json_bytes import json_bytes, sorted_json, value_of


class Word(str):
    __slots__ = ()


def written_slowly(value: object) -> object:
    """What a value is after it was written and read by the standard library."""
    return json.loads(json.dumps(value, allow_nan=False))


@given(JSON)
def test_any_value_comes_back_as_it_was(value) -> None:
    assert json.loads(json_bytes(value)) == written_slowly(value)
    assert json.loads(sorted_json(value)) == written_slowly(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_any_number_comes_back_as_it_was(number) -> None:
    back = json.loads(json_bytes([number]))

    assert back == [number]
    assert type(back[0]) is type(number)


@given(OBJECTS)
def test_keys_stay_in_their_order_or_are_sorted(value) -> None:
    assert list(json.loads(json_bytes(value))) == list(value)
    assert list(json.loads(sorted_json(value))) == sorted(value)


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5))
def test_text_is_written_as_the_standard_library_writes_it(value) -> None:
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    assert json_bytes(value).decode() == expected


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("write", [json_bytes, sorted_json])
def test_what_is_no_number_is_refused_where_others_write_null(write, number) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write({"a": [number], "b": None})


@pytest.mark.parametrize("write", [json_bytes, sorted_json])
def test_what_json_has_no_form_for_is_refused(write) -> None:
    with pytest.raises(TypeError):
        write({"a": object()})


@pytest.mark.parametrize("write", [json_bytes, sorted_json])
def test_what_holds_itself_is_refused(write) -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises((ValueError, RecursionError)):
        write(endless)


def test_what_only_the_standard_library_writes_is_written() -> None:
    value = {"text": Word("null"), "half": "\ud800", True: 1, None: 10**30}

    assert json_bytes(value) == (
        b'{"text":"null","half":"\\ud800","true":1,"null":1000000000000000000000000000000}'
    )


def test_the_word_null_in_a_text_is_a_word() -> None:
    assert json_bytes(["null", None]) == b'["null",null]'
    assert sorted_json({"b": "null", "a": None}) == '{"a":null,"b":"null"}'


@given(JSON)
def test_what_was_written_is_read(value) -> None:
    assert value_of(json_bytes(value)) == written_slowly(value)


@pytest.mark.parametrize(
    "data", [b'["\\ud800"]', b"[1e400, -Infinity]", b'{"a": 1, "a": 2}', b" 7 "]
)
def test_what_the_standard_library_reads_is_read(data) -> None:
    assert value_of(data) == json.loads(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'"\xff"', b"\xef\xbb\xbf1", '"é"'.encode("utf-16")]
)
def test_what_is_no_json_in_utf_8_is_refused(data) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        value_of(data)

    assert isinstance(caught.value, json.JSONDecodeError | UnicodeDecodeError)
