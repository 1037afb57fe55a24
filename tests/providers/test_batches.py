import asyncio
import contextlib
import itertools
import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lanes import ANTHROPIC, OPENAI

from batch_server import KEY, BatchServer, serve_batches
from llmops.domain.completion import Request
from llmops.domain.config import Model, Price
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, State, Tag
from llmops.providers.batch.carried import has_batches
from llmops.providers.batch.office import Office
from llmops.providers.bodies import lines_of
from llmops.providers.direct import anthropic, openai
from llmops.providers.litellm import LitellmProvider

TAG = Tag(run="run-1", name="1-a")
NAMES = {"openai": "openai/gpt-4.1-mini", "anthropic": "anthropic/claude-haiku-4-5"}
ENVIRONMENT = {"OUR_API_KEY": KEY, "OTHER_API_KEY": "sk-of-somebody-else"}


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with serve_batches() as server:
        yield server


def model(server: BatchServer, provider: str = "openai", **rest) -> Model:
    base = server.openai if provider == "openai" else server.base
    whole = {"api_base": base, "key": "OUR_API_KEY", "via": "direct", "timeout": 60.0, **rest}
    return Model(label="m", name=NAMES[provider], **whole)


def request(of: Model, text: str = "Hi", **rest) -> Request:
    return Request(model=of.name, messages=({"role": "user", "content": text},), **rest)


def with_office(work, environment=ENVIRONMENT):
    """What comes of work with an office, or the provider's error."""

    async def run():
        office = Office(environment)
        try:
            return await work(office)
        except ProviderError as error:
            return error
        finally:
            await office.close()

    return asyncio.run(run())


def letter_of(of: Model, asked: Request | None = None, environment=ENVIRONMENT) -> Letter | None:
    async def work(office):
        return office.letter(asked or request(of), of, "a")

    return with_office(work, environment)


def with_batches(of: Model, work):
    """What comes of work with a model's batches and one letter."""

    async def run(office):
        letter = office.letter(request(of), of, "a")
        return await work(office.batches(letter, of), letter)

    return with_office(run)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_is_sent_looked_at_fetched_and_cancelled(server, provider) -> None:
    of = model(server, provider)

    async def work(batches, letter):
        id_ = await batches.send([letter], TAG)
        state = await batches.look(id_)
        found = [reply async for reply in batches.fetch(id_, state, {"a": letter.request})]
        await batches.cancel(id_)
        return id_, state.ended, found, await batches.find(TAG), await batches.find(TAG)

    id_, ended, found, marked, _again = with_batches(of, work)

    assert (id_, ended) == ("batch_0", True)
    assert [(reply.id, reply.answer.text) for reply in found] == [("a", "You said: Hi")]
    assert marked == ("batch_0" if provider == "openai" else None)
    assert server.calls[-1 if provider == "anthropic" else -3].endswith("/cancel")


def test_a_batch_beyond_the_first_pages_is_found(server) -> None:
    of = model(server)

    async def work(batches, letter):
        for number in range(5):
            await batches.send([letter], Tag(run="run-1", name=str(number)))
        return await batches.find(Tag(run="run-1", name="0")), await batches.find(TAG)

    assert with_batches(of, work) == ("batch_0", None)


@pytest.mark.parametrize("page", [{}, {"data": 7}, {"data": [7, {"metadata": 7}]}, {"data": [{}]}])
def test_pages_of_batches_that_make_no_sense_hold_none(server, page) -> None:
    server.fault = lambda _method, _path: (200, page, {})

    found = with_batches(model(server), lambda batches, _letter: batches.find(TAG))

    assert found is None


def test_pages_without_end_are_given_up(server) -> None:
    server.fault = lambda _method, _path: (200, {"data": [{"id": "x"}], "has_more": True}, {})

    assert with_batches(model(server), lambda batches, _letter: batches.find(TAG)) is None


@pytest.mark.parametrize("made", [{}, {"id": 7}, {"id": ""}, {"id": "a\x1b[2J"}, {"id": "x" * 300}])
def test_an_id_that_cannot_be_used_is_refused(server, made) -> None:
    server.fault = lambda _method, _path: (200, made, {})

    error = with_batches(model(server), lambda batches, letter: batches.send([letter], TAG))

    assert isinstance(error, ProviderError)
    assert error.kind == "bad_response"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ({"errors": None}, "bad_request", "nobody said why"),
        ({"errors": {"data": []}}, "bad_request", "nobody said why"),
        ({"errors": {"data": [7]}}, "bad_request", "nobody said why"),
        (
            {"errors": {"data": [{"code": "token_limit_exceeded", "message": "Too much."}]}},
            "rate_limited",
            "Too much.",
        ),
        (
            {"errors": {"data": [{"code": "x", "message": "maximum context length"}]}},
            "context_length",
            "maximum context",
        ),
    ],
)
def test_a_batch_that_was_refused_as_a_whole_says_why(server, said, kind, words) -> None:
    server.fault = lambda _method, _path: (200, {"status": "failed", **said}, {})

    state = with_batches(model(server), lambda batches, _letter: batches.look("b"))

    assert state.ended
    assert state.refusal.kind == kind
    assert words in state.refusal.message


