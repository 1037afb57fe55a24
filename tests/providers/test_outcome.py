import math

import pytest

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.errors import ProviderError
from llmops.providers.outcome import completion_of, parse_json


@pytest.mark.parametrize(
    ("value", "text", "output"),
    [
        ("words", "words", None),
        ("", "", None),
        ({"label": "büro"}, '{"label": "büro"}', {"label": "büro"}),
        ([1, (2, 3)], "[1, [2, 3]]", [1, [2, 3]]),
        (3, "3", 3),
        (False, "false", False),
        ({"cost": 1}, '{"cost": 1}', {"cost": 1}),
        (
            {"output": "x", "score": 1},
            '{"output": "x", "score": 1}',
            {"output": "x", "score": 1},
        ),
    ],
)
def test_text_is_the_text_and_other_values_are_kept_with_their_json(value, text, output):
    completion = completion_of(value, 0.5)

    assert (completion.text, completion.output, completion.latency) == (text, output, 0.5)


def test_a_mapping_with_output_may_say_more():
    completion = completion_of(
        {
            "output": {"a": 1},
            "cost": 0.5,
            "usage": {"input": 3, "output": 4},
            "model": "ours",
            "tool_calls": [{"name": "f", "arguments": {"x": 1}}, {"name": "g"}],
            "finish_reason": "stop",
        },
        1.0,
    )

    assert completion == Completion(
        text='{"a": 1}',
        output={"a": 1},
        cost=0.5,
        usage=Usage(input=3, output=4, source="provider"),
        model="ours",
        tool_calls=(
            ToolCall(name="f", arguments='{"x": 1}'),
            ToolCall(name="g", arguments="{}"),
        ),
        finish_reason="stop",
        latency=1.0,
    )


def test_output_alone_is_enough():
    assert completion_of({"output": "x"}, 0.0) == Completion(text="x")


def test_a_completion_stays_what_it_is():
    completion = Completion(text="x", latency=9.0)

    assert completion_of(completion, 1.0) == completion


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned nothing"),
        (Completion(text=5), "completion that cannot be"),
        (Completion(text="x", cost=-1), "completion that cannot be"),
        (Completion(text="x", usage=Usage(input="many")), "completion that cannot be"),
        (Completion(text="x", output=object()), "completion that cannot be"),
        ({"output": None}, "returned nothing"),
        (object(), "no JSON"),
        (math.nan, "no JSON"),
        ({"output": "x", "cost": "free"}, "'cost' must be"),
        ({"output": "x", "cost": -1}, "'cost' must be"),
        ({"output": "x", "usage": 5}, "'usage' must be"),
        ({"output": "x", "usage": {"input": "5"}}, "'usage' must be"),
        ({"output": "x", "usage": {"inptu": 5}}, "'usage' must be"),
        ({"output": "x", "tool_calls": "f"}, "'tool_calls' must be"),
        ({"output": "x", "tool_calls": [{"arguments": "{}"}]}, "'tool_calls' must be"),
    ],
)
def test_what_is_no_output_is_a_bad_response(value, words):
    with pytest.raises(ProviderError, match=words) as caught:
        completion_of(value, 0.0)

    assert caught.value.kind == "bad_response"


def test_a_value_that_contains_itself_is_a_bad_response():
    value = []
    value.append(value)

    with pytest.raises(ProviderError, match="no JSON"):
        completion_of(value, 0.0)


@pytest.mark.parametrize("text", ["[" * 100_000, "NaN", "[Infinity]", "{", "1" * 5000])
def test_what_json_does_not_know_is_refused(text):
    with pytest.raises(ValueError):
        parse_json(text)


def test_an_output_of_more_than_eight_million_characters_is_too_large() -> None:
    with pytest.raises(ProviderError) as refused:
        completion_of("x" * (8 * 2**20 + 1), 0.1)

    assert refused.value.kind == "too_large"
    assert completion_of("x" * 8 * 2**20, 0.1).text
