import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from llmops.domain.baseline import Approval, ApprovedAnswer, ApprovedSample, Baseline, slug_of

SAID = ApprovedSample(status="passed", answers=(ApprovedAnswer(output="yes"),))
ONE = Baseline(
    suite="say",
    case="red",
    case_hash="0123456789ab",
    prompt="say",
    model="fast",
    asked={"temperature": 0},
    content_hash="aaaaaaaaaaaa",
    approval=Approval(run="r", date="2026-11-21"),
    samples=(SAID,),
)


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "other"},
        {"case": "blue"},
        {"case_hash": "ba9876543210"},
        {"prompt": "say@1.0.0"},
        {"model": "slow"},
        {"asked": {"temperature": 1}},
    ],
)
def test_another_question_has_another_key(change: dict[str, object]) -> None:
    assert replace(ONE, **change).key != ONE.key


@pytest.mark.parametrize(
    "change",
    [
        {"content_hash": "bbbbbbbbbbbb"},
        {"version": "2.0.0"},
        {"parameters": {"top_p": 1}},
        {"model_name": "openai/x"},
        {"approval": Approval(run="s", date="2027-01-01", author="Bo")},
        {"samples": (SAID, SAID)},
    ],
)
def test_an_edited_prompt_meets_what_was_approved_before(change: dict[str, object]) -> None:
    assert replace(ONE, **change).key == ONE.key
    assert replace(ONE, **change).file == ONE.file


def test_the_file_is_named_by_suite_case_and_key() -> None:
    assert re.fullmatch(r"say/red\.[0-9a-f]{12}\.yaml", ONE.file)
    assert ONE.title == "say › red › say × fast"
    assert replace(ONE, model="").title == "say › red › say"


def test_a_baseline_passed_when_all_of_its_samples_did() -> None:
    failed = replace(SAID, status="failed")

    assert ONE.status == "passed"
    assert replace(ONE, samples=(SAID, failed)).status == "failed"


def test_answers_are_alike_when_they_say_the_same_with_the_same_outcome() -> None:
    other = replace(SAID, answers=(ApprovedAnswer(output="no"),))

    assert ONE.answers_like(replace(ONE, content_hash="bbbbbbbbbbbb"))
    assert not ONE.answers_like(replace(ONE, samples=(other,)))
    assert not ONE.answers_like(replace(ONE, samples=(replace(SAID, status="failed"),)))
    assert not ONE.answers_like(replace(ONE, samples=(SAID, SAID)))


@pytest.mark.parametrize(
    ("case", "slug"),
    [
        ("Angry customer", "angry-customer"),
        ("Größe", "grosse"),
        ("../../etc/passwd", "etc-passwd"),
        ("漢字", "case"),
        ("..", "case"),
        ("", "case"),
        ("CON", "case-con"),
        ("com1", "case-com1"),
        ("a[tone=formal]", "a-tone-formal"),
        ("x" * 500, "x" * 60),
        ("\ud800\x00", "case"),
    ],
)
def test_a_case_becomes_a_name_that_every_file_system_takes(case: str, slug: str) -> None:
    assert slug_of(case) == slug


@given(st.text(st.characters(exclude_categories=())))
def test_any_case_becomes_such_a_name(case: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,63}[a-z0-9])?", slug_of(case))


def test_cases_that_differ_in_capitals_only_have_files_of_their_own() -> None:
    assert replace(ONE, case="RED").file.casefold() != ONE.file.casefold()
