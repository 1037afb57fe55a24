import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.errors import InvalidInputError, ProviderError, UnavailableError
from llmops.providers.cluster import office as office_module
from llmops.providers.cluster import provider as provider_module
from llmops.providers.cluster.desk import Desk, LostError, read_answer
from llmops.providers.cluster.office import Asked, Office
from llmops.providers.cluster.provider import ClusterProvider, check_cluster
from loopback import HANG, Seen, Step, reply

SAID = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi."}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def model_at(server, **settings: Any) -> Model:
    return Model(label="m", name="openai/m", via="direct", api_base=f"{server.url}/v1", **settings)


def asked_of(model: Model, number: int = 0, words: str = "Hello") -> Asked:
    request = Request(model=model.name, messages=({"role": "user", "content": words},))
    return Asked(number=number, request=request, model=model, sample=0)


def of_office(work: Any) -> Any:
    """What an office does, which is closed thereafter."""

    async def whole() -> Any:
        office = Office()
        try:
            return await work(office)
        finally:
            await office.close()
            await office.close()

    return asyncio.run(whole())


async def until(reached: Callable[[], object]) -> None:
    while not reached():  # noqa: ASYNC110 - what is waited for happens on another loop
        await asyncio.sleep(0.01)


async def first_answer(office: Office, asked: Asked) -> dict[str, Any]:
    await office.take([asked])
    return (await office.given())[0]


def test_an_office_asks_with_the_keys_of_its_own_environment(server, monkeypatch) -> None:
    monkeypatch.setenv("OUR_API_KEY", "canary-of-the-worker")
    server.says(200, SAID)
    asked = asked_of(model_at(server, key="OUR_API_KEY"), number=7)

    answer = of_office(lambda office: first_answer(office, asked))

    assert answer["number"] == 7
    assert read_answer(answer).text == "Hi."
    assert server.seen[0].headers["authorization"] == "Bearer canary-of-the-worker"
    assert "canary" not in repr(asked)


def test_what_comes_back_holds_no_secret_of_the_worker(server, monkeypatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "canary-of-the-worker")
    server.says(200, {**SAID, "model": "canary-of-the-worker"})

    answer = of_office(lambda office: first_answer(office, asked_of(model_at(server))))

    assert "canary" not in repr(answer)


def test_an_office_says_that_nobody_listens(server) -> None:
    model = Model(label="m", name="openai/m", via="direct", api_base="http://127.0.0.1:9/v1")

    answer = of_office(lambda office: first_answer(office, asked_of(model)))

    with pytest.raises(ProviderError) as caught:
        read_answer(answer)
    assert (caught.value.unreached, caught.value.refused) == (True, True)


def test_an_office_says_why_there_is_no_completion(server) -> None:
    server.says(429, {"error": {"message": "slowly"}}, {"Retry-After": "7"})

    answer = of_office(lambda office: first_answer(office, asked_of(model_at(server))))

    with pytest.raises(ProviderError) as caught:
        read_answer(answer)
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == (
        "rate_limited",
        429,
        7,
    )


def test_an_office_ends_an_attempt_by_its_own_clock(server) -> None:
    server.answer = lambda _seen: [HANG]
    asked = asked_of(model_at(server, timeout=0.05))

    answer = of_office(lambda office: first_answer(office, asked))

    assert answer["failure"]["kind"] == "timeout"
    assert answer["failure"]["message"] == "no answer within 0.05 s"


def test_a_provider_that_breaks_ends_its_own_attempt_only(server) -> None:
    server.says(200, SAID)
    broken = Asked(
        number=1,
        request=asked_of(model_at(server)).request,
        model=Model(label="r", name="scripted/r", via="scripted"),
        sample=0,
    )

    async def both(office: Office) -> list[dict[str, Any]]:
        await office.take([broken, asked_of(model_at(server), number=2)])
        answers = await office.given()
        return answers if len(answers) == 2 else answers + await office.given()

    answers = {answer["number"]: answer for answer in of_office(both)}

    assert answers[1]["failure"]["kind"] == "bad_request"
    assert "ValueError" in answers[1]["failure"]["message"]
    assert read_answer(answers[2]).text == "Hi."


