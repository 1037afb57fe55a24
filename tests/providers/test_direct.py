import asyncio
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lanes import (
    ANTHROPIC,
    CANARY,
    ENVIRONMENT,
    OPENAI,
    ask,
    ask_both,
    ask_direct,
    direct,
    facts,
    model,
    reference,
    request,
)

from llmops.domain.completion import Completion, Usage
from llmops.domain.config import Model, Price
from llmops.domain.record import completion_from_json, completion_to_json
from llmops.errors import ProviderError
from llmops.providers.direct import anthropic, openai
from llmops.providers.direct.provider import DirectProvider
from llmops.providers.registry import open_provider
from loopback import HANG, reply


def answer(message, **rest):
    return {
        **OPENAI,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **rest,
    }


def test_one_connection_serves_requests_one_after_another(server):
    server.says(200, OPENAI)
    of = model(server)

    async def run():
        provider = direct()
        await provider.open()
        try:
            return [await provider.complete(request(of), model=of, sample=n) for n in range(3)]
        finally:
            await provider.close()

    completions = asyncio.run(run())

    assert {completion.text for completion in completions} == {"Hello."}
    assert all(completion.latency > 0 for completion in completions)
    assert len(server.connections) == 1


def test_as_many_connections_are_open_as_are_asked_for(server):
    server.answer = lambda _seen: [0.2, *reply(200, OPENAI)]
    of = model(server)

    async def run():
        provider = direct()
        try:
            asked = [provider.complete(request(of), model=of, sample=n) for n in range(150)]
            return await asyncio.gather(*asked)
        finally:
            await provider.close()

    assert len(asyncio.run(run())) == 150
    assert len(server.connections) == 150


def test_what_is_not_certain_goes_through_litellm_by_itself(server):
    server.says(200, OPENAI)
    of = model(server)
    asked = request(of, parameters={"top_a": 1})

    async def run():
        provider = open_provider("direct", environment=ENVIRONMENT)
        try:
            return [await provider.complete(asked, model=of, sample=n) for n in range(2)]
        finally:
            await provider.close()

    outcomes = asyncio.run(run())

    assert facts(outcomes[0]) == facts(outcomes[1]) == facts(ask(reference(), of, asked))
    assert server.seen[0].headers["user-agent"] != "llmops"
    assert server.seen[0].json["top_a"] == 1


def test_the_direct_lane_is_opened_by_its_name_and_closed_before_it_was_used():
    provider = open_provider("direct", environment={})

    assert isinstance(provider, DirectProvider)
    asyncio.run(provider.close())


def test_an_attempt_that_is_cut_short_from_outside_lets_go(server):
    server.answer = lambda _seen: [HANG]
    of = model(server)

    async def run():
        provider = direct()
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await provider.complete(request(of), model=of, sample=0)
        finally:
            await provider.close()

    asyncio.run(run())


def test_a_key_that_cannot_stand_in_a_header_is_no_secret_in_the_words(server):
    environment = {"OUR_API_KEY": f"{CANARY}\r\nx: y"}

    error, theirs = ask_both(model(server, key="OUR_API_KEY"), environment=environment)

    assert error.kind == theirs.kind
    assert CANARY not in f"{error.message} {error.hint}"
    assert server.seen == []


