import asyncio
import json

import pytest

from llmops.domain.completion import Request, ToolCall, Usage
from llmops.domain.config import Model, Price
from llmops.errors import InvalidInputError, ProviderError
from llmops.loading.nodes import parse_yaml
from llmops.providers.scripted import ScriptedProvider

MODEL = Model(label="m", name="demo/small", via="scripted")


def provider(text):
    return ScriptedProvider.from_node(parse_yaml(text.encode(), "models/demo.yaml"))


def request(text="I want a refund", *, model="demo/small", system="You are kind."):
    messages = ({"role": "system", "content": system}, {"role": "user", "content": text})
    return Request(model=model, messages=messages)


def complete(scripted, asked=None, sample=0, model=MODEL):
    return asyncio.run(scripted.complete(asked or request(), model=model, sample=sample))


def error_of(scripted, asked=None, sample=0):
    with pytest.raises(ProviderError) as caught:
        complete(scripted, asked, sample)
    return caught.value


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{contains: refund}", True),
        ("{contains: Refund}", False),
        ("{contains: Refund, ignore_case: true}", True),
        ("{contains: [want, refund]}", True),
        ("{contains: [want, parcel]}", False),
        ("{contains: kind}", False),
        ("{contains: kind, role: system}", True),
        ("{contains: kind, role: any}", True),
        ("{role: system}", True),
        ("{role: tool}", False),
        ("{equals: I want a refund}", True),
        ("{equals: refund}", False),
        ("{equals: i want a REFUND, ignore_case: true}", True),
        ("{matches: 'ref\\w+$'}", True),
        ("{matches: 'REF'}", False),
        ("{matches: 'REF', ignore_case: true}", True),
        ("{model: demo/small}", True),
        ("{model: demo/large}", False),
        ("{}", True),
    ],
)
def test_a_rule_holds_when_all_of_its_conditions_do(condition, holds):
    scripted = provider(f"rules: [{{when: {condition}, reply: yes}}]\ndefault: no")

    assert complete(scripted).text == ("yes" if holds else "no")


def test_the_first_rule_that_holds_answers():
    scripted = provider(
        "rules:\n- {when: {contains: refund}, reply: first}\n- {when: {}, reply: second}"
    )

    assert complete(scripted).text == "first"


def test_no_rule_and_no_default_is_an_error_that_quotes_the_request():
    error = error_of(provider("rules: [{when: {contains: parcel}, reply: x}]"))

    assert error.kind == "bad_request"
    assert "'I want a refund'" in error.message


