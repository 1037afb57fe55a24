import gc
import weakref

import pytest

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.errors import CannotScoreError
from llmops.scoring.assess import assess
from llmops.scoring.base import PickError, Subject
from llmops.scoring.pick import Subjects


class Watched:
    """Something whose end can be seen."""


WHOLE = Completion(
    text='{"a": [{"b": 1}]}',
    tool_calls=(
        ToolCall(name="refund", arguments='{"order": 7}'),
        ToolCall(name="say", arguments="no JSON"),
    ),
    reasoning="Well …",
    finish_reason="stop",
    usage=Usage(input=3, output=5, source="provider"),
    cost=0.5,
    latency=1.5,
)


@pytest.mark.parametrize(
    ("on", "picked"),
    [
        ("", None),
        ("text", '{"a": [{"b": 1}]}'),
        ("json", {"a": [{"b": 1}]}),
        ("json.a.0.b", 1),
        ("reasoning", "Well …"),
        (
            "tool_calls",
            [
                {"name": "refund", "arguments": {"order": 7}},
                {"name": "say", "arguments": "no JSON"},
            ],
        ),
        (
            "usage",
            {
                "input": 3,
                "output": 5,
                "cached": None,
                "cache_written": None,
                "reasoning": None,
                "source": "provider",
            },
        ),
        ("cost", 0.5),
        ("latency", 1.5),
        ("finish_reason", "stop"),
    ],
)
def test_each_part_of_a_completion_can_be_picked(on: str, picked: object) -> None:
    subject = Subjects(completion=WHOLE, inputs={"x": 1}, row={"y": 2}).of(on)

    assert (subject.picked, subject.on) == (picked, on)
    assert (subject.inputs, subject.row) == ({"x": 1}, {"y": 2})
    assert subject.part("text").picked == WHOLE.text


@pytest.mark.parametrize(
    ("text", "on", "reason"),
    [
        ("Hello", "json", "the output is not JSON: line 1, column 1: expecting value"),
        ("Hello", "json.a", "the output is not JSON: line 1, column 1: expecting value"),
        ("```json\n{}\n```", "json", "the output is not JSON: it starts with a Markdown fence"),
        ("{}", "json.a.b", "there is no 'json.a.b': it has no 'a'"),
        ('{"a": []}', "json.a.0", "there is no 'json.a.0': 'a' has 0 elements, and no '0'"),
        ("[NaN]", "json", "the output is not JSON: NaN is not a JSON value"),
        ("{}", "reasoning", "the completion has no reasoning"),
        ("{}", "smell", "there is no 'smell' to judge"),
    ],
)
def test_what_the_model_did_not_give_is_said_each_time(text: str, on: str, reason: str) -> None:
    subjects = Subjects(completion=Completion(text=text))

    for _ in range(2):
        with pytest.raises(PickError) as caught:
            subjects.of(on)
        assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        ("cost", "nobody knows what the completion cost"),
        ("usage", "nobody counted the tokens"),
        ("finish_reason", "the provider gave no finish reason"),
    ],
)
def test_what_nobody_knows_is_no_failure_of_the_model(on: str, reason: str) -> None:
    with pytest.raises(CannotScoreError, match=reason):
        Subjects(completion=Completion(text="")).of(on)


def test_no_tool_call_is_an_empty_list() -> None:
    assert Subjects(completion=Completion(text="")).of("tool_calls").text == "[]"


def test_what_an_application_returns_is_both_text_and_json() -> None:
    subjects = Subjects(completion=Completion(text="", output={"b": [1], "a": None}))

    assert subjects.of("text").text == '{"a": null, "b": [1]}'
    assert subjects.of("json.b.0").picked == 1


def test_json_is_read_once() -> None:
    subjects = Subjects(completion=WHOLE)

    assert subjects.of("json").picked is subjects.of("json").picked
    assert subjects.of("json.a").picked is subjects.of("json").picked["a"]


def test_a_judged_completion_is_let_go_without_the_garbage_collector(ready) -> None:
    assertions = [ready("is_json"), ready("json_equals: {path: a.0.b, value: 1}")]
    completion = Completion(text=WHOLE.text, logprobs=(watched := Watched()))
    gone = weakref.ref(watched)
    gc.disable()
    try:
        assess(assertions, completion, {})
        del completion, watched
        assert gone() is None
    finally:
        gc.enable()


def test_a_subject_made_by_hand_has_no_other_parts() -> None:
    subject = Subject(completion=WHOLE, picked="x")

    with pytest.raises(PickError, match="there is no 'json' to judge"):
        subject.part("json")