def test_a_slow_endpoint_is_out_of_time(server) -> None:
    of = model(server, timeout=0.05)
    told = threading.Event()
    server.fault = lambda _method, _path: told.wait() and None

    error = with_batches(of, lambda batches, _letter: batches.look("b"))
    told.set()

    assert error.kind == "timeout"


def test_results_of_another_encoding_are_refused(server) -> None:
    server.fault = lambda _method, _path: (200, b"\x1f\x8b", {"content-encoding": "gzip"})
    state = State(word="completed", ended=True, files=("f",))

    async def work(batches, letter):
        return [r async for r in batches.fetch("b", state, {"a": letter.request})]

    error = with_batches(model(server), work)

    assert error.kind == "bad_response"
    assert "which nobody asked for" in error.message


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (503, "server")])
def test_results_that_are_refused_are_an_error_of_their_kind(server, status, kind) -> None:
    server.fault = lambda _method, _path: (status, {"error": {"message": "no"}}, {})
    state = State(word="completed", ended=True, files=("f",))

    async def work(batches, letter):
        return [r async for r in batches.fetch("b", state, {"a": letter.request})]

    assert with_batches(model(server), work).kind == kind


def test_lines_without_end_are_left_after_as_many_as_a_batch_may_have(server) -> None:
    line = json.dumps({"custom_id": "b"}).encode() + b"\n"
    last = json.dumps({"custom_id": "a", "error": None}).encode()
    server.fault = lambda _method, _path: (200, line * 10_000 + last, {})
    state = State(word="completed", ended=True, files=("f",))

    async def work(batches, letter):
        return [r async for r in batches.fetch("b", state, {"a": letter.request})]

    assert with_batches(model(server), work) == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"response": {"status_code": 200, "body": {"choices": []}}}, "bad_response"),
        ({"response": {"status_code": 200, "body": 7}}, "bad_response"),
        ({"response": {"status_code": 500, "body": None}}, "server"),
        ({"response": {"status_code": "x"}}, "bad_response"),
        ({"response": 7, "error": 7}, "bad_response"),
        ({"error": {"code": "batch_cancelled"}}, "bad_request"),
        (
            {"error": {"code": None, "message": "It is flagged by content policy."}},
            "content_filter",
        ),
        ({"error": {"code": "rate_limit_exceeded", "message": "Later."}}, "rate_limited"),
    ],
)
def test_a_line_of_openai_without_a_completion_says_what_happened(server, line, kind) -> None:
    whole = json.dumps({"custom_id": "a", **line}).encode()
    server.fault = lambda _method, _path: (200, whole, {})
    state = State(word="completed", ended=True, files=("f",))

    async def work(batches, letter):
        return [r async for r in batches.fetch("b", state, {"a": letter.request})]

    (reply,) = with_batches(model(server), work)

    assert reply.answer.kind == kind


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (7, "bad_response"),
        ({"type": "canceled"}, "bad_request"),
        ({"type": "expired"}, "timeout"),
        ({"type": "succeeded"}, "bad_response"),
        ({"type": "errored"}, "server"),
        ({"type": "errored", "error": {"type": "overloaded_error"}}, "server"),
        ({"type": "errored", "error": {"error": {"type": "request_too_large"}}}, "bad_request"),
        ({"type": "errored", "error": {"error": {"type": "billing_error"}}}, "auth"),
    ],
)
def test_a_line_of_anthropic_without_a_message_says_what_happened(server, result, kind) -> None:
    whole = json.dumps({"custom_id": "a", "result": result}).encode()
    server.fault = lambda _method, _path: (200, whole, {})

    async def work(batches, letter):
        state = State(word="ended", ended=True)
        return [r async for r in batches.fetch("b", state, {"a": letter.request})]

    (reply,) = with_batches(model(server, "anthropic"), work)

    assert reply.answer.kind == kind