def test_certificates_that_cannot_be_read_are_said(tmp_path):
    of = Model(label="m", name="openai/gpt-4o", api_base="https://127.0.0.1:1/v1")
    environment = {"SSL_CERT_FILE": str(tmp_path / "none.pem")}

    error = ask_direct(of, environment=environment)

    assert (error.kind, error.hint) == ("bad_request", "SSL_CERT_FILE names them")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_is_not_there_refuses(server, scheme):
    error = ask_direct(model(server, api_base=f"{scheme}://127.0.0.1:1/v1"))

    assert (error.kind, error.refused) == ("network", True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer({"role": "assistant", "content": 7}), "'content' is no text"),
        (answer({"role": "assistant", "content": "", "tool_calls": {}} | {"tool_calls": {"a": 1}}),
         "'tool_calls' is no list"),
        (answer({"role": "assistant", "content": "", "tool_calls": ["x"]}),
         "the tool call is no object"),
        ({**OPENAI, "usage": {"prompt_tokens": True}}, "'prompt_tokens' is no number of tokens"),
        ({**OPENAI, "usage": {"prompt_tokens": -9}}, "'prompt_tokens' is no number of tokens"),
        ({**OPENAI, "usage": {"prompt_tokens": 10**90}}, "'prompt_tokens' is no number of tokens"),
        ({**OPENAI, "choices": None}, "'choices' is no list"),
        ("Hello.", "it is no object"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_answer_is_said(server, said, words):
    server.says(200, said)

    error = ask_direct(model(server))

    assert error.kind == "bad_response"
    assert error.message == f"the server's answer cannot be understood: {words}"


def test_what_anthropic_put_into_its_cache_must_be_told_by_kind(server):
    server.says(200, {**ANTHROPIC, "usage": {**ANTHROPIC["usage"], "cache_creation": [1]}})

    error = ask_direct(model(server, "anthropic"))

    assert (error.kind, error.retryable) == ("bad_response", True)
    assert "cache_creation is no object" in error.message


def test_a_number_that_is_no_text_is_no_finish(server):
    server.says(200, {**OPENAI, "choices": [{**OPENAI["choices"][0], "finish_reason": 7}]})

    assert "'finish_reason' is no text" in ask_direct(model(server)).message


def test_thinking_that_nobody_counted_is_unknown(server):
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    server.says(200, {**ANTHROPIC, "content": [thinking, *ANTHROPIC["content"]]})

    completion = ask_direct(model(server, "anthropic"))

    assert completion.reasoning == "Hm."
    assert completion.usage == Usage(
        input=1000, output=200, cached=0, cache_written=0, source="provider"
    )
    assert completion.cost == pytest.approx(0.002)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"audio_tokens": 4}},
        {"completion_tokens_details": {"image_tokens": 4}},
    ],
)
def test_a_cost_that_cannot_be_told_from_the_list_is_unknown(server, usage):
    server.says(200, {**OPENAI, "usage": {"prompt_tokens": 9, "completion_tokens": 5, **usage}})

    completion = ask_direct(model(server))

    assert completion.usage.input == 9
    assert completion.cost is None


def test_an_answer_nested_without_end_is_refused(server):
    server.says(200, b'{"choices":' + b"[" * 100_000)

    error = ask_direct(model(server))

    assert error.kind == "bad_response"


def test_an_answer_holds_what_was_said_and_nothing_of_the_wire(server):
    server.says(200, OPENAI)

    completion = ask_direct(model(server))

    assert isinstance(completion, Completion)
    assert json.loads(server.seen[0].body) == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
        ],
    }
    assert server.seen[0].headers["user-agent"] == "llmops"


ANYTHING = st.sampled_from([None, True, 7, -1, 10**20, 1.5, "x", [], [1], {}, {"a": 1}])
WHOLE = {
    "openai": answer(
        {
            "role": "assistant",
            "content": "Hello.",
            "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}],
        },
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    ),
    "anthropic": {
        **ANTHROPIC,
        "content": [
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "Hello."},
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        ],
        "usage": {
            "input_tokens": 9,
            "output_tokens": 5,
            "cache_creation": {"ephemeral_1h_input_tokens": 1},
            "output_tokens_details": {"thinking_tokens": 1},
        },
    },
}
READERS = {"openai": openai.read_answer, "anthropic": anthropic.read_answer}


def places(value, path=()):
    found = [path] if path else []
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        inner = isinstance(part, dict | list) and part
        found += places(part, (*path, key)) if inner else [(*path, key)]
    return found


@given(st.data(), st.sampled_from(sorted(WHOLE)))
def test_whatever_a_server_answers_is_a_completion_or_a_complaint(data, provider):
    said = copy.deepcopy(WHOLE[provider])
    *way, last = data.draw(st.sampled_from(places(said)))
    part = said
    for key in way:
        part = part[key]
    part[last] = data.draw(ANYTHING)
    of = Model(label="m", name=f"{provider}/claude-haiku-4-5", price=Price(input=1, output=2))

    try:
        completion = READERS[provider](said, request(of), of)
    except (ValueError, ProviderError):
        return

    assert completion_from_json(completion_to_json(completion)) == completion
