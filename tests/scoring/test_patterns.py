import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.scoring.base import ArgumentError
from llmops.scoring.pattern import Matches, compile_pattern, is_slow
from llmops.scoring.pick import Subjects

_PIECES = st.sampled_from(
    [
        "a",
        "Z",
        "0",
        " ",
        "-",
        "'",
        "&",
        "é",
        "\u0301",
        "٣",
        r"\b",
        r"\d",
        r"\w",
        r"\.",
        r"\\",
        r"\]",
    ]
)


@given(
    pattern=st.lists(_PIECES, min_size=1, max_size=5).map("".join),
    text=st.text("aZ0 -'&é\u0301٣.\\]", max_size=8),
    full=st.booleans(),
)
@example(pattern=r"\ba\b", text="aa a", full=False)
@example(pattern=r"\ba\b", text="aaa a", full=True)
@example(pattern=r"\b -\b", text="a - a -a", full=False)
@example(pattern=r"a\b", text="a\u0301", full=False)
@example(pattern=r"\d", text="٣", full=True)
def test_a_simple_pattern_finds_what_the_package_regex_finds(pattern, text, full) -> None:
    subject = Subjects(completion=Completion(text=text), inputs={}, row=None).of("text")

    score = Matches(pattern=pattern, full=full).score(subject)

    compiled = compile_pattern(pattern)
    composed = unicodedata.normalize("NFC", text)
    found = compiled.fullmatch(composed) if full else compiled.search(composed)
    assert (score.status == "passed") == (found is not None)


def test_a_pattern_that_does_not_end_leaves_the_assertion_unscored(judge) -> None:
    score = judge("matches: {pattern: '^(a|aa)+$', timeout: 50ms}", "a" * 60 + "!").score

    assert score.status == "unscored"
    assert score.reason == "the pattern '^(a|aa)+$' took longer than 0.05 s"


def test_the_textbook_pattern_without_end_is_answered(status) -> None:
    assert status("matches: '^(a+)+$'", "a" * 50 + "!") in {"failed", "unscored"}


def test_a_text_over_a_mebibyte_is_not_searched(judge) -> None:
    score = judge("matches: refund", "x" * (2**20 + 1)).score

    assert score.status == "unscored"
    assert score.reason == "1,048,577 characters are too many to look for a pattern in"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[", "the pattern '[' is wrong: unterminated character set at character 2"),
        ("a**", "the pattern 'a**' is wrong: multiple repeat at character 3"),
        ("(?z)", "the pattern '(?z)' is wrong: unknown extension at character 3"),
        (r"\p{Foo}", r"the pattern '\\p{Foo}' is wrong: unknown property at character 8"),
        ("a{99999999999}", "repeat count too big"),
        ("(" * 5000 + ")" * 5000, "is nested too deeply"),
        ("x" * 10_001, "a pattern of 10,001 characters is longer than the 10,000 allowed"),
        ("", "an empty pattern matches every output"),
    ],
)
def test_a_wrong_pattern_is_shown_with_its_place(refusals, pattern: str, message: str) -> None:
    fault = refusals(f"matches: '{pattern}'")[0]

    assert message in fault.message
    assert (fault.code, str(fault.at)) == ("scorer-argument", "suite.yaml:1:12")
    assert fault.hint


@pytest.mark.parametrize(
    "written",
    [
        "'a*'",
        "'(refund)?'",
        "'.*'",
        r"'\w{0,5}'",
        "'refund|'",
        "'[]$^]*'",
        "{pattern: '(?s).*', full: true}",
        r"{pattern: '[\s\S]*', full: true}",
    ],
)
def test_a_pattern_that_matches_every_output_is_refused(refusals, written: str) -> None:
    assert "matches every output" in refusals(f"matches: {written}")[0].message


@pytest.mark.parametrize(
    ("written", "output"),
    [
        ("'^$'", ""),
        ("'(?s)^(?!.*As an AI)'", "Gladly."),
        ("{pattern: '.*', full: true}", "one line"),
        (r"{pattern: '(?s)(?!.*AI).*', full: true}", "one\ntwo"),
        (r"'\A\d*\Z'", "12"),
        ("'(?m)^two$'", "one\ntwo"),
    ],
)
def test_a_pattern_that_can_fail_is_allowed(status, written: str, output: str) -> None:
    assert status(f"matches: {written}", output) == "passed"


@pytest.mark.parametrize("timeout", ["0", "61s"])
def test_a_timeout_is_more_than_nothing_and_at_most_a_minute(refusals, timeout: str) -> None:
    fault = refusals(f"matches: {{pattern: a, timeout: {timeout}}}")[0]

    assert fault.message == "the timeout must be more than 0 s, at most 60 s"


def test_a_pattern_that_cannot_be_weighed_in_time_is_allowed(ready) -> None:
    assert ready("matches: {pattern: '(?s)(?:(?:.|.)*END)?', full: true}").slow is True


def test_pattern_and_output_are_composed_before_they_meet(status) -> None:
    assert status("matches: '^caf\u00e9$'", "cafe\u0301") == "passed"
    assert status("matches: '^cafe\u0301$'", "caf\u00e9") == "passed"


def test_the_reason_quotes_what_was_found(judge) -> None:
    assert (
        judge(r"matches: 'REF-\d+'", "see REF-42.").score.reason == "found 'REF-42' in the output"
    )
    assert judge("matches: {pattern: a, full: true}", "ab").score.reason == (
        "does not match the output"
    )


@pytest.mark.parametrize(
    ("pattern", "slow"),
    [
        ("refund", False),
        (r"REF-\d{6}\b", False),
        ("[*+]", False),
        (r"\+", False),
        ("[]+]", False),
        ("a+", False),
        ("a*b", False),
        ("a{2,}", False),
        ("a+b*", True),
        ("a++", True),
        ("(a+)b", True),
        (r"(?:\w+){5}", True),
        ("(?R)?a", True),
    ],
)
def test_only_a_pattern_whose_repeats_meet_may_hold_others_up(
    ready, pattern: str, slow: bool
) -> None:
    assert is_slow(pattern) is slow
    assert ready(f"matches: 'x{pattern}'").slow is slow


def test_a_pattern_of_a_plug_in_is_refused_without_a_key() -> None:
    with pytest.raises(ArgumentError) as caught:
        compile_pattern("(")

    assert caught.value.key is None
