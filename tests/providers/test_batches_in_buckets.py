import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from batch_clouds import ROLE, TOKEN, BedrockServer, StoreServer, VertexServer
from batch_server import KEY, serve_batches
from llmops.domain.completion import Request
from llmops.domain.config import BatchStore, Model, Price
from llmops.errors import ProviderError
from llmops.providers.batch.base import State, Tag, UnsureError
from llmops.providers.batch.carried import has_batches
from llmops.providers.batch.office import Office

TAG = Tag(run="20261121-034512-7c1e", name="1-0123456789ab")
KINDS = ("bedrock", "vertex")
NAMES = {
    "bedrock": "bedrock/us.amazon.nova-lite-v1:0",
    "vertex": "vertex_ai/gemini-2.5-flash",
}
OPTIONS = {
    "bedrock": {"aws_region_name": "eu-west-1"},
    "vertex": {"vertex_project": "p", "vertex_location": "europe-west1"},
}
MANY = 100


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A service account of Google's."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": written.decode(),
        "client_email": "us@p.iam.gserviceaccount.com",
        "client_id": "1",
    }


@pytest.fixture
def server(
    kind: str, google: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StoreServer]:
    made = {"bedrock": BedrockServer, "vertex": VertexServer}[kind]()
    with serve_batches(made) as server:
        login = tmp_path / "google.json"
        login.write_text(json.dumps({**google, "token_uri": f"{server.base}/token"}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(login))
        yield server


def model(server: StoreServer, kind: str, **rest) -> Model:
    scheme, role = ("s3", ROLE) if kind == "bedrock" else ("gs", None)
    store = BatchStore(bucket=f"{scheme}://ours/tests", role=role, storage=server.base)
    whole = {"api_base": server.base, "options": OPTIONS[kind], "batch": store, **rest}
    if kind == "vertex":
        whole["key"] = "OUR_API_KEY"
    return Model(label="m", name=NAMES[kind], timeout=60.0, **whole)


def with_batches(of: Model, work, environment=None):
    """What comes of work with a model's batches and as many letters as any takes."""

    async def run():
        office = Office({"OUR_API_KEY": KEY} if environment is None else environment)
        try:
            asked = Request(model=of.name, messages=({"role": "user", "content": "Hi"},))
            letter = await office.interpreted(asked, of, "0")
            if letter is None:
                return None
            letters = [replace(letter, id=str(number)) for number in range(MANY)]
            return await work(office.batches(letter, of), letters)
        except ProviderError as error:
            return error
        finally:
            await office.close()

    return asyncio.run(run())


async def sent_and_fetched(batches, letters):
    id_ = await batches.send(letters, TAG)
    state = await batches.look(id_)
    asked = {letter.id: letter.request for letter in letters[:3]}
    return state, [reply async for reply in batches.fetch(id_, state, asked)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_sent_looked_at_fetched_found_and_cancelled(server, kind) -> None:
    async def work(batches, letters):
        state, replies = await sent_and_fetched(batches, letters)
        second = await batches.send(letters, Tag(run="run-2", name="1"))
        await batches.cancel(second)
        last = await batches.look(second)
        found = [await batches.find(tag) for tag in (TAG, replace(TAG, run="x"))]
        return state, replies, found, last

    state, replies, found, last = with_batches(model(server, kind), work)

    assert (state.word, state.ended, found) == ("completed", True, ["batch0000000", None])
    assert [(reply.id, reply.answer.text) for reply in replies] == [
        (str(number), "You said: Hi") for number in range(3)
    ]
    assert (last.word, last.ended) == ("cancelled", True)
    assert {key.partition("llmops/")[0] for key in server.objects} == {"tests/"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_a_batch_costs_half_and_took_no_known_time(server, kind) -> None:
    listed = model(server, kind)
    priced = replace(listed, price=Price(input=1.0, output=5.0))
    rates = {"bedrock": (0.03, 0.12), "vertex": (0.15, 1.25)}[kind]

    _state, (first, *_rest) = with_batches(priced, sent_and_fetched)
    _state, (second, *_rest) = with_batches(listed, sent_and_fetched)

    assert first.answer.cost == pytest.approx((1000 * 1.0 + 200 * 5.0) / 2 / 1e6)
    assert second.answer.cost == pytest.approx((1000 * rates[0] + 200 * rates[1]) / 1e6)
    assert second.answer.latency == 0
    assert second.answer.usage.source == "provider"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"status": 429, "body": {"error": {"message": "Later."}}}, "rate_limited"),
        ({"status": 400, "body": {"error": {"message": "No."}}}, "bad_request"),
    ],
)
def test_a_refused_request_has_the_kind_it_would_have_by_itself(
    server, kind, answer, failure
) -> None:
    server.answer = lambda _text: answer

    _state, (first, *_rest) = with_batches(model(server, kind), sent_and_fetched)

    assert first.answer.kind == failure


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ends_as", ["failed", "expired", "cancelled"])
def test_a_batch_that_did_not_end_well_says_how_it_ended(server, kind, ends_as) -> None:
    server.ends_as = ends_as
    server.answer = lambda _text: {}

    state, replies = with_batches(model(server, kind), sent_and_fetched)

    assert (state.word, state.ended) == (ends_as, True)
    assert [reply for reply in replies if not isinstance(reply.answer, ProviderError)] == []
    assert (state.refusal is not None) == (ends_as == "failed")
    assert state.refusal is None or "Line 1 is no JSON." in state.refusal.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", [b"7", b"{}", b'{"recordId": "0"}', b'{"request": {"labels": 7}}'])
