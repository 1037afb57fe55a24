import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import Project, Run

from batch_clouds import AzureServer, MistralServer
from batch_server import KEY, BatchServer, serve_batches

CASES = "prompt: say\ncases:\n" + "".join(
    f"  - {{id: c{number}, inputs: {{word: w{number}}}, assert: [{{contains: w{number}}}]}}\n"
    for number in range(3)
)
MODELS = {
    "azure": "azure/ours, options: {api_version: '2024-10-21'}, api_base: '%s'",
    "mistral": "mistral/mistral-small-latest, api_base: '%s/v1'",
}


@pytest.fixture
def server(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("OUR_API_KEY", KEY)
    with serve_batches({"azure": AzureServer, "mistral": MistralServer}[kind]()) as server:
        yield server


def config(server: BatchServer, kind: str) -> str:
    where = MODELS[kind] % server.base
    price = "price: {input: 1.0, output: 5.0}"
    return f"models:\n  echo: {{model: {where}, key: OUR_API_KEY, {price}}}\n"


def costs(folder: Path) -> set[float]:
    rows = csv.DictReader((folder / "r.csv").read_text(encoding="utf-8").splitlines())
    return {float(row["cost_usd"]) for row in rows}


@pytest.mark.parametrize("kind", list(MODELS))
def test_a_suite_is_asked_in_one_batch_of_another_provider(
    project: Project, run: Run, server: BatchServer, kind: str
) -> None:
    folder = project({"llmops.yaml": config(server, kind), "suites/say.yaml": CASES})

    done = run("test", "--batch", "--report", "csv=r.csv")

    assert done.code == 0, done.err
    assert server.asked == {f"Say w{number}.": 1 for number in range(3)}
    assert not server.live
    assert costs(folder) == {(1000 * 1.0 + 200 * 5.0) / 2 / 1e6}
    assert "sent 3 requests to 'echo' as the batch batch_0" in done.err


@pytest.mark.parametrize("kind", list(MODELS))
def test_a_run_that_is_gone_on_with_sends_nothing_twice(
    project: Project, run: Run, server: BatchServer, kind: str
) -> None:
    project({"llmops.yaml": config(server, kind), "suites/say.yaml": CASES})
    server.answer = lambda text: {"word": "expired"} if "w1" in text else {"text": text}

    first = run("test", "--batch")
    server.answer = lambda text: {"text": text}
    second = run("test", "--resume", "last")

    assert (first.code, second.code) == (3, 0)
    assert server.asked == {f"Say w{number}.": 2 if number == 1 else 1 for number in range(3)}
    assert not server.live


@pytest.mark.parametrize("kind", ["mistral"])
def test_what_litellm_asks_live_in_between_disturbs_no_batch(
    project: Project, run: Run, server: BatchServer, kind: str
) -> None:
    price = "price: {input: 1.0, output: 5.0}"
    where = f"api_base: '{server.openai}', key: OUR_API_KEY, {price}"
    live = f"  live: {{model: openai/gpt-4.1-mini, via: litellm, {where}}}\n"
    project(
        {
            "llmops.yaml": config(server, kind) + live,
            "suites/say.yaml": CASES,
            "suites/live.yaml": CASES.replace("say\n", "say\nmodels: [live]\n", 1),
        }
    )

    done = run("test", "--batch")

    assert done.code == 0, done.err
    assert "6 passed" in done.out
    assert server.asked == server.live == {f"Say w{number}.": 1 for number in range(3)}
    assert "'live' is a model whose batches are not spoken here, and is asked live" in done.err
