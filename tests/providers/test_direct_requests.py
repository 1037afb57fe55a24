import itertools
import json

import pytest
from lanes import (
    BODIES,
    CANARY,
    ENVIRONMENT,
    OPENAI,
    LanelessError,
    ask_both,
    ask_direct,
    facts,
    model,
    request,
)

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from loopback import reply

USER = {"role": "user", "content": "Hi"}
TOOL = {
    "type": "function",
    "function": {
        "name": "pay",
        "description": "Pay.",
        "parameters": {
            "type": "object",
            "properties": {"b": {"type": "integer"}, "a": {"type": "string", "enum": ["x"]}},
            "required": ["b"],
            "additionalProperties": False,
        },
    },
}
BARE_TOOL = {"type": "function", "function": {"name": "now"}}
STRICT_TOOL = {"type": "function", "function": {**TOOL["function"], "strict": True}}
CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"b": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "s", "strict": True, "schema": {"type": "object", "properties": {}}},
}


def text(words):
    return {"type": "text", "text": words}


def system(words="Be kind."):
    return {"role": "system", "content": words}


def assistant(content=None, *calls):
    made = {"role": "assistant", "content": content}
    return {**made, "tool_calls": list(calls)} if calls else made


def result(content="ok", identity="c1"):
    return {"role": "tool", "tool_call_id": identity, "content": content}


