import asyncio
import gzip
import json
import sys

import pytest
from lanes import ANTHROPIC, BODIES, CANARY, ENVIRONMENT, OPENAI, ask, reference, request
from lanes import model as listed_model

from llmops.domain.completion import Request, ToolCall, Usage
from llmops.domain.config import Model, Price
from llmops.errors import ProviderError
from llmops.providers.litellm import LitellmProvider
from loopback import HANG, RESET, reply


def model(server, provider="openai", name="our-model", **rest):
    return listed_model(server, provider, name, **rest)


def complete(of, asked=None, environment=None):
    outcome = ask(reference(environment), of, asked)
    if isinstance(outcome, ProviderError):
        raise outcome
    return outcome


def error_of(of, asked=None, environment=None):
    with pytest.raises(ProviderError) as caught:
        complete(of, asked, environment)
    assert len(caught.value.message) <= 300
    assert "itellm" not in caught.value.message
    assert "Traceback" not in caught.value.message
    return caught.value


def choice(**message):
    return {**OPENAI, "choices": [{**OPENAI["choices"][0], "message": message}]}


both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


def test_a_completion_of_an_openai_server(server):
    server.says(200, OPENAI)

    completion = complete(model(server, name="gpt-4o-mini"))

    assert completion.text == "Hello."
    assert completion.finish_reason == "stop"
    assert completion.usage == Usage(
        input=1000, output=200, cached=600, reasoning=50, source="provider"
    )
    assert completion.cost == pytest.approx(0.000225)
    assert completion.model == "gpt-4o-mini-2024-07-18"
    assert completion.fingerprint == "fp_1"
    assert completion.latency > 0
    sent = server.seen[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.json["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]
    assert len(server.seen) == 1


def test_a_completion_of_an_anthropic_server(server):
    usage = {
        "input_tokens": 300,
        "cache_read_input_tokens": 600,
        "cache_creation_input_tokens": 100,
        "output_tokens": 200,
    }
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    body = {**ANTHROPIC, "content": [thinking, *ANTHROPIC["content"]], "usage": usage}
    server.says(200, body)

    completion = complete(model(server, "anthropic", "claude-haiku-4-5"))

    assert completion.text == "Hello."
    assert completion.reasoning == "Hm."
    assert completion.finish_reason == "stop"
    assert (completion.usage.input, completion.usage.output) == (1000, 200)
    assert (completion.usage.cached, completion.usage.source) == (600, "provider")
    assert completion.cost == pytest.approx((300 + 60 + 125 + 1000) / 1e6)
    assert completion.model == "claude-haiku-4-5-20251001"
    assert server.seen[0].path == "/v1/messages"
    assert server.seen[0].json["system"] == [{"type": "text", "text": "Be kind."}]


@both
@pytest.mark.parametrize("finish", ["length", "max_tokens"])
def test_an_answer_that_was_cut_says_so(server, provider, finish):
    body = {**ANTHROPIC, "stop_reason": finish}
    if provider == "openai":
        body = {**OPENAI, "choices": [{**OPENAI["choices"][0], "finish_reason": "length"}]}
    server.says(200, body)

    assert complete(model(server, provider)).finish_reason == "length"


def test_tool_calls_logprobs_and_reasoning_are_kept(server):
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"a": 1'}}
    body = choice(role="assistant", content=None, tool_calls=[call], reasoning_content="Hm.")
    body["choices"][0] |= {
        "finish_reason": "tool_calls",
        "logprobs": {
            "content": [{"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]
        },
    }
    server.says(200, body)
    asked = request(
        model(server),
        tools=({"type": "function", "function": {"name": "pay", "parameters": {}}},),
        tool_choice="required",
        parameters={"logprobs": True, "seed": 7, "temperature": 0},
        response_format={"type": "json_object"},
    )

    completion = complete(model(server), asked)

    assert completion.text == ""
    assert completion.tool_calls == (ToolCall(name="pay", arguments='{"a": 1', id="c1"),)
    assert completion.finish_reason == "tool_calls"
    assert completion.reasoning == "Hm."
    assert completion.logprobs["content"][0]["logprob"] == -0.5
    sent = server.seen[0].json
    assert sent["tool_choice"] == "required"
    assert sent["response_format"] == {"type": "json_object"}
    assert (sent["logprobs"], sent["seed"], sent["temperature"]) == (True, 7, 0)
    assert sent["tools"][0]["function"]["name"] == "pay"


def test_an_old_function_call_is_a_tool_call(server):
    call = {"name": "pay", "arguments": "{}"}
    server.says(200, choice(role="assistant", content=None, function_call=call))

    assert complete(model(server)).tool_calls == (ToolCall(name="pay", arguments="{}"),)


def test_images_and_audio_pass_through(server):
    server.says(200, OPENAI)
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]

    complete(model(server), request(model(server), messages=({"role": "user", "content": parts},)))

    assert server.seen[0].json["messages"][0]["content"] == parts


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "assistant", "content": None}, ""),
        ({"role": "assistant", "content": ""}, ""),
        ({"role": "assistant", "content": None, "refusal": "I must not."}, "I must not."),
        ({"role": "assistant", "content": "a\ud800b"}, "a\ufffdb"),
    ],
)
def test_no_text_is_empty_text_and_any_text_can_be_written(server, message, text):
    server.says(200, choice(**message))

    assert complete(model(server)).text == text


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [
        (OPENAI["usage"], None, None),
        (OPENAI["usage"], Price(input=1, output=10), 0.003),
        (OPENAI["usage"], Price(input=1, output=10, cached_input=0.5), 0.0027),
        (None, Price(input=1, output=10), None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None, None),
    ],
)
def test_an_unknown_cost_is_never_zero(server, usage, price, cost):
    server.says(200, {**OPENAI, "model": "our-model", "usage": usage})

    found = complete(model(server, price=price)).cost

    assert found == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("tokens", [-1_000_000, 10**90])