def test_lines_that_make_no_sense_answer_nothing(server, kind, line) -> None:
    server.twist = lambda _lines: line

    _state, replies = with_batches(model(server, kind), sent_and_fetched)

    assert all(isinstance(reply.answer, ProviderError) for reply in replies)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_cannot_be_understood_is_a_bad_response(server, kind) -> None:
    server.twist = lambda lines: (
        lines[0].replace(b'"output"', b'"x"').replace(b'"candidates"', b'"x"')
    )

    _state, (reply,) = with_batches(model(server, kind), sent_and_fetched)

    assert reply.answer.kind == "bad_response"


@pytest.mark.parametrize("kind", KINDS)
def test_results_that_are_not_there_are_none(server, kind) -> None:
    async def work(batches, letters):
        id_ = await batches.send(letters, TAG)
        state = await batches.look(id_)
        server.objects.clear()
        return [one async for one in batches.fetch(id_, state, {"0": letters[0].request})]

    assert with_batches(model(server, kind), work) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_bucket_that_is_down_is_asked_again_later(server, kind) -> None:
    server.fault = lambda method, path: (
        (503, b"", {}) if path.endswith((".out", "s.jsonl")) and (method == "GET") else None
    )

    error = with_batches(model(server, kind), sent_and_fetched)

    assert (error.kind, error.retryable) == ("server", True)


@pytest.mark.parametrize("kind", KINDS)
def test_results_in_another_bucket_are_not_read(server, kind) -> None:
    async def work(batches, letters):
        state = State(word="completed", ended=True, files=("s3://theirs/predictions.jsonl",))
        return [one async for one in batches.fetch("b", state, {"0": letters[0].request})]

    error = with_batches(model(server, kind), work)

    assert error.kind == "bad_response"
    assert "lies elsewhere" in error.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_that_is_refused_is_told_and_not_shown(server, kind) -> None:
    server.secret = server.bearer = "sk-another-0123456789"

    error = with_batches(model(server, kind), sent_and_fetched)

    assert error.kind == "auth"
    assert KEY not in f"{error.message} {error.hint}"
    assert not server.batches


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [{}, {"jobArn": "x/", "name": "x/"}])
def test_a_job_without_an_id_is_a_bad_response(server, kind, said) -> None:
    server.fault = lambda method, _path: (200, said, {}) if method == "POST" else None

    with pytest.raises(UnsureError) as caught:
        with_batches(model(server, kind), sent_and_fetched)

    assert caught.value.error.kind == "bad_response"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "said",
    [
        {"status": "Failed", "state": "JOB_STATE_FAILED"},
        {"status": "Failed", "state": "JOB_STATE_FAILED", "error": 7, "inputDataConfig": 7,
         "outputInfo": 7, "outputDataConfig": {"s3OutputDataConfig": 7}},
    ],
)  # fmt: skip
def test_a_job_that_failed_without_a_word_says_that(server, kind, said) -> None:
    server.fault = lambda method, _path: (200, said, {}) if method == "GET" else None

    state = with_batches(model(server, kind), lambda batches, _letters: batches.look("b"))

    assert "nobody said why" in state.refusal.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("listed", [None, 7, [7], [{}]])
