import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.scoring.base import Subject
from llmops.scoring.normal import folded, normal
from llmops.scoring.text import Contains, ContainsAll, EndsWith, Equals, StartsWith

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def of(text: str) -> Subject:
    return Subject(completion=Completion(text=text), picked=text)


@pytest.mark.parametrize("name", ["equals", "contains", "starts_with", "ends_with"])
def test_a_letter_is_the_same_however_it_is_written(status, name: str) -> None:
    assert status(f"{name}: {COMPOSED}", DECOMPOSED) == "passed"
    assert status(f"{name}: {DECOMPOSED}", COMPOSED) == "passed"


def test_a_plain_letter_is_not_found_inside_an_accented_one(status) -> None:
    assert status("ends_with: cafe", DECOMPOSED) == "failed"
    assert status("contains: cafe", DECOMPOSED) == "failed"


@pytest.mark.parametrize(
    ("written", "output", "reason"),
    [
        ("equals: refund", "", "the output is empty"),
        ("equals: refund", "delivery", "the output is 'delivery'"),
        (
            "equals: refund",
            "refund\n",
            r"the output is 'refund\n': other white space at an end; 'trim: true' ignores it",
        ),
        (
            "equals: refund",
            "Refund",
            "the output is 'Refund': another case; 'ignore_case: true' ignores it",
        ),
        (
            "equals: refund",
            "refund, because the customer asks for money and for nothing else at all",
            "the output differs from character 7 on: "
            "there it is ', because the customer asks fo', not nothing more",
        ),
        (
            f"equals: {'a' * 70}c",
            "a" * 70,
            "the output differs from character 71 on: there it ends, not 'c'",
        ),
        ("contains: refund", "Hello", "not in the output"),
        ("contains: refund", "REFUND", "in the output only when case is ignored"),
        ("starts_with: Dear", "Hello", "not at the start of the output"),
        ("ends_with: team", "Hello", "not at the end of the output"),
        ("contains_any: [a, b]", "xyz", "none of them is in the output"),
        ("contains_all: [a, x, b]", "xyz", "not in the output: 'a', 'b'"),
    ],
)
def test_a_failure_says_what_was_there(judge, written: str, output: str, reason: str) -> None:
    score = judge(written, output).score

    assert (score.status, score.reason) == ("failed", reason)


def test_a_long_list_of_what_is_missing_is_cut(judge) -> None:
    score = judge("contains_all: [a, b, c, d, e, f, g]", "xyz").score

    assert score.reason.endswith("'e' and 2 more")


def test_the_value_of_contains_all_is_the_share_that_was_found(judge) -> None:
    assert judge("contains_all: [a, b, c, d]", "abc").score.value == 0.75


def test_what_was_found_is_named_as_the_suite_writes_it(judge) -> None:
    score = judge("contains_any: {texts: [SORRY, Refund], ignore_case: true}", "refund").score

    assert score.reason == "'Refund' in the output"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('contains: ""', "an empty text would be found in every output"),
        ('starts_with: {text: ""}', "an empty text would be found in every output"),
        ('ends_with: ""', "an empty text would be found in every output"),
        ("contains_any: []", "an empty list of texts says nothing about the output"),
        ("contains_all: []", "an empty list of texts says nothing about the output"),
        ('contains_any: [a, ""]', "an empty text would be found in every output"),
    ],
)
def test_what_would_hold_for_anything_is_refused(refusals, written: str, message: str) -> None:
    fault = refusals(written)[0]

    assert (fault.code, fault.message) == ("scorer-argument", message)
    assert fault.at is not None
    assert fault.hint


def test_a_refused_argument_is_shown_where_it_stands(refusals) -> None:
    fault = refusals('contains: {ignore_case: true, text: ""}')[0]

    assert str(fault.at) == "suite.yaml:1:39"


@pytest.mark.parametrize("word", ["true", "no", "12:30", "1.20", "0x1F"])
def test_scalars_are_compared_as_they_were_typed(status, word: str) -> None:
    assert status(f"equals: {word}", word) == "passed"
    assert status(f"contains: {word}", f"so {word}!") == "passed"


def test_a_picked_value_is_written_as_json(status) -> None:
    output = '{"b": {"y": 1, "x": [true, null]}, "n": 5}'

    assert status("equals: 5\non: json.n", output) == "passed"
    assert status('equals: \'{"x": [true, null], "y": 1}\'\non: json.b', output) == "passed"


def test_what_an_application_returns_is_read_as_json(status) -> None:
    answer = {"b": 1, "a": "x"}

    assert status('equals: \'{"a": "x", "b": 1}\'', output=answer) == "passed"
    assert status("contains: x", output=answer) == "passed"


def test_what_has_no_form_in_json_cannot_be_judged(judge) -> None:
    score = judge("contains: x", output=object()).score

    assert score.status == "unscored"
    assert "cannot be written as JSON" in score.reason


@given(st.text(), st.text(min_size=1))
def test_contains_is_what_python_says_of_composed_text(text: str, needle: str) -> None:
    expected = normal(needle) in normal(text)

    assert (Contains(text=needle).score(of(text)).status == "passed") is expected


@given(st.text(), st.text(min_size=1), st.text())
def test_a_text_is_found_where_it_was_put(before: str, needle: str, after: str) -> None:
    whole = f"{before} {needle} {after}"

    assert Contains(text=f" {needle} ").score(of(whole)).status == "passed"
    assert StartsWith(text=f"{before} ").score(of(whole)).status == "passed"
    assert EndsWith(text=f" {after}").score(of(whole)).status == "passed"
    assert ContainsAll(texts=(f" {needle} ",)).score(of(whole)).value == 1.0


@given(st.text())
def test_every_text_equals_itself_and_its_folded_form(text: str) -> None:
    assert Equals(text=text).score(of(text)).status == "passed"
    assert Equals(text=folded(text), ignore_case=True).score(of(text)).status == "passed"
    assert Equals(text=f"  {text}\n", trim=True).score(of(text)).status == "passed"