def test_what_is_no_number_of_tokens_is_a_bad_response(server, tokens):
    usage = {"prompt_tokens": tokens, "completion_tokens": 5, "total_tokens": 5}
    server.says(200, {**OPENAI, "usage": usage})

    error = error_of(model(server, price=Price(input=1, output=10)))

    assert error.kind == "bad_response"


def test_tokens_that_nobody_counted_are_unknown_even_for_a_known_model(server):
    server.says(200, {key: value for key, value in OPENAI.items() if key != "usage"})

    completion = complete(model(server, name="gpt-4o-mini"))

    assert completion.usage == Usage()
    assert completion.cost is None


@both
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (402, "auth"),
        (403, "auth"),
        (404, "not_found"),
        (408, "timeout"),
        (409, "server"),
        (413, "bad_request"),
        (422, "bad_request"),
        (429, "rate_limited"),
        (500, "server"),
        (502, "server"),
        (503, "server"),
        (504, "timeout"),
        (529, "server"),
    ],
)
def test_a_status_has_one_kind_for_both_formats(server, provider, status, kind):
    server.says(status, {"type": "error", "error": {"type": "t", "message": "words"}})

    error = error_of(model(server, provider))

    assert (error.kind, error.status) == (kind, status)
    assert error.message == f"the server answered {status}: words"
    assert len(server.seen) == 1


@both
@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"message": "no", "type": "insufficient_quota"}, "auth"),
        (400, {"message": "maximum context length is 10 tokens"}, "context_length"),
        (400, {"message": "prompt is too long: 3 tokens > 2"}, "context_length"),
        (400, {"message": "no", "code": "content_filter"}, "content_filter"),
        (200, {"message": "upstream is down", "code": 502}, "server"),
    ],
)
def test_the_servers_words_refine_the_kind(server, provider, status, error, kind):
    server.says(status, {"error": error})

    assert error_of(model(server, provider)).kind == kind


