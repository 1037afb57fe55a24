import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.scoring.base import Subject
from llmops.scoring.length import Length


def is_exactly(text: str, number: int, unit) -> bool:
    subject = Subject(completion=Completion(text=text), picked=text)
    return Length(exactly=number, unit=unit).score(subject).status == "passed"


@pytest.mark.parametrize(
    ("unit", "text", "number"),
    [
        ("characters", "", 0),
        ("characters", "cafe\u0301", 4),
        ("characters", "a\r\nb", 4),
        ("characters", "\U0001f469\u200d\U0001f467", 3),
        ("words", "", 0),
        ("words", " one  two\n\tthree ", 3),
        ("words", "well-known — it's 3.5 % …", 3),
        ("words", "«Straße» (42)", 2),
        ("words", "日本語です", 1),
        ("words", "_ __ -", 0),
        ("words", "--x--", 1),
        ("sentences", "", 0),
        ("sentences", "No full stop", 1),
        ("sentences", "One. Two! Three? Four… Five", 5),
        ("sentences", "Wait... what?! Yes.", 3),
        ("sentences", "It costs 3.50 euros. Fine.", 2),
        ("sentences", "Ask Dr. Wu, e.g. at 9 a.m. on J. R. Street. Done.", 2),
        ("sentences", 'He said "no." Then left.', 2),
        ("sentences", "A heading\n\nA sentence.", 2),
        ("sentences", "こんにちは。元気ですか？はい！", 3),
        ("sentences", "! ? …", 0),
        ("sentences", "We live in Dr.", 1),
        ("lines", "", 0),
        ("lines", "one", 1),
        ("lines", "one\n", 1),
        ("lines", "one\n\ntwo", 3),
        ("lines", "one\r\ntwo\rthree\n", 3),
        ("lines", "\n", 1),
        ("paragraphs", "", 0),
        ("paragraphs", "one\ntwo", 1),
        ("paragraphs", "one\n\ntwo\n \t\n\nthree\n\n", 3),
        ("paragraphs", "\r\n\r\none\r\n\r\ntwo", 2),
    ],
)
def test_each_unit_is_counted_as_the_manual_says(unit, text: str, number: int) -> None:
    assert is_exactly(text, number, unit)


@given(st.lists(st.text(alphabet="abcäöü日9", min_size=1)))
def test_words_are_what_white_space_divides(words: list[str]) -> None:
    assert is_exactly("  ".join(words), len(words), "words")


@given(st.lists(st.text(alphabet="abc xyz", min_size=1).filter(str.strip)))
def test_paragraphs_are_what_empty_lines_divide(parts: list[str]) -> None:
    assert is_exactly("\n\n".join(parts), len(parts), "paragraphs")
    assert is_exactly("\n".join(parts), len(parts), "lines")


@pytest.mark.parametrize(
    ("written", "output", "reason"),
    [
        ("{max: 2}", "abc", "the output has 3 characters, more than the 2 allowed"),
        ("{min: 2, unit: words}", "abc", "the output has 1 word, fewer than the 2 wanted"),
        ("{exactly: 1, unit: lines}", "a\nb", "the output has 2 lines, more than the 1 allowed"),
        ("{exactly: 1, unit: lines}", "", "the output has 0 lines, fewer than the 1 wanted"),
    ],
)
def test_the_reason_names_both_lengths(judge, written: str, output: str, reason: str) -> None:
    score = judge(f"length: {written}", output).score

    assert (score.status, score.reason) == ("failed", reason)


@pytest.mark.parametrize("length", range(6))
def test_both_ends_are_included(status, length: int) -> None:
    expected = "passed" if 2 <= length <= 4 else "failed"

    assert status("length: {min: 2, max: 4}", "x" * length) == expected
    assert status("length: {max: 0}", "x" * length) == ("failed" if length else "passed")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("length:", "'length' needs 'min', 'max' or 'exactly'"),
        ("length: true", "'length' needs 'min', 'max' or 'exactly'"),
        ("length: {unit: words}", "'length' needs 'min', 'max' or 'exactly'"),
        ("length: {min: 0}", "every output has a length of 0 or more"),
        ("length: {min: 5, max: 4}", "no length is at least 5 and at most 4"),
        ("length: {exactly: 5, max: 6}", "'exactly' excludes 'min' and 'max'"),
        ("length: {max: -1}", "0 or more"),
        ("length: {max: 5, unit: pages}", "expected one of characters, words"),
        ("length: 5", "'length' takes min, max, exactly, unit"),
        ("length: {max: 1.5}", "expected a whole number"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(written)[0].message