CONVERSATION = (system(), USER, assistant(None, CALL), result(), assistant("Paid."), USER)
SAME = {
    "one message": {"messages": (USER,)},
    "a system's words": {},
    "two systems' words": {"messages": (system(), system("Be short."), USER)},
    "a conversation": {"messages": CONVERSATION, "tools": (TOOL,)},
    "words before a call": {
        "messages": (USER, assistant("So:", CALL, {**CALL, "id": "c2"}), result(), result("no", "c2")),
        "tools": (TOOL,),
    },
    "a result and more": {
        "messages": (USER, assistant(None, CALL), result(), USER, USER),
        "tools": (TOOL,),
    },
    "another script": {"messages": ({"role": "user", "content": "Zażółć 日本 🙂"},)},
    "parts": {"messages": ({"role": "user", "content": [text("Hi"), text("there ")]},)},
    "lengths": {"parameters": {"max_tokens": 7}},
    "a length by its new name": {"parameters": {"max_completion_tokens": 7}},
    "sampling": {"parameters": {"temperature": 0, "top_p": 0.5}},
    "a stop word": {"parameters": {"stop": "x"}},
    "stop words": {"parameters": {"stop": ["x", " "]}},
    "tools": {"tools": (TOOL, BARE_TOOL, STRICT_TOOL)},
    **{f"tools, {choice}": {"tools": (TOOL,), "tool_choice": choice} for choice in
       ("auto", "none", "required")},
    "one tool": {
        "tools": (TOOL,),
        "tool_choice": {"type": "function", "function": {"name": "pay"}},
    },
}  # fmt: skip
ANTHROPIC_ONLY = {"many choices": {"parameters": {"top_k": 5}}}
OPENAI_ONLY = {
    "an answer to go on": {"messages": (USER, assistant("pre "))},
    "an answer first": {"messages": (assistant("pre"), USER)},
    "white space": {"messages": (system(" "), {"role": "user", "content": ""})},
    "names": {"messages": ({**USER, "name": "ada"},)},
    "images and sounds": {"messages": ({"role": "user", "content": [text("?"), IMAGE, SOUND]},)},
    "all that is plain": {
        "parameters": {
            "frequency_penalty": 0.5,
            "presence_penalty": -0.5,
            "logit_bias": {"50256": -100},
            "logprobs": True,
            "top_logprobs": 2,
            "seed": 7,
        }
    },
    "calls one by one": {"tools": (TOOL,), "parameters": {"parallel_tool_calls": False}},
    "any JSON": {"response_format": {"type": "json_object"}},
    "JSON by a schema": {"response_format": SCHEMA},
}
EVERY = {
    **{(provider, name): asked for provider in BODIES for name, asked in SAME.items()},
    **{("openai", name): asked for name, asked in OPENAI_ONLY.items()},
    **{("anthropic", name): asked for name, asked in ANTHROPIC_ONLY.items()},
}
NAMES = {
    "openai": ["gpt-4o-mini", "gpt-4.1", "gpt-3.5-turbo", "our-model", "org/our-model", "gpt-4"],
    "anthropic": ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-5-20251101"],
}
REASONING = ["o3", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.4", "gpt-5-nano-2025-08-07"]


def check(server, of, asked):
    """Both lanes send the same words to the same place, and hear the same."""
    ours, theirs = ask_both(of, asked)

    assert isinstance(ours, Completion)
    assert facts(ours) == facts(theirs)
    sent, reference = server.seen
    assert sent.json == reference.json
    # litellm puts its path behind a base that ends with a slash as it is.
    assert (sent.method, sent.path) == (reference.method, reference.path.replace("//", "/"))
    for name in ("authorization", "x-api-key", "anthropic-version", "content-type", "accept",
                 "accept-encoding"):  # fmt: skip
        assert sent.headers.get(name) == reference.headers.get(name)


@pytest.mark.parametrize(("provider", "case"), EVERY)
def test_a_request_is_the_same_in_both_lanes(server, provider, case):
    server.says(200, BODIES[provider])
    of = model(server, provider)

    check(server, of, request(of, **EVERY[provider, case]))


@pytest.mark.parametrize(
    ("provider", "name"), [(provider, name) for provider in NAMES for name in NAMES[provider]]
)
def test_a_model_is_asked_the_same_in_both_lanes(server, provider, name):
    server.says(200, BODIES[provider])
    of = model(server, provider, name)

    check(server, of, request(of, parameters={"temperature": 0}, tools=(TOOL,)))


@pytest.mark.parametrize("name", REASONING)
@pytest.mark.parametrize("length", ["max_tokens", "max_completion_tokens"])
def test_a_reasoning_model_is_asked_the_same_in_both_lanes(server, name, length):
    server.says(200, {**OPENAI, "model": name})
    of = model(server, name=name)
    parameters = {length: 50, "seed": 1, "reasoning_effort": "low"}

    check(server, of, request(of, messages=(USER,), parameters=parameters))


@pytest.mark.parametrize("name", ["gpt-5", "gpt-5-mini", "gpt-5.1"])
def test_a_reasoning_model_with_tools_is_asked_the_same_in_both_lanes(server, name):
    server.says(200, OPENAI)
    of = model(server, name=name)
    asked = request(of, messages=(USER,), tools=(TOOL,), tool_choice="auto", response_format=SCHEMA)

    check(server, of, asked)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("key", [None, "OUR_API_KEY"])
@pytest.mark.parametrize("ending", ["", "/"])
def test_a_key_goes_to_its_host_only_in_both_lanes(server, provider, key, ending):
    server.says(200, BODIES[provider])
    of = model(server, provider)
    of = model(server, provider, api_base=of.api_base + ending, key=key)

    check(server, of, request(of))

    sent = json.dumps([[seen.path, seen.headers, seen.body.decode()] for seen in server.seen])
    assert sent.count(CANARY) == (2 if key else 0)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_providers_own_key_goes_to_its_own_host(server, provider, monkeypatch):
    server.says(200, BODIES[provider])
    base = model(server, provider).api_base
    monkeypatch.setenv(f"{provider.upper()}_BASE_URL", base)
    of = model(server, provider, api_base=None)

    ours, theirs = ask_both(of, environment={**ENVIRONMENT, f"{provider.upper()}_BASE_URL": base})

    assert facts(ours) == facts(theirs)
    for seen in server.seen:
        assert f"{CANARY}-{provider}" in seen.headers.get(
            "authorization", seen.headers.get("x-api-key")
        )


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("key", [None, "OUR_API_KEY"])
def test_a_key_that_is_not_there_is_the_same_in_both_lanes(server, provider, key):
    of = model(server, provider, api_base=server.url if key else None, key=key)

    ours, theirs = ask_both(of, environment={})

    assert facts(ours) == facts(theirs)
    assert ours.kind == "auth"
    assert server.seen == []


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_of_another_host_is_in_no_address(server, provider):
    of = model(server, provider, api_base=f"{server.url}/{CANARY}-openai")

    ours, theirs = ask_both(of)

    assert facts(ours) == facts(theirs)
    assert ours.kind == "auth"
    assert server.seen == []


def test_a_key_that_a_server_says_again_is_in_no_words(server):
    server.says(400, {"error": {"message": f"what is {CANARY}-ours or {CANARY}-anthropic?"}})

    error = ask_direct(model(server, key="OUR_API_KEY"))

    assert CANARY not in error.message
    assert error.message.count("[redacted]") == 2


def test_the_same_request_is_the_same_bytes_in_the_order_of_its_schema(server):
    server.says(200, OPENAI)
    of = model(server)

    for _ in range(2):
        ask_direct(of, request(of, tools=(TOOL,), parameters={"top_p": 1, "seed": 2}))

    first, second = server.seen
    assert first.body == second.body
    assert list(first.json["tools"][0]["function"]["parameters"]["properties"]) == ["b", "a"]


LEFT = {
    "an unknown parameter": {"parameters": {"top_a": 1}},
    "an empty parameter": {"parameters": {"temperature": None}},
    "more than JSON": {"parameters": {"temperature": float("nan")}},
    "a host in a parameter": {"parameters": {"api_base": "http://127.0.0.2"}},
    "headers": {"parameters": {"extra_headers": {"x": "y"}}},
    "thinking": {"parameters": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    "another role": {"messages": ({"role": "developer", "content": "Hi"}, USER)},
    "marks for a cache": {"messages": ({**USER, "cache_control": {"type": "ephemeral"}},)},
    "marks for a cache in a part": {
        "messages": (
            {"role": "user", "content": [{**text("Hi"), "cache_control": {"type": "ephemeral"}}]},
        )
    },
    "a file": {
        "messages": ({"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},)
    },
    "an image by its bare name": {
        "messages": (
            {"role": "user", "content": [{"type": "image_url", "image_url": "http://a/b"}]},
        )
    },
    "a part that is no mapping": {"messages": ({"role": "user", "content": ["Hi"]},)},
    "no words": {"messages": (USER, assistant(None), USER)},
    "calls of a wrong type": {"messages": (USER, {**assistant(), "tool_calls": "c1"}, result())},
    "a call of a wrong type": {
        "messages": (USER, assistant(None, {**CALL, "type": "x"}), result())
    },
    "arguments of a wrong type": {
        "messages": (
            USER,
            assistant(None, {**CALL, "function": {"name": "pay", "arguments": {}}}),
            result(),
        )
    },
    "an id with blanks": {"messages": (USER, assistant(None, {**CALL, "id": "c 1"}), result())},
    "a tool of the provider's": {"tools": ({"type": "web_search"},)},
    "a tool with an odd name": {"tools": ({"type": "function", "function": {"name": "a.b"}},)},
    "a tool with a combinator": {
        "tools": (
            {"type": "function", "function": {"name": "a", "parameters": {"anyOf": [{}, {}]}}},
        )
    },
    "a tool with an expression": {
        "tools": (
            {
                "type": "function",
                "function": {
                    "name": "a",
                    "parameters": {
                        "type": "object",
                        "properties": {"x": {"type": "string", "pattern": "\\p{L}"}},
                    },
                },
            },
        )
    },
    "a choice without tools": {"tool_choice": "auto"},
}
LEFT_BY_ANTHROPIC = {
    "an answer to go on": {"messages": (USER, assistant("pre "))},
    "an answer first": {"messages": (assistant("pre"), USER)},
    "two answers": {"messages": (USER, assistant("a"), assistant("b"), USER)},
    "white space": {"messages": (system(" "), USER)},
    "a system's words later": {"messages": (USER, system(), USER)},
    "an image": {"messages": ({"role": "user", "content": [IMAGE]},)},
    "arguments that are no JSON": {
        "messages": (
            USER,
            assistant(None, {**CALL, "function": {"name": "pay", "arguments": "{"}}),
            result(),
        )
    },
    "a seed": {"parameters": {"seed": 7}},
    "a length that is no number": {"parameters": {"max_tokens": "7"}},
    "two lengths": {"parameters": {"max_tokens": 7, "max_completion_tokens": 8}},
    "a schema": {"response_format": SCHEMA},
    "another choice": {"tools": (TOOL,), "tool_choice": "any"},
}
LEFT_OF = {
    **{(provider, name): asked for provider in BODIES for name, asked in LEFT.items()},
    **{("anthropic", name): asked for name, asked in LEFT_BY_ANTHROPIC.items()},
}


@pytest.mark.parametrize(("provider", "case"), LEFT_OF)
def test_what_litellm_may_translate_is_left_to_it(server, provider, case):
    of = model(server, provider)

    with pytest.raises(LanelessError):
        ask_direct(of, request(of, **LEFT_OF[provider, case]))

    assert server.seen == []


@pytest.mark.parametrize(
    "name",
    [
        "openai/responses/gpt-4o", "openai/gpt-5-pro", "openai/gpt-5-codex", "openai/o1-mini",
        "openai/gpt-4o-search-preview", "openai/gpt-4o-audio-preview", "openai/ft:gpt-4o:us",
        "openai/gpt-3.5-turbo-instruct", "openai/gpt-5-chat-latest", "openai/gpt-5-of-ours",
        "openai/o9", "openai/org/gpt-5", "anthropic/claude-2", "anthropic/other",
        "anthropic/claude-mythos-5", "groq/llama-3", "gpt-4o",
    ],
)  # fmt: skip
def test_a_model_with_habits_of_its_own_is_left_to_litellm(server, name):
    of = Model(label="m", name=name, api_base=server.url, key="OUR_API_KEY")

    with pytest.raises(LanelessError):
        ask_direct(of)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("o3", {}),
        ("o3", {"messages": (USER,), "tools": (TOOL,)}),
        ("o3", {"messages": (USER,), "response_format": SCHEMA}),
        ("gpt-5.4", {"messages": (USER,), "tools": (TOOL,)}),
        ("gpt-5", {"messages": (USER,), "parameters": {"temperature": 0}}),
        ("gpt-5", {"messages": (USER,), "parameters": {"reasoning_effort": "max"}}),
        (
            "gpt-5",
            {"messages": (USER,), "parameters": {"max_tokens": 1, "max_completion_tokens": 2}},
        ),
        ("gpt-4", {"response_format": SCHEMA}),
    ],
)
def test_what_a_reasoning_model_may_not_know_is_left_to_litellm(server, name, asked):
    of = model(server, name=name)

    with pytest.raises(LanelessError):
        ask_direct(of, request(of, **asked))


def test_sampling_and_force_are_left_to_litellm_where_a_model_may_refuse_them(server):
    of = model(server, "anthropic", "claude-opus-4-7")

    with pytest.raises(LanelessError):
        ask_direct(of, request(of, parameters={"temperature": 0}))


@pytest.mark.parametrize(
    ("provider", "rest"),
    [
        ("openai", {"options": {"api_version": "1"}}),
        ("openai", {"api_base": "https://eu.api.openai.com/v1"}),
        ("openai", {"api_base": "http://127.0.0.1:1/v1?x=1"}),
        ("openai", {"api_base": "http://127.0.0.1:1/v1/chat/completions"}),
        ("openai", {"api_base": "127.0.0.1:1"}),
        ("anthropic", {"api_base": "http://127.0.0.1:1/v1"}),
        ("anthropic", {"api_base": "http://127.0.0.1:1/v1/messages"}),
        ("anthropic", {"api_base": None}),
    ],
)
def test_a_host_with_habits_of_its_own_is_left_to_litellm(server, provider, rest):
    environment = {"ANTHROPIC_AUTH_TOKEN": "some-token", "OPENAI_API_KEY": "some-key"}

    with pytest.raises(LanelessError):
        ask_direct(model(server, provider, **rest), environment=environment)


@pytest.mark.parametrize(
    ("provider", "environment"),
    [
        ("openai", {"OPENAI_ORG_ID": "org"}),
        ("openai", {"SSL_VERIFY": "False"}),
        ("openai", {"http_proxy": "socks5://127.0.0.1:1"}),
        ("openai", {"HTTP_PROXY": "http://user:word@127.0.0.1:1"}),
        ("anthropic", {"OUR_API_KEY": "sk-ant-oat01-x"}),
    ],
)
def test_an_environment_with_wishes_is_left_to_litellm(server, provider, environment):
    of = model(server, provider, key="OUR_API_KEY")

    with pytest.raises(LanelessError):
        ask_direct(of, environment={**ENVIRONMENT, **environment})


@pytest.mark.parametrize(
    ("name", "excepted", "asked"),
    list(itertools.product(["http_proxy", "ALL_PROXY"], ["", "127.0.0.1,x"], [True, False])),
)
def test_a_proxy_of_the_environment_is_used_in_both_lanes(
    server, name, excepted, asked, monkeypatch
):
    server.answer = lambda _seen: reply(200, OPENAI)
    proxy = {name: server.url if asked else server.url.removeprefix("http://")}
    proxy |= {"no_proxy": excepted} if excepted else {}
    for known, value in proxy.items():
        monkeypatch.setenv(known, value)
    of = model(server, api_base=f"{server.url}/v1" if excepted else "http://model.invalid/v1")

    ours, theirs = ask_both(of, environment={**ENVIRONMENT, **proxy})

    assert isinstance(ours, Completion)
    assert facts(ours) == facts(theirs)
    assert server.seen[0].path == server.seen[1].path
    assert server.seen[0].path.startswith("/" if excepted else "http://model.invalid/")
