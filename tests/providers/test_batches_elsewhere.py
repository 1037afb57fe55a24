import asyncio
from collections.abc import Iterator

import pytest

from batch_clouds import AzureServer, MistralServer
from batch_server import KEY, BatchServer, serve_batches
from llmops.domain.completion import Request
from llmops.domain.config import Model, Price
from llmops.errors import ProviderError
from llmops.providers.batch.base import Tag
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.batch.office import Office
from llmops.providers.litellm import LitellmProvider

TAG = Tag(run="run-1", name="1-a")
ENVIRONMENT = {"OUR_API_KEY": KEY, "OTHER_API_KEY": "sk-of-somebody-else"}
NAMES = {"azure": "azure/ours", "v1": "azure/ours", "mistral": "mistral/mistral-small-latest"}
KINDS = list(NAMES)


@pytest.fixture
def server(kind: str) -> Iterator[BatchServer]:
    made = {
        "azure": AzureServer,
        "v1": lambda: AzureServer(version="v1"),
        "mistral": MistralServer,
    }[kind]()
    with serve_batches(made) as server:
        yield server


def model(server: BatchServer, kind: str, **rest) -> Model:
    versions = {"azure": {"api_version": "2024-10-21"}, "v1": {"api_version": "v1"}}
    base = f"{server.base}/v1" if kind == "mistral" else f"{server.base}/"
    whole = {"api_base": base, "key": "OUR_API_KEY", "options": versions.get(kind, {}), **rest}
    return Model(label="m", name=NAMES[kind], timeout=60.0, **whole)


def request(of: Model, text: str = "Hi", **rest) -> Request:
    return Request(model=of.name, messages=({"role": "user", "content": text},), **rest)


def with_batches(of: Model, work, environment=ENVIRONMENT, asked: Request | None = None):
    """What comes of work with a model's batches and one letter, or the provider's error."""

    async def run():
        office = Office(environment)
        try:
            letter = await office.interpreted(asked or request(of), of, "a")
            return letter and await work(office.batches(letter, of), letter)
        except ProviderError as error:
            return error
        finally:
            await office.close()

    return asyncio.run(run())


async def sent_and_fetched(batches, letter):
    id_ = await batches.send([letter], TAG)
    state = await batches.look(id_)
    return state, [reply async for reply in batches.fetch(id_, state, {"a": letter.request})]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_sent_looked_at_fetched_found_and_cancelled(server, kind) -> None:
    async def work(batches, letter):
        state, replies = await sent_and_fetched(batches, letter)
        for number in range(3):
            await batches.send([letter], Tag(run="run-2", name=str(number)))
        await batches.cancel("batch_3")
        last = await batches.look("batch_3")
        other = Tag(run="run-3", name="1")
        return state, replies, await batches.find(TAG), await batches.find(other), last

    state, (reply,), found, missing, last = with_batches(model(server, kind), work)

    assert (state.word, state.ended, found, missing) == ("completed", True, "batch_0", None)
    assert (reply.id, reply.answer.text) == ("a", "You said: Hi")
    assert (last.word, last.ended) == ("cancelled", True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_a_batch_costs_half_and_took_no_known_time(server, kind) -> None:
    priced = model(server, kind, price=Price(input=1.0, output=5.0))

    _state, (reply,) = with_batches(priced, sent_and_fetched)

    assert reply.answer.cost == pytest.approx((1000 * 1.0 + 200 * 5.0) / 2 / 1e6)
    assert reply.answer.latency == 0
    assert reply.answer.usage.source == "provider"


def test_a_model_that_the_list_knows_costs_what_the_list_says_of_batches() -> None:
    with serve_batches(AzureServer()) as server:
        listed = Model(
            label="m",
            name="azure/gpt-4o-mini",
            api_base=server.base,
            key="OUR_API_KEY",
            options={"api_version": "2024-10-21"},
        )

        _state, (reply,) = with_batches(listed, sent_and_fetched)

    assert reply.answer.cost == pytest.approx(1000 * 0.075e-6 + 200 * 0.3e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"status": 429, "body": {"error": {"message": "Later."}}}, "rate_limited"),
        ({"status": 400, "body": {"error": {"message": "maximum context length"}}},
         "context_length"),
        ({"word": "expired"}, "timeout"),
    ],
)  # fmt: skip
def test_a_refused_request_has_the_kind_it_would_have_by_itself(
    server, kind, answer, failure
) -> None:
    server.answer = lambda _text: answer

    _state, (reply,) = with_batches(model(server, kind), sent_and_fetched)

    assert reply.answer.kind == failure


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_that_was_refused_as_a_whole_says_why(server, kind) -> None:
    server.ends_as = "failed"

    state, replies = with_batches(model(server, kind), sent_and_fetched)

    assert (state.word, replies) == ("failed", [])
    assert state.refusal.kind == "bad_request"
    assert "Line 1 is no JSON." in state.refusal.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_key_is_told_and_not_shown(server, kind) -> None:
    wrong = {**ENVIRONMENT, "OUR_API_KEY": "sk-wrong-0123456789"}

    error = with_batches(model(server, kind), sent_and_fetched, wrong)

    assert error.kind == "auth"
    assert "sk-wrong" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_key_is_an_error_before_anything_is_sent(server, kind) -> None:
    error = with_batches(model(server, kind), sent_and_fetched, {})

    assert error.kind == "auth"
    assert "OUR_API_KEY is not set" in error.message
    assert not server.calls


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_cannot_be_understood_is_a_bad_response(server, kind) -> None:
    server.twist = lambda _lines: b'{"custom_id": "a", "response": {"status_code": 200, "body": 7}}'

    _state, (reply,) = with_batches(model(server, kind), sent_and_fetched)

    assert reply.answer.kind == "bad_response"


