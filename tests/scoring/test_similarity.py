import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from llmops.domain.completion import Completion
from llmops.scoring.base import Subject
from llmops.scoring.similarity import Similar


def measure(output: str, to, **arguments) -> float:
    subject = Subject(completion=Completion(text=output), picked=output)
    return Similar(to=to, **arguments).score(subject).value


TEXTS = st.text(alphabet="abc dé", min_size=1).filter(str.strip)


@given(TEXTS, TEXTS)
def test_the_ratio_is_the_library_s_own(output: str, to: str) -> None:
    assert measure(output, to) == pytest.approx(fuzz.ratio(output, to) / 100)


@given(TEXTS, st.sampled_from(["ratio", "partial", "token_set", "levenshtein"]))
def test_every_text_is_wholly_similar_to_itself(text: str, method) -> None:
    assert measure(text, text, method=method) == 1.0


@given(TEXTS, TEXTS, st.sampled_from(["ratio", "partial", "token_set", "levenshtein"]))
def test_every_value_lies_between_nothing_and_one(output: str, to: str, method) -> None:
    assert 0.0 <= measure(output, to, method=method) <= 1.0


def test_partial_forgives_what_stands_around_but_not_what_is_missing() -> None:
    to = "we will refund you"

    assert measure("Dear Jo, we will refund you. Yours", to, method="partial") == 1.0
    assert measure("we", to, method="partial") < 0.3


def test_token_set_forgives_further_words_but_not_missing_ones() -> None:
    to = "red green blue"

    assert measure("blue green red and more and more", to, method="token_set") == 1.0
    assert measure("red green", to, method="token_set") < 0.9
    assert measure("red", to, method="token_set") < 0.5
    assert measure("black white", to, method="token_set") < 0.5


def test_the_nearest_of_several_texts_counts(judge) -> None:
    assert judge("similar: [Paris, London]", "London").score.value == 1.0

    far = judge("similar: {to: [Paris, Londom], max_distance: 2}", "London").score
    assert (far.status, far.reason) == ("passed", "1 edit away, at most 2 allowed")


def test_a_threshold_is_reached_by_equality(status) -> None:
    assert status("similar: {to: abcd, threshold: 0.5, method: levenshtein}", "abXX") == "passed"
    assert status("similar: {to: abcd, threshold: 0.51, method: levenshtein}", "abXX") == "failed"


def test_the_reason_names_value_and_threshold(judge) -> None:
    assert judge("similar: abcd", "abXX").score.reason == "the output is 0.5 alike, of 0.8 wanted"
    assert judge("similar: abcd", "").score.reason == "the output is empty"


def test_case_counts_unless_it_is_ignored(status) -> None:
    assert status("similar: {to: REFUND, threshold: 1}", "refund") == "failed"
    assert status("similar: {to: REFUND, threshold: 1, ignore_case: true}", "refund") == "passed"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('""', "nothing is similar to an empty text"),
        ("[]", "an empty list has nothing to be similar to"),
        ('[a, " "]', "nothing is similar to an empty text"),
        ("{to: abc, threshold: 0}", "a threshold of 0 is not above 0 and at most 1"),
        ("{to: abc, threshold: 80}", "a threshold of 80 is not above 0 and at most 1"),
        ("{to: abc, threshold: 1, max_distance: 1}", "'threshold' and 'max_distance' exclude"),
        ("{to: abc, method: ratio, max_distance: 1}", "counts edits, which 'ratio' does not"),
        ("{to: abc, max_distance: -1}", "a distance is 0 or more"),
        ("{to: abc, max_distance: 3}", "with 3 edits, an empty output is near enough"),
        ("{to: [abcd, x], max_distance: 1}", "with 1 edit, an empty output is near enough"),
        (f"{{to: {'a' * 1001}, method: partial}}", "'partial' looks for at most 1,000 characters"),
        ("{to: abc, treshold: 1}", "'treshold' is not a key of 'similar'"),
        ("{threshold: 1}", "'similar' needs 'to'"),
        ("{to: abc, method: cosine}", "expected one of ratio, partial, token_set, levenshtein"),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(f"similar: {written}")[0].message


@pytest.mark.parametrize(
    "written",
    [f"{{to: {'ab ' * 1000}, method: ratio}}", "{to: abc, method: partial}"],
)
def test_texts_too_long_to_compare_in_time_are_unscored(judge, written: str) -> None:
    score = judge(f"similar: {written}", "abc " * 2_500_000).score

    assert score.status == "unscored"
    assert "too many" in score.reason