def test_an_echo_answers_what_the_user_said_last():
    scripted = provider("rules: [{echo: true}]")
    parts = Request(
        model="demo/small",
        messages=(
            {"role": "user", "content": "first"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
            {"role": "assistant", "content": None},
        ),
    )

    assert complete(scripted).text == "I want a refund"
    assert complete(scripted, parts).text == "a"
    assert complete(scripted, Request(model="m", messages=())).text == ""


def test_a_reply_may_say_all_that_a_model_says():
    scripted = provider(
        """
rules:
- reply:
    text: Done.
    tool_calls: [{name: pay, arguments: {amount: 3}, id: c1}, {name: log, arguments: '{"x"'}]
    finish_reason: length
    usage: {input: 10, output: 5, cached: 4, reasoning: 1}
    cost: 0.25
    reasoning: Hm.
    latency: 0.125
    model: demo-2026
    fingerprint: fp
"""
    )

    completion = complete(scripted)

    assert completion.text == "Done."
    assert completion.tool_calls == (
        ToolCall(name="pay", arguments='{"amount": 3}', id="c1"),
        ToolCall(name="log", arguments='{"x"'),
    )
    assert completion.finish_reason == "length"
    assert completion.usage == Usage(input=10, output=5, cached=4, reasoning=1, source="provider")
    assert completion.cost == 0.25
    assert completion.reasoning == "Hm."
    assert completion.latency == 0.125
    assert (completion.model, completion.fingerprint) == ("demo-2026", "fp")


def test_tool_calls_end_a_reply_for_that_reason():
    scripted = provider("default: {tool_calls: [{name: pay}]}")

    completion = complete(scripted)

    assert completion.finish_reason == "tool_calls"
    assert completion.tool_calls == (ToolCall(name="pay", arguments="{}"),)


@pytest.mark.parametrize("said", ["rules: [{echo: true}]", "default: hello", "default: {text: x}"])
def test_a_script_without_a_price_is_free(said):
    assert complete(provider(said)).cost == 0


@pytest.mark.parametrize(
    ("reply", "cost"),
    [
        ("{text: x, usage: {input: 1000000, output: 500000}}", 4.0),
        ("{text: x, usage: {input: 1000000, output: 0, cached: 500000}}", 1.25),
        ("{text: x, usage: {input: 1000000, output: 0}, cost: 9}", 9.0),
        ("x", None),
    ],
)
def test_a_price_costs_what_the_script_counts(reply, cost):
    price = Price(input=2, output=4, cached_input=0.5)
    model = Model(label="m", name="demo/small", via="scripted", price=price)

    assert complete(provider(f"default: {reply}"), model=model).cost == cost


def test_samples_take_the_replies_in_turn():
    scripted = provider("rules: [{replies: [a, {text: b}, c]}]")

    assert [complete(scripted, sample=n).text for n in range(5)] == ["a", "b", "c", "a", "b"]


def test_a_chance_is_the_same_for_the_same_request_and_follows_its_share():
    text = "seed: 7\nrules: [{probability: 0.25, reply: rare}]\ndefault: usual"
    answers = [complete(provider(text), request(str(n))).text for n in range(400)]

    again = [complete(provider(text), request(str(n))).text for n in range(400)]
    other = [complete(provider(text.replace("7", "8")), request(str(n))).text for n in range(400)]

    assert answers == again
    assert answers != other
    assert 60 < answers.count("rare") < 140


def test_a_chance_differs_between_samples():
    scripted = provider("rules: [{probability: 0.5, reply: heads}]\ndefault: tails")

    assert {complete(scripted, sample=n).text for n in range(20)} == {"heads", "tails"}


def test_an_error_is_played_as_written():
    error = error_of(
        provider(
            "rules: [{error: {kind: rate_limited, status: 429, retry_after: 1.5, message: slow}}]"
        )
    )

    assert (error.kind, error.status, error.retry_after) == ("rate_limited", 429, 1.5)
    assert error.message == "slow"


def test_an_error_that_is_played_out_leaves_its_rules_reply():
    scripted = provider("rules: [{error: {kind: server, times: 2}, reply: at last}]")

    assert error_of(scripted).kind == "server"
    assert error_of(scripted).kind == "server"
    assert complete(scripted).text == "at last"
    assert error_of(scripted, sample=1).kind == "server"


def test_an_error_without_a_reply_gives_way_to_the_next_rule():
    scripted = provider("rules: [{error: {kind: network, times: 1}}]\ndefault: fine")

    assert error_of(scripted).kind == "network"
    assert complete(scripted).text == "fine"


def test_a_latency_is_waited_for_only_when_asked():
    async def within_a_moment(scripted):
        async with asyncio.timeout(0.05):
            return await scripted.complete(request(), model=MODEL, sample=0)

    told = asyncio.run(within_a_moment(provider("default: {text: x, latency: 3600}")))
    with pytest.raises(TimeoutError):
        asyncio.run(within_a_moment(provider("default: {text: x, latency: 3600, wait: true}")))

    assert told.latency == 3600


def test_a_pattern_that_takes_too_long_is_an_error():
    scripted = provider("rules: [{when: {matches: '^(a|a|aa)+$'}, reply: x}]")

    error = error_of(scripted, request("a" * 200 + "b"))

    assert error.kind == "bad_request"
    assert "too long" in error.message


def test_nothing_has_to_be_closed():
    asyncio.run(provider("default: x").close())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "models/demo.yaml:1:1: a script must be a mapping"),
        ("seed: 1", "models/demo.yaml:1:1: a script needs 'rules' or a 'default'"),
        ("rules: {}", "models/demo.yaml:1:8: 'rules' must be a list"),
        ("rules: [x]", "models/demo.yaml:1:9: a rule must be a mapping"),
        ("rules: [{}]", "models/demo.yaml:1:9: a rule needs 'reply'"),
        ("default: x\nrulse: []", "models/demo.yaml:2:1: a script has no key 'rulse'"),
        ("rules: [{reply: x, wen: 1}]", "models/demo.yaml:1:20: a rule has no key 'wen'"),
        ("rules: [{reply: x, echo: true}]", "models/demo.yaml:1:9: a rule cannot both"),
        ("rules: [{reply: x, replies: [y]}]", "models/demo.yaml:1:29: 'reply' and 'replies'"),
        ("rules: [{replies: []}]", "models/demo.yaml:1:19: 'replies' must be a list of replies"),
        ("rules: [{echo: maybe}]", "models/demo.yaml:1:16: 'echo' must be true or false"),
        ("rules: [{reply: x, when: 1}]", "models/demo.yaml:1:26: 'when' must be a mapping"),
        (
            "rules: [{reply: x, when: {role: usr}}]",
            "models/demo.yaml:1:33: 'role' must be one of system, user, assistant, tool, any",
        ),
        ("rules: [{reply: x, when: {matches: '('}}]", "models/demo.yaml:1:36: '(' is no pattern"),
        ("rules: [{reply: x, when: {contains: {}}}]", "models/demo.yaml:1:37: 'contains' must be"),
        (
            "rules: [{reply: x, probability: 2}]",
            "models/demo.yaml:1:33: 'probability' must be a number from 0 to 1",
        ),
        ("rules: [{reply: [x]}]", "models/demo.yaml:1:17: a reply must be text"),
        ("default: {text: x, tool_calls: y}", "models/demo.yaml:1:32: 'tool_calls' must be a list"),
        ("default: {tool_calls: [y]}", "models/demo.yaml:1:24: a tool call must be a mapping"),
        ("default: {tool_calls: [{id: a}]}", "models/demo.yaml:1:24: a tool call needs 'name'"),
        ("default: {usage: 3}", "models/demo.yaml:1:18: 'usage' must be a mapping"),
        ("default: {usage: {input: 1.5}}", "models/demo.yaml:1:26: 'input' must be a whole"),
        ("default: {cost: -1}", "models/demo.yaml:1:17: 'cost' must be a number from 0 or more"),
        ("rules: [{error: x}]", "models/demo.yaml:1:17: an error must be a mapping"),
        ("rules: [{error: {}}]", "models/demo.yaml:1:17: 'kind' must be one of timeout"),
        ("rules: [{error: {kind: servr}}]", "models/demo.yaml:1:24: 'kind' must be one of timeout"),
        ("seed: -1\ndefault: x", "models/demo.yaml:1:7: the seed must be a whole number"),
    ],
)
def test_a_mistake_in_a_script_is_shown_where_it_stands(text, fault):
    with pytest.raises(InvalidInputError) as caught:
        provider(text)

    assert str(caught.value).startswith(fault)
    assert len(caught.value.faults) == 1


def test_all_mistakes_are_shown_at_once():
    with pytest.raises(InvalidInputError) as caught:
        provider("rules: [{reply: [x]}, {echo: 3, probability: x}]\nsed: 1")

    assert len(caught.value.faults) == 4


def test_free_keys_are_free():
    assert complete(provider("x-note: anything\ndefault: {text: y, x-why: z}")).text == "y"


def test_arguments_are_json_text():
    call = complete(provider("default: {tool_calls: [{name: f, arguments: {a: [1, ü]}}]}"))

    assert json.loads(call.tool_calls[0].arguments) == {"a": [1, "ü"]}