@pytest.mark.parametrize("kind", ["azure", "mistral"])
def test_what_litellm_would_not_send_is_its_error(server, kind) -> None:
    of = model(server, kind)

    error = with_batches(
        of, sent_and_fetched, asked=request(of, parameters={"api_base": "http://127.0.0.1:1"})
    )

    assert (error.kind, server.calls) == ("bad_request", [])


@pytest.mark.parametrize("kind", ["azure"])
def test_a_way_that_only_litellm_knows_is_left_to_it(server, kind) -> None:
    of = model(server, kind)

    letter = with_batches(of, sent_and_fetched, {**ENVIRONMENT, "SSL_VERIFY": "false"})

    assert letter is None


@pytest.mark.parametrize("kind", ["azure"])
def test_a_file_that_is_never_ready_is_given_up(server, kind, monkeypatch) -> None:
    monkeypatch.setattr("llmops.providers.batch.azure._WAITS", (0.0, 0.0))
    server.pending = 5

    error = with_batches(model(server, kind), sent_and_fetched)

    assert error.kind == "timeout"
    assert "is not ready" in error.message


@pytest.mark.parametrize("kind", ["mistral"])
@pytest.mark.parametrize("page", [{}, {"data": 7}, {"data": [7]}, {"data": [{"metadata": 7}]}])
def test_pages_of_jobs_that_make_no_sense_hold_none(server, kind, page) -> None:
    server.fault = lambda _method, _path: (200, page, {})

    found = with_batches(model(server, kind), lambda batches, _letter: batches.find(TAG))

    assert found is None


@pytest.mark.parametrize("kind", ["mistral"])
@pytest.mark.parametrize("errors", [None, [], [7], [{}]])
def test_a_job_that_failed_without_a_word_says_that(server, kind, errors) -> None:
    server.fault = lambda _method, _path: (200, {"status": "FAILED", "errors": errors}, {})

    state = with_batches(model(server, kind), lambda batches, _letter: batches.look("b"))

    assert "nobody said why" in state.refusal.message


def test_openai_is_no_matter_of_litellms() -> None:
    of = Model(label="m", name="openai/gpt-4.1", via="direct")

    async def run():
        office = Office(ENVIRONMENT)
        try:
            return await office.interpreted(request(of), of, "a")
        finally:
            await office.close()

    assert asyncio.run(run()) is None


def test_an_answer_that_is_nested_too_deeply_is_a_bad_response() -> None:
    of = Model(label="m", name="azure/ours")
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ProviderError) as caught:
        asyncio.run(Interpreter(LitellmProvider({}), of).read(200, deep, request(of)))

    assert caught.value.kind == "bad_response"
    while deep:
        deep = deep.pop()
