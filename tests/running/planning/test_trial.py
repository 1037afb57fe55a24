import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import AT
from msgspec.structs import replace
from opened import Opened, suite

from llmops.domain.completion import Completion, Request
from llmops.domain.run import Exchange, Failure
from llmops.domain.score import AssertionScore, Score
from llmops.running.planning.trial import (
    BrokenStage,
    Single,
    StepStage,
    TargetStage,
    TurnStage,
    status_of,
    with_messages,
)

OPENING = Request(
    model="openai/fast",
    messages=({"role": "system", "content": "Be kind."},),
    parameters={"temperature": 0},
    tools=({"type": "function"},),
    tool_choice="auto",
    response_format={"type": "json_object"},
)
FAILURE = Failure(kind="network", message="gone")


def score(status, *, soft: bool = False) -> AssertionScore:
    return AssertionScore(
        label="x",
        scorer="contains",
        score=Score(status=status, value=0.0, reason=""),
        at=AT,
        soft=soft,
    )


def exchange(
    *scores: AssertionScore, text: str = "yes", request: Request | None = None
) -> Exchange:
    return Exchange(request=request, completion=Completion(text=text), scores=scores)


@pytest.mark.parametrize(
    ("exchanges", "status"),
    [
        ([exchange(score("passed"))], "passed"),
        ([exchange(score("passed"), score("failed", soft=True))], "passed"),
        ([exchange(score("passed"), score("unscored", soft=True))], "passed"),
        ([exchange(score("passed")), exchange()], "passed"),
        ([exchange(score("passed"), score("failed"))], "failed"),
        ([exchange(score("failed"), score("unscored"))], "failed"),
        ([exchange(score("passed"), score("unscored"))], "unscored"),
        ([exchange(score("passed")), Exchange(failure=FAILURE)], "error"),
        ([exchange(score("failed")), Exchange(failure=FAILURE)], "error"),
        ([], "error"),
        ([exchange()], "unscored"),
        ([exchange(score("passed", soft=True))], "unscored"),
    ],
)
def test_a_trial_ends_as_its_exchanges_say(exchanges, status) -> None:
    assert status_of(exchanges) == status


def test_a_skipped_trial_is_skipped() -> None:
    assert status_of([], skipped=True) == "skipped"


SCORES = st.builds(score, st.sampled_from(["passed", "failed", "unscored"]), soft=st.booleans())
EXCHANGES = st.builds(
    Exchange,
    completion=st.just(Completion(text="")),
    scores=st.lists(SCORES, max_size=4).map(tuple),
    failure=st.sampled_from([None, None, None, FAILURE]),
)


@given(st.lists(EXCHANGES, max_size=4))
def test_only_what_was_answered_and_passed_every_hard_claim_has_passed(exchanges) -> None:
    hard = [s.score.status for e in exchanges for s in e.scores if not s.soft]
    whole = bool(hard) and set(hard) == {"passed"} and not any(e.failure for e in exchanges)

    assert (status_of(exchanges) == "passed") == whole


def test_other_messages_change_nothing_else() -> None:
    changed = with_messages(OPENING, [{"role": "user", "content": "hi"}])

    assert changed == replace(OPENING, messages=({"role": "user", "content": "hi"},))


def test_a_turn_asks_with_all_that_was_said_before() -> None:
    first = TurnStage(opening=OPENING, user="hello", ready=(), name="turn 1")
    second = TurnStage(opening=OPENING, user="bye", ready=(), name="turn 2")

    asked = first.request([])
    again = second.request([exchange(text="good day", request=asked)])

    assert [message["content"] for message in again.messages] == [
        "Be kind.", "hello", "good day", "bye"
    ]  # fmt: skip
    assert again == with_messages(OPENING, again.messages)
    assert first.inputs() is None


def test_a_single_request_and_a_step_ask_what_they_were_made_for() -> None:
    single = Single(whole=OPENING, ready=())
    step = StepStage(
        name="two", ready=(), render=lambda done: with_messages(OPENING, [{"n": len(done)}])
    )

    assert single.request([exchange()]) is OPENING
    assert step.request([exchange()]).messages == ({"n": 1},)
    assert (single.inputs(), step.inputs(), single.name) == (None, None, "")


def test_a_target_is_called_and_a_broken_stage_asks_nobody() -> None:
    target = TargetStage(values={"a": 1}, ready=())
    broken = BrokenStage(failure=FAILURE)

    assert (target.request([]), target.inputs()) == (None, {"a": 1})
    assert (broken.request([]), broken.inputs()) == (None, None)


def test_a_result_holds_what_was_planned_and_what_came_of_it(tmp_path) -> None:
    entry = "- {id: red, inputs: {word: a}, tags: [t], cluster: c}\n"
    (planned,) = Opened(tmp_path, suite(entry)).plan().trials()

    done = exchange(score("passed"))
    result = planned.result([done])

    assert (result.suite, result.suite_path, result.case) == ("s", "suites/s.yaml", "red")
    assert (result.status, result.exchanges, result.sample) == ("passed", (done,), 0)
    assert (result.tags, result.cluster, result.inputs) == (("t",), "c", {"word": "a"})
    assert (result.id, result.case_hash) == (planned.id, planned.case_hash)
    assert result.arm == planned.planned_arm.arm


def test_a_skipped_case_says_why(tmp_path) -> None:
    entry = "- {id: red, inputs: {word: a}, skip: too slow}\n"
    (planned,) = Opened(tmp_path, suite(entry)).plan().trials()

    result = planned.result([])

    assert (planned.stages, result.status, result.reason) == ((), "skipped", "too slow")
