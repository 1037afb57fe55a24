import gzip
import itertools
import json

import pytest
from lanes import ANTHROPIC, BODIES, OPENAI, ask_both, facts, model, request

from llmops.domain.completion import Completion
from llmops.domain.config import Price
from loopback import HANG, RESET, reply

both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


def openai(message=None, choice=None, **rest):
    first = {**OPENAI["choices"][0], **(choice or {})}
    if message is not None:
        first["message"] = {"role": "assistant", **message}
    return {**OPENAI, "choices": [first], **rest}


def call(name="pay", arguments='{"a": 1}', identity="c1"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def usage(**rest):
    return {**OPENAI, "usage": {"prompt_tokens": 9, "completion_tokens": 5, **rest}}


def words(*texts, **rest):
    return {**ANTHROPIC, "content": [{"type": "text", "text": text} for text in texts], **rest}


def counted(**rest):
    return {**ANTHROPIC, "usage": {"input_tokens": 300, "output_tokens": 200, **rest}}


TOKEN = {"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": []}
OPENAI_ANSWERS = {
    "text": OPENAI,
    "another script": openai({"content": "Zażółć 日本 🙂 \u2028"}),
    "half a character": openai({"content": "a\ud800b"}),
    "JSON": openai({"content": '{"a": [1, 2]}'}),
    "nothing": openai({"content": None}),
    "empty text": openai({"content": ""}),
    "a refusal": openai({"content": None, "refusal": "I must not."}),
    "tool calls": openai(
        {"content": None, "tool_calls": [call(), call("go", "{", "c2")]},
        {"finish_reason": "tool_calls"},
    ),
    "tool calls that say stop": openai({"content": "So:", "tool_calls": [call()]}),
    "an old function call": openai(
        {"content": None, "function_call": {"name": "pay", "arguments": "{}"}},
        {"finish_reason": "function_call"},
    ),
    "no tool calls": openai({"content": "Hi", "tool_calls": []}),
    "cut": openai(choice={"finish_reason": "length"}),
    "filtered": openai({"content": ""}, {"finish_reason": "content_filter"}),
    "an odd finish": openai(choice={"finish_reason": "eos_token"}),
    "no finish": openai(choice={"finish_reason": None}),
    "reasoning": openai({"content": "Hi", "reasoning_content": "Hm."}),
    "reasoning by another name": openai({"content": "Hi", "reasoning": "Hm."}),
    "no reasoning": openai({"content": "<think>a</think>b", "reasoning_content": None}),
    "reasoning in the text": openai({"content": "<think>Hm.\n</think>\nHi"}),
    "thinking without end": openai({"content": "<think>Hm."}),
    "logprobs": openai(choice={"logprobs": {"content": [TOKEN], "refusal": None}}),
    "logprobs without refusal": openai(choice={"logprobs": {"content": [TOKEN]}}),
    "logprobs of nothing": openai(choice={"logprobs": {"content": None, "refusal": []}}),
    "two choices": {
        **OPENAI,
        "choices": [*OPENAI["choices"], *openai({"content": "2"})["choices"]],
    },
    "unknown fields": {**openai({"content": "Hi", "x": {"y": 1}}), "z": [1]},
    "no choice": {**OPENAI, "choices": []},
    "choices of a wrong type": {**OPENAI, "choices": "none"},
    "a choice of a wrong type": {**OPENAI, "choices": ["none"]},
    "no choices": {"id": "1", "object": "chat.completion"},
    "no message": {**OPENAI, "choices": [{"index": 0, "finish_reason": "stop"}]},
    "content of a wrong type": openai({"content": {"a": 1}}),
    "a list": [1],
    "a number": 7,
    "nothing at all": None,
    "no model": {key: value for key, value in OPENAI.items() if key != "model"},
    "an unknown model": {**OPENAI, "model": "mystery"},
    "a priced model": {**OPENAI, "model": "gpt-4.1"},
    "no fingerprint": {**OPENAI, "system_fingerprint": None},
    "no usage": {key: value for key, value in OPENAI.items() if key != "usage"},
    "usage null": {**OPENAI, "usage": None},
    "usage of nothing": usage(prompt_tokens=0, completion_tokens=0),
    "usage without details": usage(),
    "usage with empty details": usage(prompt_tokens_details=None, completion_tokens_details={}),
    "usage of a wrong type": {**OPENAI, "usage": "many"},
    "usage with halves": usage(prompt_tokens=0.5),
    "all cached": usage(prompt_tokens_details={"cached_tokens": 9}),
    "cached by another name": usage(prompt_cache_hit_tokens=4),
    "reasoning tokens only": usage(completion_tokens_details={"reasoning_tokens": 5}),
    "served at once": {**usage(), "service_tier": "priority"},
    "served as usual": {**usage(), "service_tier": "default"},
    "served in time": {**usage(), "model": "o3", "service_tier": "flex"},
    "many tokens": {**usage(prompt_tokens=300_000), "model": "gpt-5.4"},
    "an error inside": {"error": {"message": "upstream is down", "code": 502}},
    "an error in words": {"error": "no"},
    "an empty error": {**OPENAI, "error": {}},
}
ANTHROPIC_ANSWERS = {
    "text": ANTHROPIC,
    "several texts": words("Hel", "lo."),
    "half a character": words("a\ud800b"),
    "nothing": words(),
    "empty text": words(""),
    "cut": words("a", stop_reason="max_tokens"),
    "refused": words(stop_reason="refusal"),
    "an odd end": words("a", stop_reason="pause_turn"),
    "a stop word": words("a", stop_reason="stop_sequence", stop_sequence="x"),
    "tool calls": {
        **ANTHROPIC,
        "content": [
            {"type": "text", "text": "So:"},
            {"type": "tool_use", "id": "t1", "name": "pay", "input": {"a": [1, "ż"]}},
            {"type": "tool_use", "id": "t2", "name": "go", "input": {}},
        ],
        "stop_reason": "tool_use",
    },
    "counted thinking": {
        **counted(output_tokens_details={"thinking_tokens": 50}),
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Hello."},
        ],
    },
    "cached": counted(cache_read_input_tokens=600, cache_creation_input_tokens=100),
    "cached for an hour": counted(
        cache_read_input_tokens=6,
        cache_creation_input_tokens=100,
        cache_creation={"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70},
    ),
    "cache fields null": counted(cache_read_input_tokens=None, cache_creation_input_tokens=None),
    "served as usual": counted(service_tier="standard"),
    "served at once": counted(service_tier="priority"),
    "served in America": {**counted(inference_geo="US"), "model": "claude-sonnet-4-6"},
    "served anywhere": {**counted(inference_geo="global"), "model": "claude-sonnet-4-6"},
    "served fast": {**counted(speed="fast"), "model": "claude-opus-4-8"},
    "an unknown model": {**ANTHROPIC, "model": "mystery"},
    "usage of nothing": {**ANTHROPIC, "usage": {"input_tokens": 0, "output_tokens": 0}},
    "no usage": {key: value for key, value in ANTHROPIC.items() if key != "usage"},
    "no content": {key: value for key, value in ANTHROPIC.items() if key != "content"},
    "content of a wrong type": {**ANTHROPIC, "content": "Hello."},
    "a block of a wrong type": {**ANTHROPIC, "content": ["Hello."]},
    "no end": {key: value for key, value in ANTHROPIC.items() if key != "stop_reason"},
    "a list": [1],
    "an error inside": {"type": "error", "error": {"type": "api_error", "message": "no"}},
}
REFUSALS = [
    (400, {"message": "words", "type": "invalid_request_error"}),
    (400, {"message": "maximum context length is 10 tokens", "code": "context_length_exceeded"}),
    (400, {"message": "prompt is too long: 3 tokens > 2"}),
    (400, {"message": "no", "code": "content_filter"}),
    (400, {"message": "Your credit balance is too low"}),
    (401, {"message": "bad key sk-canary-0123456789-ours"}),
    (403, {"message": "not yours"}),
    (404, {"message": "no such model"}),
    (408, {"message": "slow"}),
    (409, {"message": "busy"}),
    (413, {"message": "too large"}),
    (422, {"message": "odd"}),
    (429, {"message": "slow down"}),
    (429, {"message": "no", "type": "insufficient_quota"}),
    (500, {"message": "boom"}),
    (502, {"message": "gateway"}),
    (503, {"message": "overloaded"}),
    (504, {"message": "late"}),
    (529, {"type": "overloaded_error", "message": "Overloaded"}),
]


def check(of, asked=None):
    ours, theirs = ask_both(of, asked)

    assert facts(ours) == facts(theirs)
    return ours


@pytest.mark.parametrize("answer", OPENAI_ANSWERS.values(), ids=OPENAI_ANSWERS)
def test_an_answer_of_openais_is_the_same_in_both_lanes(server, answer):
    server.says(200, answer)

    check(model(server))


@pytest.mark.parametrize("answer", ANTHROPIC_ANSWERS.values(), ids=ANTHROPIC_ANSWERS)
def test_an_answer_of_anthropics_is_the_same_in_both_lanes(server, answer):
    server.says(200, answer)

    check(model(server, "anthropic"))


@both
@pytest.mark.parametrize(("status", "error"), REFUSALS, ids=lambda value: str(value)[:40])
def test_a_refusal_is_the_same_in_both_lanes(server, provider, status, error):
    server.says(status, {"type": "error", "error": error})

    outcome = check(model(server, provider))

    assert not isinstance(outcome, Completion)


@both
@pytest.mark.parametrize("key", [None, "OUR_API_KEY"])
def test_a_refused_key_has_the_same_way_out(server, provider, key):
    server.says(401, {"error": {"message": "no"}})

    assert check(model(server, provider, key=key)).hint


@both
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3"},
        {"Retry-After": "Sat, 21 Nov 2026 04:00:07 GMT", "Date": "Sat, 21 Nov 2026 04:00:00 GMT"},
        {"Retry-After-Ms": "250", "Retry-After": "9"},
        {"Retry-After": "whenever"},
    ],
    ids=lambda value: value["Retry-After"],
)
def test_the_time_to_wait_is_the_same_in_both_lanes(server, provider, headers):
    server.says(429, {"error": {"message": "slow down"}}, headers)

    check(model(server, provider))