def test_lists_of_jobs_that_make_no_sense_hold_none(server, kind, listed) -> None:
    page = {"invocationJobSummaries": listed, "batchPredictionJobs": listed}
    server.fault = lambda method, _path: (200, page, {}) if method == "GET" else None

    found = with_batches(model(server, kind), lambda batches, _letters: batches.find(TAG))

    assert found is None


@pytest.mark.parametrize("kind", ["bedrock"])
def test_bedrock_is_sent_no_batch_that_it_would_refuse_for_being_small(server, kind) -> None:
    error = with_batches(
        model(server, kind), lambda batches, letters: batches.send(letters[:99], TAG)
    )

    assert (error.kind, server.calls) == ("bad_request", [])
    assert "100 requests or more, and these are 99" in error.message


@pytest.mark.parametrize("kind", ["bedrock"])
def test_a_key_of_bedrocks_goes_to_the_host_that_it_is_bound_to(server, kind) -> None:
    server.bearer = KEY

    _state, replies = with_batches(model(server, kind, key="OUR_API_KEY"), sent_and_fetched)

    assert replies[0].answer.text == "You said: Hi"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_host_of_the_projects_the_clouds_own_are_asked(server, kind, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-amazons")
    named = model(server, kind)
    store = replace(named.batch, storage=None)
    of = replace(named, api_base=None, key=None, batch=store, retries=0)
    proxy = {"HTTPS_PROXY": server.base, "AWS_SECRET_ACCESS_KEY": "secret-of-amazons"}

    bucket = with_batches(of, lambda batches, letters: batches.send(letters, TAG), proxy)
    jobs = with_batches(of, lambda batches, _letters: batches.look("b"), proxy)

    hosts = [call for call in server.calls if call.startswith("CONNECT")]
    wanted = {
        "bedrock": ["s3.eu-west-1.amazonaws.com:443", "bedrock.eu-west-1.amazonaws.com:443"],
        "vertex": ["storage.googleapis.com:443", "europe-west1-aiplatform.googleapis.com:443"],
    }[kind]
    assert hosts == [f"CONNECT {host}" for host in wanted]
    assert {bucket.kind, jobs.kind} == {"network"}
    assert TOKEN not in f"{bucket.message} {jobs.message}"


@pytest.mark.parametrize("kind", ["bedrock"])
def test_no_login_of_amazons_is_an_error_before_anything_is_sent(
    server, kind, monkeypatch, tmp_path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "key-of-bedrocks")
    named = model(server, kind)
    of = replace(named, api_base=None, batch=replace(named.batch, storage=None))

    error = with_batches(of, lambda batches, letters: batches.send(letters, TAG), {})

    assert (error.kind, server.calls) == ("auth", [])


@pytest.mark.parametrize("kind", ["vertex"])
def test_googles_login_goes_to_no_host_of_the_projects(server, kind) -> None:
    with_batches(model(server, kind), sent_and_fetched)

    assert server.keys - {""} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_a_bucket_has_no_batches(server, kind) -> None:
    of = model(server, kind)

    assert has_batches(of)
    assert not has_batches(replace(of, batch=None))
    assert not has_batches(replace(of, via="direct"))
    assert not has_batches(replace(of, name="vertex_ai/claude-haiku-4-5"))