def test_closing_an_office_gives_up_what_is_under_way(server) -> None:
    server.answer = lambda _seen: [HANG]

    async def close_early(office: Office) -> list[dict[str, Any]]:
        await office.take([asked_of(model_at(server))])
        waiting = asyncio.ensure_future(office.given())
        await until(lambda: server.seen)
        await office.close()
        return await waiting

    assert of_office(close_early) == []


def test_an_office_that_is_forgotten_ends_by_itself() -> None:
    before = set(threading.enumerate())
    office = Office()
    (thread,) = set(threading.enumerate()) - before

    del office
    gc.collect()
    thread.join(60)

    assert not thread.is_alive()


def test_an_office_names_the_packages_that_it_has_not(monkeypatch) -> None:
    monkeypatch.setattr(office_module, "NEEDED", ("aiohttp", "no_such_package"))

    assert of_office(lambda office: office.missing()) == ["no_such_package"]


class DeadOffice:
    """An office on a worker that is gone, as Dask shows it."""

    async def take(self, asked: object) -> None:
        raise OSError("Unable to contact Actor's worker")

    async def given(self) -> list[dict[str, Any]]:
        await asyncio.sleep(60)
        return []

    async def close(self) -> None:
        raise OSError("Unable to contact Actor's worker")


def test_who_asked_a_worker_that_died_hears_of_it(server) -> None:
    lost: list[str] = []

    async def ask() -> None:
        desk = Desk("tcp://there:1", DeadOffice(), lambda desk: lost.append(desk.address))
        with pytest.raises(LostError):
            await desk.ask(asked_of(model_at(server)))
        with pytest.raises(LostError):
            await desk.ask(asked_of(model_at(server)))
        desk.lose()

    asyncio.run(ask())

    assert lost == ["tcp://there:1"]


def test_what_waits_goes_over_together_and_an_answer_nobody_waits_for_is_passed_over(
    server,
) -> None:
    given_up_on = threading.Event()

    def answer(_seen: Seen) -> Iterator[Step]:
        while not given_up_on.is_set():
            yield 0.01
        yield from reply(200, SAID)

    server.answer = answer
    model = model_at(server)

    async def ask(office: Office) -> list[str]:
        desk = Desk("tcp://here:1", office, lambda _desk: None)
        given_up = asyncio.ensure_future(desk.ask(asked_of(model, 0)))
        await until(lambda: server.seen)
        given_up.cancel()
        given_up_on.set()
        answers = await asyncio.gather(*(desk.ask(asked_of(model, n)) for n in range(1, 6)))
        assert desk.under_way == 0
        await desk.close()
        return [read_answer(answer).text for answer in answers]

    assert of_office(ask) == ["Hi."] * 5


@pytest.mark.parametrize(
    "answer", [{}, {"completion": {}}, {"completion": None}, {"failure": None}, {"failure": {}}]
)
def test_what_is_no_answer_is_an_error_and_no_completion(answer) -> None:
    with pytest.raises(ProviderError) as caught:
        read_answer({"number": 0, **answer})

    assert caught.value.kind == "bad_response"


@asynccontextmanager
async def cluster(workers: int) -> AsyncIterator[tuple[str, list[Any]]]:
    """A scheduler and workers in this very process: address and workers."""
    from distributed import Scheduler, Worker

    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}  # 8787 may be taken
    async with Scheduler(host="127.0.0.1", port=0, **options) as scheduler:
        joined = [
            await Worker(scheduler.address, host="127.0.0.1", nthreads=1, dashboard=False)
            for _ in range(workers)
        ]
        try:
            yield scheduler.address, joined
        finally:
            for worker in joined:
                await worker.close(nanny=False)