def cases_of_broken_wire(provider):
    body = json.dumps(BODIES[provider]).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    packed = gzip.compress(body)
    bomb = gzip.compress(b" " * (9 * 2**20))
    there = {"Location": "http://127.0.0.2:1/elsewhere"}
    return {
        "cut JSON": reply(200, body[:-9]),
        "no JSON": reply(200, b"<html>down</html>", {"Content-Type": "text/html"}),
        "an empty body": reply(200, b""),
        "no UTF-8": reply(200, b'{"a": "\xff"}'),
        "an error of words": reply(500, b"<html>down</html>", {"Content-Type": "text/html"}),
        "an empty error": reply(503, b""),
        "packed": reply(200, packed, {"Content-Encoding": "gzip"}),
        "said to be packed": reply(200, body, {"Content-Encoding": "gzip"}),
        "packed otherwise": reply(200, body, {"Content-Encoding": "br"}),
        "a bomb": reply(200, bomb, {"Content-Encoding": "gzip"}),
        "too large": reply(200, b" " * (9 * 2**20)),
        "cut off": [head + b"content-length: 999\r\n\r\n" + body[:20], RESET],
        "reset": [RESET],
        "in pieces": [
            head + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(body) + body,
            0.01,
            b"\r\n0\r\n\r\n",
        ],
        "no HTTP": [b"garbage\r\n\r\n", RESET],
        "led elsewhere": reply(307, b"", there),
    }


