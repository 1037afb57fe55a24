import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trials import AT, answered, refused, scored, trial

from llmops.domain.completion import Completion
from llmops.domain.node import Text
from llmops.domain.run import Arm, Exchange
from llmops.domain.score import Score
from llmops.domain.suite import HttpTarget, Target


def test_an_arm_is_called_by_its_prompt_and_its_model() -> None:
    assert Arm(prompt="reply@main", model="fast").label == "reply@main × fast"
    assert Arm(prompt="python app:answer", model="").label == "python app:answer"


def test_a_score_holds_or_not_or_is_none() -> None:
    assert (
        Score.of(True, "yes")
        == Score.passing("yes")
        == Score(status="passed", value=1.0, reason="yes")
    )
    assert (
        Score.of(False, "no")
        == Score.failing("no")
        == Score(status="failed", value=0.0, reason="no")
    )
    assert Score.of(False, "nearly", 0.7).value == 0.7
    assert Score.unscored("who knows").status == "unscored"


def test_a_trial_gathers_what_its_exchanges_hold() -> None:
    first = answered(Score.passing("a"), text="one", origin="recorded")
    second = answered(Score.failing("b"), text="two", origin="cached")

    whole = trial(first, second)

    assert whole.completion == second.completion
    assert [entry.score.reason for entry in whole.scores] == ["a", "b"]
    assert whole.failure is None
    assert whole.origin == "cached"


def test_one_live_answer_makes_a_trial_live() -> None:
    whole = trial(answered(origin="live"), answered(origin="recorded"))

    assert whole.origin == "live"


def test_a_failure_that_asked_nobody_does_not_make_a_recorded_trial_live() -> None:
    whole = trial(answered(origin="recorded"), refused(attempts=0))

    assert whole.origin == "recorded"
    assert whole.failure is not None
    assert whole.answered


def test_a_trial_without_an_answer_says_so() -> None:
    assert not trial().answered
    assert not trial(refused(attempts=0)).answered
    assert trial(refused(attempts=1)).answered
    assert trial(refused(attempts=1)).completion is None
    assert trial().origin == "live"


def test_the_value_is_the_weighted_mean_of_what_was_scored() -> None:
    scores = (
        scored(Score.passing(""), weight=3),
        scored(Score.failing(""), weight=1),
        scored(Score.unscored(""), weight=100),
    )

    whole = trial(Exchange(completion=Completion(text=""), scores=scores))

    assert whole.value == 0.75


def test_there_is_no_value_where_nothing_was_scored_or_weighed() -> None:
    weightless = Exchange(scores=(scored(Score.passing(""), weight=0),))

    assert trial().value is None
    assert trial(answered(Score.unscored(""))).value is None
    assert trial(weightless).value is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 100)), min_size=1))
def test_the_value_lies_between_the_least_and_the_best_score(scores) -> None:
    entries = tuple(scored(Score.of(True, "", value), weight=weight) for value, weight in scores)

    value = trial(Exchange(scores=entries)).value

    assert value is not None
    values = [value for value, _weight in scores]
    assert min(values) - 1e-9 <= value <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("target", "kind", "label"),
    [
        (Target(at=AT, python=Text("app:f", AT)), "python", "python app:f"),
        (Target(at=AT, http=HttpTarget(url=Text("http://a", AT))), "http", "http http://a"),
        (Target(at=AT, exec=(Text("run", AT), Text("-x", AT))), "exec", "exec run -x"),
    ],
)
def test_a_target_is_of_one_kind_and_has_a_name(target: Target, kind: str, label: str) -> None:
    assert (target.kind, target.label) == (kind, label)
