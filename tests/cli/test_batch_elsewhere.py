import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import Project, Run

from batch_clouds import ROLE, AzureServer, BedrockServer, MistralServer
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


MANY = "prompt: say\nsamples: 50\ncases:\n" + CASES.partition("cases:\n")[2]
NOVA = "models:\n  echo: {model: 'bedrock/us.amazon.nova-lite-v1:0', %s}\n"


@pytest.fixture
def bedrock() -> Iterator[BedrockServer]:
    with serve_batches(BedrockServer()) as server:
        yield server


def nova(server: BedrockServer) -> str:
    batch = f"batch: {{bucket: 's3://ours/llmops', role: '{ROLE}', storage: '{server.base}'}}"
    rest = "options: {aws_region_name: eu-west-1}, price: {input: 1.0, output: 5.0}"
    return NOVA % f"api_base: '{server.base}', {rest}, {batch}"


def test_a_suite_is_asked_through_a_bucket(
    project: Project, run: Run, bedrock: BedrockServer
) -> None:
    folder = project({"llmops.yaml": nova(bedrock), "suites/say.yaml": MANY})

    done = run("test", "--batch", "--report", "csv=r.csv")

    assert done.code == 0, done.err
    assert bedrock.asked == {f"Say w{number}.": 50 for number in range(3)}
    assert costs(folder) == {(1000 * 1.0 + 200 * 5.0) / 2 / 1e6}
    assert "sent 150 requests to 'echo' as the batch batch0000000" in done.err


def test_a_batch_that_bedrock_would_refuse_for_being_small_is_an_error_of_each_trial(
    project: Project, run: Run, bedrock: BedrockServer
) -> None:
    project({"llmops.yaml": nova(bedrock), "suites/say.yaml": CASES})

    done = run("test", "--batch")

    assert done.code == 3
    assert "100 requests or more" in done.out
    assert not bedrock.calls


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("bedrock/us.amazon.nova-lite-v1:0", "batch: {bucket: s3://NAME, role: "),
        ("vertex_ai/gemini-2.5-flash", "batch: {bucket: gs://NAME}"),
    ],
)
def test_a_model_without_a_bucket_is_refused_where_it_stands(
    project: Project, run: Run, named: str, hint: str
) -> None:
    folder = project(
        {
            "llmops.yaml": f"models:\n  echo: {{model: 'openai/x'}}\n  far: {{model: '{named}'}}\n",
            "suites/say.yaml": CASES,
            "suites/far.yaml": CASES.replace("say\n", "say\nmodels: [far]\n", 1),
            "suites/full.yaml": CASES.replace("say\n", f"say\nmodels: ['{named}']\n", 1),
        }
    )

    done = run("test", "--batch")

    assert done.code == 2
    assert "llmops.yaml:3:3: batches of 'far' lie in a bucket, and none is named [no-bucket]" in (
        done.err
    )
    assert f"suites/full.yaml:2:10: batches of '{named}' lie in a bucket" in done.err
    assert hint in done.err
    assert "to an alias of the model in llmops.yaml" in done.err
    assert not (folder / ".llmops").exists()