@pytest.mark.parametrize(
    ("provider", "name"), list(itertools.product(BODIES, cases_of_broken_wire("openai")))
)
def test_a_broken_wire_is_the_same_in_both_lanes(server, provider, name):
    server.answer = lambda _seen: cases_of_broken_wire(provider)[name]

    check(model(server, provider))


@both
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_host_is_followed_in_both_lanes(server, provider, status):
    there = {"Location": "/elsewhere"}
    server.answer = lambda seen: (
        reply(200, BODIES[provider]) if seen.path == "/elsewhere" else reply(status, b"", there)
    )

    assert check(model(server, provider)).text == "Hello."


@both
def test_redirects_without_end_are_the_same_in_both_lanes(server, provider):
    server.says(307, b"", {"Location": "/again"})

    check(model(server, provider))


@both
@pytest.mark.parametrize(
    "steps", [[HANG], [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", HANG]]
)
def test_an_answer_that_hangs_is_the_same_in_both_lanes(server, provider, steps):
    server.answer = lambda _seen: steps

    check(model(server, provider, timeout=0.4))


@both
def test_a_host_that_is_not_there_is_the_same_in_both_lanes(server, provider):
    of = model(server, provider, api_base="http://127.0.0.1:1/v1x")

    assert check(of).kind == "network"


@both
@pytest.mark.parametrize("price", [Price(input=1, output=10), Price(input=0, output=0)])
@pytest.mark.parametrize("name", ["mystery", None])
def test_the_projects_own_price_is_the_same_in_both_lanes(server, provider, price, name):
    server.says(200, BODIES[provider])
    asked = {"parameters": {"max_tokens": 9}}

    of = model(server, provider, name and f"claude-{name}", price=price)

    assert check(of, request(of, **asked)).cost is not None


@both
def test_a_cost_that_nobody_knows_is_unknown_in_both_lanes(server, provider):
    server.says(200, {**BODIES[provider], "model": "mystery"})
    of = model(server, provider, "claude-mystery")

    assert check(of, request(of, parameters={"max_tokens": 9})).cost is None
