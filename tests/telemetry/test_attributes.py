import json

import pytest

from llmops.domain.attempt import MadeAttempt
from llmops.domain.case_names import derived_id, without_words
from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.config import Model
from llmops.telemetry.attributes import of_attempt, redacted, who
from llmops.telemetry.content import content_of

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"a": 1}'}}


def attempt(*messages, model="openai/gpt-4o", completion=None, base=None, **request):
    return MadeAttempt(
        trial="t",
        number=1,
        began=0.0,
        ended=1.0,
        request=Request(model=model, messages=messages, **request),
        model=Model(label="m", name=model, api_base=base),
        completion=completion,
    )


def said(*messages, **rest):
    return json.loads(content_of(attempt(*messages, **rest))["gen_ai.input.messages"])


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("azure/ours", "azure.ai.openai", "ours"),
        ("bedrock/anthropic.claude", "aws.bedrock", "anthropic.claude"),
        ("gemini/gemini-2.5-pro", "gcp.gemini", "gemini-2.5-pro"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("xai/grok", "x_ai", "grok"),
    ],
)
def test_providers_have_the_names_of_the_conventions(model, provider, name):
    asked = who(attempt(model=model))

    assert asked["gen_ai.provider.name"] == provider
    assert asked["gen_ai.request.model"] == name


@pytest.mark.parametrize(
    ("base", "port"),
    [("https://ours.example/v1", 443), ("http://ours.example", 80), ("http://ours.example:8", 8)],
)
def test_a_host_is_named_with_its_port(base, port):
    asked = who(attempt(base=base))

    assert (asked["server.address"], asked["server.port"]) == ("ours.example", port)


def test_tokens_that_no_provider_counted_are_no_facts():
    usage = Usage(input=5, output=5, source="estimated")

    facts = of_attempt(attempt(completion=Completion(text="a", usage=usage)))

    assert facts["llmops.usage.source"] == "estimated"
    assert not [name for name in facts if name.startswith("gen_ai.usage")]


def test_parameters_that_are_no_numbers_are_left_out():
    parameters = {"temperature": "hot", "max_completion_tokens": 7, "stop": ["a", "b"]}

    facts = of_attempt(attempt(parameters=parameters, response_format={"type": "json_object"}))

    assert "gen_ai.request.temperature" not in facts
    assert facts["gen_ai.request.max_tokens"] == 7
    assert facts["gen_ai.request.stop_sequences"] == ("a", "b")
    assert facts["gen_ai.output.type"] == "json"


def test_secrets_are_taken_out_of_every_text():
    attributes = {"a": "x secret", "b": ("secret", "y"), "c": 7}

    assert redacted(attributes, lambda text: text.replace("secret", "…")) == {
        "a": "x …",
        "b": ("…", "y"),
        "c": 7,
    }


def test_messages_take_the_conventions_shape():
    found = said(
        {"role": "user", "content": [{"type": "text", "text": "Look:"}, IMAGE]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "paid"},
    )

    assert [message["role"] for message in found] == ["user", "assistant", "tool"]
    assert [message["parts"] for message in found] == [
        [{"type": "text", "content": "Look:"}, {"type": "image_url"}],
        [{"type": "tool_call", "id": "c1", "name": "pay", "arguments": {"a": 1}}],
        [{"type": "tool_call_response", "id": "c1", "response": "paid"}],
    ]


def test_instructions_and_tools_stand_apart():
    tool = {"type": "function", "function": {"name": "pay"}}

    found = content_of(attempt({"role": "system", "content": "Be kind."}, tools=(tool,)))

    assert json.loads(found["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Be kind."}
    ]
    assert json.loads(found["gen_ai.tool.definitions"]) == [tool]
    assert json.loads(found["gen_ai.input.messages"]) == []


@pytest.mark.parametrize(
    ("completion", "parts"),
    [
        (
            Completion(text="b", reasoning="a"),
            [{"type": "reasoning", "content": "a"}, {"type": "text", "content": "b"}],
        ),
        (Completion(text="", output={"a": 1}), [{"type": "text", "content": '{"a": 1}'}]),
        (Completion(text=""), []),
        (
            Completion(text="", tool_calls=(ToolCall(name="go", arguments="{"),)),
            [{"type": "tool_call", "id": None, "name": "go", "arguments": "{"}],
        ),
    ],
)
def test_an_answer_takes_the_conventions_shape(completion, parts):
    found = content_of(attempt(completion=completion))

    (message,) = json.loads(found["gen_ai.output.messages"])
    assert message == {"role": "assistant", "parts": parts, "finish_reason": "stop"}


def test_a_derived_id_loses_its_words_and_keeps_its_hash():
    inputs = {"n": 7, "mail": "My parcel is lost!", "tone": "formal"}
    derived = derived_id(inputs)

    assert derived.startswith("my-parcel-is-lost-")
    assert without_words(derived, inputs) == f"case-{derived[-6:]}"
    assert without_words(f"{derived}[tone=formal]", inputs) == f"case-{derived[-6:]}[tone=formal]"


@pytest.mark.parametrize("case", ["lost-parcel", "my-parcel-is-lost", "my-parcel-is-lost-abcdefg"])
def test_an_id_that_somebody_gave_stays(case):
    assert without_words(case, {"mail": "My parcel is lost!"}) == case
