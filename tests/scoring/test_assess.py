import math
from dataclasses import dataclass

import pytest

from llmops.domain.completion import Completion
from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.scoring.assess import ReadyAssertion, assess, takes_long


@dataclass(frozen=True)
class Scripted:
    """A scorer that does what it is told."""

    answer: object
    slow: bool = False

    def score(self, subject):
        del subject
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def scripted(ready):
    """Ask a scorer that gives an answer, or raises it."""

    def ask(answer) -> Score:
        whole = ready("contains: x")
        own = ReadyAssertion(
            assertion=whole.assertion, scorer=Scripted(answer), label=whole.label, on="text"
        )
        return assess([own], Completion(text=""), {})[0].score

    return ask


@pytest.mark.parametrize(
    ("given", "kept"),
    [(0.5, 0.5), (1, 1.0), (7.0, 1.0), (-3.0, 0.0), (math.inf, 1.0), ("0.25", 0.25)],
)
def test_values_are_brought_between_nothing_and_one(scripted, given, kept: float) -> None:
    score = scripted(Score.passing("so", given))

    assert (score.status, score.value, type(score.value)) == ("passed", kept, float)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Score.passing("so", math.nan), "gave no number as value, a bug in it"),
        (Score.passing("so", None), "gave no number as value, a bug in it"),
        (Score(status="green", value=1.0, reason=""), "gave no score, a bug in it"),
        (True, "gave no score, a bug in it"),
        (None, "gave no score, a bug in it"),
        (KeyError("x"), "broke, a bug in it: KeyError: 'x'"),
        (RecursionError(), "broke, a bug in it: RecursionError"),
        (SystemExit(0), "broke, a bug in it: SystemExit: 0"),
        (ValueError("a\n" * 500), "broke, a bug in it: ValueError: a a a"),
    ],
)
def test_a_scorer_that_breaks_is_unscored_and_named(scripted, answer, reason: str) -> None:
    score = scripted(answer)

    assert score.status == "unscored"
    assert score.reason.startswith(f"the scorer 'contains' {reason}")
    assert len(score.reason) < 250


def test_a_scorer_that_cannot_judge_says_why(scripted) -> None:
    assert scripted(CannotScoreError("nobody knows")) == Score.unscored("nobody knows")


def test_ctrl_c_is_no_fault_of_the_scorer(scripted) -> None:
    with pytest.raises(KeyboardInterrupt):
        scripted(KeyboardInterrupt())


def test_every_assertion_is_asked_in_its_order(ready) -> None:
    written = ["contains: a", "contains: z", "max_cost: 1", "equals: a\non: json.x"]

    scores = assess([ready(one) for one in written], Completion(text="a"), {})

    assert [one.score.status for one in scores] == ["passed", "failed", "unscored", "failed"]
    assert [one.scorer for one in scores] == ["contains", "contains", "max_cost", "equals"]
    assert assess([], Completion(text="a"), {}) == ()


def test_what_the_suite_says_of_an_assertion_goes_along(judge) -> None:
    score = judge("contains: a\nmetric: tone\nweight: 2\nsoft: true\nname: is an a", "a")

    assert (score.metric, score.weight, score.soft) == ("tone", 2.0, True)
    assert (score.label, str(score.at)) == ("is an a", "suite.yaml:1:3")


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("contains: refund", "contains 'refund'"),
        ('equals: ""', "equals ''"),
        ("equals: 1.20", "equals 1.20"),
        ("equals: true", "equals true"),
        ("is_json", "is_json"),
        ("is_json: true", "is_json"),
        ("refusal:", "refusal"),
        ("not: refusal", "not refusal"),
        ("not: {contains: As an AI}", "not contains 'As an AI'"),
        ("any_of: [refusal, {contains: a}]", "any_of [refusal, contains 'a']"),
        ("length: {max: 20, unit: words}", "length {max: 20, unit: words}"),
        ("contains_any: [a, b]", "contains_any ['a', 'b']"),
        ("contains_any: [a, b, c, d, e, f, g]", "contains_any ['a', 'b', 'c', 'd', 'e', 'f', …]"),
        ("json_equals: {path: a, value: null}", "json_equals {path: a, value: null}"),
        ("json_equals: {a: [true, 1.5]}", "json_equals {a: [true, 1.5]}"),
        ("equals: x\non: json.a", "equals 'x' on json.a"),
        ("contains: 'two\n\n  lines'", "contains 'two lines'"),
        ("equals: ' '", "equals ' '"),
        (f"contains: {'word ' * 40}", "contains 'word word word word word word word word'…"),
        (f"similar: {{to: {'a' * 50}, threshold: 0.9}}", f"similar {{to: '{'a' * 39}'…, th…"),
        ("contains: x\nname: ' '", "contains 'x'"),
        (f"contains: x\nname: {'n' * 80}", f"{'n' * 59}…"),
        (r'contains: "\e[2J"', r"contains '\x1b[2J'"),
    ],
)
def test_a_label_says_the_assertion_in_short(ready, written: str, label: str) -> None:
    found = ready(written).label

    assert found == label
    assert len(found) <= 60


def test_a_long_text_takes_long_whatever_is_asked_of_it(ready) -> None:
    quick, slow = ready("contains: a"), ready("matches: a+b+")

    assert takes_long([quick], Completion(text="a" * 20_000)) is False
    assert takes_long([quick], Completion(text="a" * 20_001)) is True
    assert takes_long([quick, slow], Completion(text="a")) is True