def on_cluster(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def test_attempts_are_shared_out_and_come_back_as_completions(server) -> None:
    server.says(200, SAID)
    model = model_at(server)
    request = asked_of(model).request

    async def ask() -> list[str]:
        async with cluster(2) as (address, _workers):
            provider = ClusterProvider(address, pytest.fail)
            await asyncio.gather(provider.open(), provider.open())
            shares = list(provider._desks.values())
            asking = [
                asyncio.ensure_future(provider.complete(request, model=model, sample=0))
                for _ in range(6)
            ]
            await asyncio.sleep(0)
            assert [desk.under_way for desk in shares] == [3, 3]
            found = await asyncio.gather(*asking)
            await provider.close()
            await provider.close()
            return [completion.text for completion in found]

    assert on_cluster(ask()) == ["Hi."] * 6


def test_what_a_lost_worker_was_asked_is_asked_of_another(server, monkeypatch) -> None:
    monkeypatch.setattr(provider_module, "_LOOK", 0.05)
    notes: list[str] = []

    def answer(_seen: Seen) -> Iterator[Step]:
        while not notes:
            yield 0.01
        yield from reply(200, SAID)

    server.answer = answer
    model = model_at(server)
    request = asked_of(model).request

    async def ask() -> list[str]:
        async with cluster(2) as (address, workers):
            provider = ClusterProvider(address, notes.append)
            await provider.open()
            asking = [
                asyncio.ensure_future(provider.complete(request, model=model, sample=0))
                for _ in range(4)
            ]
            await until(lambda: len(server.seen) == 4)
            await workers[0].close(nanny=False)
            found = await asyncio.gather(*asking)
            await provider.close()
            return [completion.text for completion in found]

    assert on_cluster(ask()) == ["Hi."] * 4
    assert len(notes) == 1
    assert notes[0].endswith("is gone; 2 requests are asked again")


def test_a_worker_that_joins_later_is_asked_and_without_any_nobody_waits_for_ever(
    server, monkeypatch
) -> None:
    monkeypatch.setattr(provider_module, "_LOOK", 0.05)
    server.says(200, SAID)
    model = model_at(server)
    request = asked_of(model).request

    async def ask() -> str:
        from distributed import Worker

        async with cluster(1) as (address, workers):
            provider = ClusterProvider(address, lambda _words: None, patience=1)
            await provider.open()
            await workers[0].close(nanny=False)
            await until(lambda: not provider._desks)
            with pytest.raises(ProviderError, match="is left") as caught:
                await provider.complete(request, model=model, sample=0)
            assert caught.value.kind == "network"
            workers.append(await Worker(address, host="127.0.0.1", nthreads=1, dashboard=False))
            await until(lambda: provider._desks)
            found = await provider.complete(request, model=model, sample=0)
            await provider.close()
            return found.text

    assert on_cluster(ask()) == "Hi."


def test_a_request_that_kills_workers_is_not_handed_on_for_ever(server) -> None:
    model = model_at(server)
    request = asked_of(model).request

    async def ask() -> None:
        provider = ClusterProvider("tcp://127.0.0.1:1", lambda _words: None)
        for number in range(3):
            name = f"tcp://there:{number}"
            provider._desks[name] = Desk(name, DeadOffice(), provider._lose)
        await provider.complete(request, model=model, sample=0)

    with pytest.raises(ProviderError, match="3 workers died") as caught:
        asyncio.run(ask())
    assert caught.value.kind == "server"


def test_a_cluster_whose_workers_lack_something_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(office_module, "NEEDED", ("no_such_package",))

    async def opened() -> None:
        async with cluster(1) as (address, _workers):
            await ClusterProvider(address, lambda _words: None).open()

    with pytest.raises(UnavailableError, match="it has no no_such_package"):
        on_cluster(opened())


def test_a_cluster_without_workers_is_refused() -> None:
    async def opened() -> None:
        async with cluster(0) as (address, _workers):
            await ClusterProvider(address, lambda _words: None).open()

    with pytest.raises(UnavailableError, match="can be used: it has none"):
        on_cluster(opened())


def test_a_worker_that_does_not_get_ready_is_passed_over(monkeypatch) -> None:
    monkeypatch.setattr(provider_module, "_HIRING", 0.0)

    async def opened() -> None:
        async with cluster(1) as (address, _workers):
            await ClusterProvider(address, lambda _words: None).open()

    with pytest.raises(UnavailableError, match="did not get ready within 0 s"):
        on_cluster(opened())


@pytest.mark.parametrize("address", ["scheduler", "http://host:1", "tcp://host", "tcp://h/x:1"])
def test_what_is_no_address_is_said_before_anybody_is_looked_for(address) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_cluster(address)

    assert str(caught.value) == (
        f"command line: --on '{address}' is no address of a scheduler [usage]\n"
        "  hint: write --on tcp://HOST:8786"
    )


def test_without_dask_the_way_out_is_said(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)

    with pytest.raises(InvalidInputError) as caught:
        check_cluster("tcp://127.0.0.1:1")

    assert caught.value.faults[0].code == "missing-extra"
    assert caught.value.faults[0].hint == "pip install 'llmops[dask]'"