def test_what_a_batch_cannot_carry_is_no_letter(server) -> None:
    of = model(server)

    assert not has_batches(None)
    assert letter_of(model(server, via="litellm")) is None
    assert letter_of(model(server, options={"api_version": "1"})) is None
    assert letter_of(of, request(of, parameters={"verbosity": "low"})) is None
    assert letter_of(of, environment={**ENVIRONMENT, "SSL_VERIFY": "false"}) is None
    assert (
        letter_of(
            Model(label="m", name=NAMES["anthropic"], via="direct"),
            None,
            {"ANTHROPIC_AUTH_TOKEN": "x"},
        )
        is None
    )


def test_a_request_may_cost_its_bytes_and_all_that_it_may_be_answered_with(server) -> None:
    priced = model(server, price=Price(input=1.0, output=2.0, cache_write=4.0, batch=0.25))
    unknown = Model(label="m", name="openai/ours", via="direct", api_base=server.openai)
    listed = model(server, api_base=None, key=None)
    capped = request(priced, parameters={"max_tokens": 10})

    letter = letter_of(priced, capped)
    uncapped = letter_of(unknown, request(unknown))
    by_list = letter_of(listed, request(listed), {"OPENAI_API_KEY": KEY})
    free = Model(label="m", name="openai/ours", via="direct", price=Price(input=0.0, output=1.0))
    long = letter_of(free, request(free), {"OPENAI_API_KEY": KEY})

    assert letter.most == pytest.approx((len(letter.call.body) * 4 + 10 * 2) * 0.25 / 1e6)
    assert uncapped.most is None
    assert by_list.most == pytest.approx(len(by_list.call.body) * 0.2e-6 + 32_768 * 0.8e-6)
    assert long.most == pytest.approx(32_768 * 0.5 / 1e6)


def usage_of(read, written, cached, wrote):
    details = {"cached_tokens": cached, "cache_write_tokens": wrote}
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": details,
    }


OPENAI_MODELS = ("gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-5-mini", "gpt-5.5")
WITHOUT_A_PRICE_OF_CACHED = ("gpt-4-turbo", "gpt-3.5-turbo")
ANTHROPIC_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")
PRICED = [
    *itertools.product(
        ["openai"], OPENAI_MODELS, [(1000, 200, 0, 0), (1000, 200, 600, 0), (300_000, 9, 1000, 0)]
    ),
    *itertools.product(["openai"], WITHOUT_A_PRICE_OF_CACHED, [(1000, 200, 0, 0)]),
    *itertools.product(
        ["anthropic"], ANTHROPIC_MODELS, [(300, 200, 0, 0), (900, 200, 600, 0), (1000, 9, 600, 100)]
    ),
]


def litellms_price(provider: str, name: str, tokens: tuple[int, int, int, int]) -> float:
    """What litellm says that a batch costs."""
    asyncio.run(LitellmProvider({}).open())
    from litellm import Usage
    from litellm.cost_calculator import batch_cost_calculator

    read, written, cached, wrote = tokens
    usage = Usage(
        prompt_tokens=read,
        completion_tokens=written,
        total_tokens=read + written,
        prompt_tokens_details={"cached_tokens": cached, "cache_creation_tokens": wrote},
    )
    return sum(batch_cost_calculator(usage, name, provider))


def usage_in(provider: str, tokens: tuple[int, int, int, int]) -> dict[str, object]:
    read, written, cached, wrote = tokens
    if provider == "openai":
        details = {"prompt_tokens_details": {"cached_tokens": cached}}
        return {"prompt_tokens": read, "completion_tokens": written, **details}
    return {
        "input_tokens": read - cached - wrote,
        "output_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": wrote,
        "service_tier": "batch",
    }


@pytest.mark.parametrize(("provider", "name", "tokens"), PRICED)
def test_batches_cost_what_litellm_says(provider, name, tokens) -> None:
    read = {"openai": openai.read_answer, "anthropic": anthropic.read_answer}[provider]
    whole = {"openai": OPENAI, "anthropic": ANTHROPIC}[provider]
    answer = {**whole, "model": name, "usage": usage_in(provider, tokens), "service_tier": "batch"}
    asked = Request(model=f"{provider}/{name}", messages=())

    got = read(answer, asked, Model(label="m", name=asked.model))

    assert got.cost == pytest.approx(litellms_price(provider, name, tokens), rel=1e-9)
    assert got.cost > 0


@given(st.lists(st.binary(max_size=9), max_size=20), st.integers(1, 12))
def test_lines_are_the_same_however_the_body_is_cut(chunks, most) -> None:
    async def body():
        for chunk in chunks:
            yield chunk

    async def run():
        async with contextlib.aclosing(lines_of(body(), "", most=most)) as lines:
            return [line async for line in lines]

    whole = b"".join(chunks).split(b"\n")
    expected = [line if len(line) <= most else None for line in whole]
    if expected[-1] == b"":
        expected.pop()

    assert asyncio.run(run()) == expected