@both
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        (
            {
                "Retry-After": "Sat, 21 Nov 2026 04:00:07 GMT",
                "Date": "Sat, 21 Nov 2026 04:00:00 GMT",
            },
            7.0,
        ),
        ({"Retry-After": "999999999999"}, 999999999999.0),
        ({"Retry-After": "whenever"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_handed_on(server, provider, headers, seconds):
    server.says(429, {"error": {"message": "slow down"}}, headers)

    assert error_of(model(server, provider)).retry_after == seconds


def broken(provider):
    body = json.dumps(BODIES[provider]).encode()
    deep = b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return {
        "reset": ([RESET], "network"),
        "cut": ([reply(200, body)[0][:-30], RESET], "network"),
        "not UTF-8": (reply(200, b'{"id": "\xff"}'), "bad_response"),
        "deep": (reply(200, deep), "bad_response"),
        "html": (reply(200, b"<html>x</html>", {"content-type": "text/html"}), "bad_response"),
        "empty": (reply(200, b""), "bad_response"),
        "null": (reply(200, b"null"), "bad_response"),
        "huge number": (reply(200, b'{"id": ' + b"9" * 5000 + b"}"), "bad_response"),
        "huge": (reply(200, b'{"a": "' + b"x" * 9_000_000 + b'"}'), "too_large"),
        "no gzip": (reply(200, body, {"content-encoding": "gzip"}), "bad_response"),
        "loop": (reply(307, b"", {"location": "/v1/again"}), "bad_request"),
    }


@both
@pytest.mark.parametrize("fault", broken("openai"))
def test_a_broken_server_ends_as_a_typed_error(server, provider, fault):
    steps, kind = broken(provider)[fault]
    server.answer = lambda _seen: steps

    assert error_of(model(server, provider)).kind == kind


@both
@pytest.mark.parametrize(
    "steps",
    [[HANG], [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x", 0.1] * 100]],
    ids=["hang", "drip"],
)
def test_a_slow_server_meets_our_own_clock(server, provider, steps):
    server.answer = lambda _seen: steps

    error = error_of(model(server, provider, timeout=0.5))

    assert (error.kind, error.message) == ("timeout", "no answer within 0.5 s")


@both
def test_a_gzip_bomb_is_never_unpacked(server, provider):
    bomb = gzip.compress(b"\0" * 50_000_000, 6)
    server.says(200, bomb, {"content-encoding": "gzip"})

    assert error_of(model(server, provider)).kind == "too_large"


@both
def test_gzip_that_nobody_asked_for_is_understood(server, provider):
    packed = gzip.compress(json.dumps(BODIES[provider]).encode())
    server.says(200, packed, {"content-encoding": "gzip"})

    assert complete(model(server, provider)).text == "Hello."


@pytest.mark.parametrize("body", [{**OPENAI, "choices": []}, {**OPENAI, "choices": None}])
def test_an_answer_without_a_choice_is_a_bad_response(server, body):
    server.says(200, body)

    assert error_of(model(server)).kind == "bad_response"


@both
def test_nobody_listening_is_a_network_error_and_tried_once(server, provider):
    of = model(server, provider, api_base="http://127.0.0.1:9/v1")

    error = error_of(of)

    assert (error.kind, error.refused) == ("network", True)
    assert "http://127.0.0.1:9/v1" in error.message
    assert error.hint


@both
def test_a_connection_that_breaks_is_not_tried_again_by_litellm(server, provider):
    server.answer = lambda _seen: [RESET]

    error_of(model(server, provider))

    assert len(server.seen) == 1


@both
def test_a_host_without_a_key_of_its_own_gets_no_environment_key(server, provider, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    server.says(200, BODIES[provider])

    complete(model(server, provider))

    assert CANARY not in str(server.seen[0].headers)
    assert CANARY.encode() not in server.seen[0].body


@both
def test_a_host_gets_the_key_that_is_bound_to_it(server, provider):
    server.says(200, BODIES[provider])

    complete(model(server, provider, key="OUR_API_KEY"))

    headers = server.seen[0].headers
    assert f"{CANARY}-ours" in (headers.get("authorization") or headers.get("x-api-key"))
    assert str(headers).count(CANARY) == 1


def test_a_provider_without_api_base_gets_its_own_key(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    server.says(200, OPENAI)

    complete(model(server, api_base=None))

    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}-openai"


@both
@pytest.mark.parametrize("port", ["", "99999"])
def test_a_key_does_not_follow_a_redirect_to_another_host(server, provider, port):
    there = server.url.replace("127.0.0.1", "localhost")
    server.says(307, b"", {"location": f"{there}{port}/stolen"})

    error = error_of(model(server, provider, key="OUR_API_KEY"))

    assert error.kind == "bad_request"
    assert "redirects to another host: localhost" in error.message
    assert len(server.seen) == 1


def test_a_header_that_carries_another_key_is_not_sent(server):
    of = model(server)
    asked = request(of, parameters={"extra_headers": {"X-Key": ENVIRONMENT["OPENAI_API_KEY"]}})

    error = error_of(of, asked)

    assert error.kind == "auth"
    assert server.seen == []


@both
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_an_echoed_key_is_in_no_error(server, provider, status):
    key = ENVIRONMENT["OUR_API_KEY"]
    body = {"error": {"message": f"{key} is wrong", "type": key, "code": key}}
    server.says(status, body, {"x-echo": key, "retry-after": key})

    error = error_of(model(server, provider, key="OUR_API_KEY"))

    assert CANARY not in f"{error} {error.message} {error.hint} {error.__dict__}"
    assert error.__cause__ is None


def test_an_unsupported_parameter_is_named_and_nothing_is_dropped(server):
    of = model(server, "anthropic", "claude-haiku-4-5")

    error = error_of(of, request(of, parameters={"logprobs": True}))

    assert error.kind == "bad_request"
    assert error.message == ("the model 'anthropic/claude-haiku-4-5' does not support 'logprobs'")
    assert "allowed_openai_params: [logprobs]" in error.hint
    assert server.seen == []


@pytest.mark.parametrize("name", ["mystery/model", "mystery"])
def test_a_model_of_no_known_provider_is_told_how_to_write_it(server, name):
    of = Model(label="m", name=name)

    error = error_of(of)

    assert error.kind == "bad_request"
    assert error.message == f"no provider is known for the model '{name}'"


def test_a_login_that_litellm_misses_is_an_auth_error(server):
    error = error_of(Model(label="m", name="watsonx/x"), environment={})

    assert error.kind == "auth"
    assert error.hint


def test_a_package_that_litellm_misses_is_no_network_error():
    error = error_of(Model(label="m", name="vertex_ai/gemini-2.5-flash"))

    assert error.kind in {"bad_request", "auth"}


def test_a_missing_key_is_known_without_litellm():
    error = error_of(Model(label="fast", name="openai/gpt-4.1"), environment={})

    assert error.kind == "auth"
    assert "OPENAI_API_KEY" in error.message


def test_a_cancelled_attempt_ends_at_once(server):
    server.answer = lambda _seen: [HANG]
    of = model(server)

    async def run():
        provider = LitellmProvider(ENVIRONMENT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await provider.complete(request(of), model=of, sample=0)
        await provider.close()

    complete_first(server)
    asyncio.run(run())


def complete_first(server):
    """Load litellm, so that its import is in no clock."""
    before = server.answer
    server.says(200, OPENAI)
    complete(model(server))
    server.answer = before


def test_many_at_once_keep_their_answers_apart(server):
    def echo(seen):
        return reply(200, choice(role="assistant", content=seen.json["messages"][0]["content"]))

    server.answer = echo
    of = model(server)

    async def run():
        provider = LitellmProvider(ENVIRONMENT)
        asked = [
            Request(model=of.name, messages=({"role": "user", "content": f"case {n}"},))
            for n in range(100)
        ]
        found = await asyncio.gather(*(provider.complete(one, model=of, sample=0) for one in asked))
        await provider.close()
        return [completion.text for completion in found]

    assert asyncio.run(run()) == [f"case {n}" for n in range(100)]


def test_one_provider_answers_again_and_again(server):
    server.says(200, OPENAI)
    of = model(server)

    async def run():
        provider = LitellmProvider(ENVIRONMENT)
        found = [await provider.complete(request(of), model=of, sample=n) for n in range(3)]
        await provider.close()
        return found

    assert [completion.text for completion in asyncio.run(run())] == ["Hello."] * 3


def test_a_provider_that_was_never_asked_has_nothing_to_close():
    asyncio.run(LitellmProvider({}).close())


def test_two_event_loops_after_another_both_work(server):
    server.says(200, OPENAI)

    assert [complete(model(server)).text for _ in range(2)] == ["Hello.", "Hello."]


def test_litellm_is_quiet_and_does_not_retry_by_itself(server, capfd):
    server.says(500, {"error": {"message": "boom"}})
    error_of(model(server))
    litellm = sys.modules["litellm"]

    assert litellm.suppress_debug_info is True
    assert litellm.num_retries == 0
    assert litellm.callbacks == []
    assert capfd.readouterr() == ("", "")
