import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import (
    RETRYABLE,
    CannotScoreError,
    Fault,
    InvalidInputError,
    LlmopsError,
    NothingSelectedError,
    ProviderError,
    TemplateError,
    UnavailableError,
    did_you_mean,
)
from llmops.location import Location

HERE = Location("suites/refunds.yaml", 7, 9)


def test_a_place_is_written_as_editors_open_it() -> None:
    assert str(HERE) == "suites/refunds.yaml:7:9"
    assert str(Location("llmops.yaml")) == "llmops.yaml:1:1"


def test_a_fault_shows_place_words_code_and_a_way_out() -> None:
    fault = Fault(
        code="unknown-name",
        message="no scorer is called 'contians'",
        at=HERE,
        hint="did you mean 'contains'?",
    )

    assert str(fault) == (
        "suites/refunds.yaml:7:9: no scorer is called 'contians' [unknown-name]\n"
        "  hint: did you mean 'contains'?"
    )


def test_a_fault_without_place_and_hint_is_one_short_line() -> None:
    assert (
        str(Fault(code="usage", message="'5/2' is not a shard")) == "'5/2' is not a shard [usage]"
    )


def test_an_error_carries_what_it_was_given_in_one_fault() -> None:
    error = LlmopsError("all is lost", at=HERE, hint="breathe", code="lost")

    assert error.faults == (Fault(code="lost", message="all is lost", at=HERE, hint="breathe"),)
    assert str(error) == str(error.faults[0])


@pytest.mark.parametrize(
    ("cls", "exit_code", "code"),
    [
        (LlmopsError, 2, "error"),
        (InvalidInputError, 2, "invalid-input"),
        (TemplateError, 2, "template"),
        (UnavailableError, 3, "unavailable"),
        (NothingSelectedError, 5, "nothing-selected"),
    ],
)
def test_each_class_has_its_exit_code_and_its_own_word(
    cls: type[LlmopsError], exit_code: int, code: str
) -> None:
    error = cls("no")

    assert error.exit_code == exit_code
    assert error.faults[0].code == code


def test_all_faults_of_a_file_make_one_error_that_shows_each() -> None:
    first = Fault(code="a", message="one thing", at=HERE)
    second = Fault(code="b", message="another thing")

    error = InvalidInputError.of([first, second])

    assert error.faults == (first, second)
    assert str(error).splitlines() == [str(first), str(second)]
    assert error.args == ("one thing",)


def test_an_error_of_no_fault_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InvalidInputError.of([])


def test_a_provider_error_keeps_what_retries_need() -> None:
    error = ProviderError(
        "slow down", kind="rate_limited", status=429, retry_after=2.5, at=HERE, hint="wait"
    )

    assert (error.kind, error.status, error.retry_after) == ("rate_limited", 429, 2.5)
    assert (error.message, error.hint) == ("slow down", "wait")
    assert error.faults[0].code == "rate_limited"
    assert error.exit_code == 3


@pytest.mark.parametrize(
    "kind",
    ["auth", "bad_request", "not_found", "context_length", "content_filter", "too_large",
     "no_recording"],
)  # fmt: skip
def test_asking_again_does_not_help_where_the_request_is_at_fault(kind) -> None:
    assert not ProviderError("no", kind=kind).retryable


@pytest.mark.parametrize("kind", sorted(RETRYABLE))
def test_asking_again_may_help_where_the_moment_is_at_fault(kind) -> None:
    assert ProviderError("no", kind=kind).retryable


def test_a_scorer_that_cannot_judge_says_why() -> None:
    error = CannotScoreError("the judge said nothing")

    assert error.reason == str(error) == "the judge said nothing"


def test_a_near_word_is_suggested_as_it_is_spelt() -> None:
    assert did_you_mean("CONTIANS", ["Contains", "equals"]) == "did you mean 'Contains'?"


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert did_you_mean("xyz", ["contains", "equals"]) is None
    assert did_you_mean("contains", []) is None


@given(st.text(), st.lists(st.text()))
def test_a_suggestion_is_always_one_of_the_known_words(written: str, known: list[str]) -> None:
    hint = did_you_mean(written, known)

    assert hint is None or hint in {f"did you mean '{word}'?" for word in known}
