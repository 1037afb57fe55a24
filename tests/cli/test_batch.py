import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import Project, Run

from batch_server import KEY, BatchServer, serve_batches

CASES = "prompt: say\ncases:\n" + "".join(
    f"  - {{id: c{number}, inputs: {{word: w{number}}}, assert: [{{contains: w{number}}}]}}\n"
    for number in range(5)
)
LLMOPS = Path(sys.executable).with_name("llmops")
LOOK = "GET /v1/batches/batch_0"
TALK = """\
version: 1.0.0
model: echo
inputs: {word: {type: string}}
messages: [{role: system, content: "Be kind to {{ word }}."}]
"""
TURNS = """\
prompt: talk
cases:
  - id: two
    inputs: {word: Ada}
    conversation:
      - {user: "first", assert: [{contains: first}]}
      - {user: "second", assert: [{contains: second}]}
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("OUR_API_KEY", KEY)
    with serve_batches() as server:
        yield server


def config(server: BatchServer, provider: str = "openai", more: str = "") -> str:
    base = server.openai if provider == "openai" else server.base
    name = {"openai": "openai/gpt-4.1-mini", "anthropic": "anthropic/claude-haiku-4-5"}[provider]
    price = "price: {input: 1.0, output: 5.0}"
    return (
        f"models:\n  echo: {{model: {name}, api_base: '{base}', key: OUR_API_KEY, {price}}}\n"
        f"  script: {{model: scripted/echo, script: echo.yaml}}\n{more}"
    )


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "r.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_suite_is_asked_in_one_batch_at_half_the_price(
    project: Project, run: Run, server: BatchServer, provider: str
) -> None:
    folder = project({"llmops.yaml": config(server, provider), "suites/say.yaml": CASES})

    done = run("test", "--batch", "--report", "csv=r.csv")

    assert done.code == 0, done.err
    assert len(server.batches) == 1
    assert server.asked == {f"Say w{number}.": 1 for number in range(5)}
    assert not server.live
    assert {float(row["cost_usd"]) for row in rows(folder)} == {(1000 * 1.0 + 200 * 5.0) / 2 / 1e6}
    assert server.keys == {f"Bearer {KEY}" if provider == "openai" else KEY}
    assert "sent 5 requests to 'echo' as the batch batch_0" in done.err


def test_answers_of_batches_are_cached(project: Project, run: Run, server: BatchServer) -> None:
    project({"llmops.yaml": config(server), "suites/say.yaml": CASES})

    run("test", "--batch")
    again = run("test")

    assert again.code == 0
    assert sum(server.asked.values()) == 5
    assert not server.live


def test_equal_questions_are_sent_once(project: Project, run: Run, server: BatchServer) -> None:
    twice = CASES + CASES.partition("cases:\n")[2].replace("id: c", "id: d")
    project({"llmops.yaml": config(server), "suites/say.yaml": twice})

    done = run("test", "--batch")

    assert done.code == 0
    assert "10 passed" in done.out
    assert set(server.asked.values()) == {1}


def test_a_conversation_takes_a_batch_a_turn(
    project: Project, run: Run, server: BatchServer
) -> None:
    project(
        {
            "llmops.yaml": config(server),
            "prompts/talk.yaml": TALK,
            "suites/say.yaml": CASES,
            "suites/talk.yaml": TURNS,
        }
    )

    done = run("test", "--batch")

    assert done.code == 0, done.out
    assert [len(batch.requests) for batch in server.batches.values()] == [6, 1]
    messages = next(iter(server.batches["batch_1"].requests.values()))["messages"]
    assert [one["content"] for one in messages[1:]] == ["first", "You said: first", "second"]


def test_a_model_without_batches_is_asked_live_and_said_once(
    project: Project, run: Run, server: BatchServer
) -> None:
    scripted = CASES.replace("prompt: say\n", "prompt: say\nmodels: [script]\n")
    project(
        {
            "llmops.yaml": config(server),
            "suites/say.yaml": CASES,
            "suites/scripted.yaml": scripted,
        }
    )

    done = run("test", "--batch")

    assert done.err.count("'script' is a model whose batches are not spoken here") == 1
    assert sum(server.asked.values()) == 5
    assert "10 passed" in done.out


def test_a_suite_without_any_batch_is_refused_where_its_model_is_named(
    project: Project, run: Run, server: BatchServer
) -> None:
    far = "  far: {model: gemini/gemini-2.5-pro, api_base: 'https://example.org'}\n"
    folder = project(
        {
            "llmops.yaml": config(server, more=far),
            "suites/say.yaml": CASES.replace("prompt: say\n", "prompt: say\nmodels: [script]\n"),
            "suites/far.yaml": CASES.replace("prompt: say\n", "prompt: say\nmodels: [far]\n"),
            "suites/app.yaml": "target: {exec: [cat]}\ncases: [{assert: [{contains: a}]}]\n",
        }
    )

    done = run("test", "--batch")

    assert done.code == 2
    assert "suites/say.yaml:2:10: the model 'script' cannot be asked in batches [no-batch]" in (
        done.err
    )
    assert "litellm has batches of Vertex AI only: name it vertex_ai/…" in done.err
    assert "a target cannot be called in a batch" in done.err
    assert not (folder / ".llmops").exists()
    assert not server.calls


def test_replaying_in_batches_is_a_contradiction(project: Project, run: Run) -> None:
    project()

    done = run("test", "--batch", "--replay")

    assert done.code == 2
    assert "nothing for --batch" in done.err


def test_a_batch_has_no_latency_that_could_be_judged(
    project: Project, run: Run, server: BatchServer
) -> None:
    quick = CASES.replace("assert: [", "assert: [{max_latency: 5s}, ")
    project({"llmops.yaml": config(server), "suites/say.yaml": quick})

    done = run("test", "--batch")

    assert done.code == 3
    assert "nobody knows how long the completion took" in done.out


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_requests_that_failed_keep_their_kinds(
    project: Project, run: Run, server: BatchServer, provider: str
) -> None:
    kinds = {
        "Say w0.": {"status": 429, "body": {"error": {"type": "rate_limit_error"}}},
        "Say w1.": {"status": 400, "body": {"error": {"type": "invalid_request_error"}}},
        "Say w2.": {"word": "expired"},
        "Say w3.": {},
    }
    server.answer = lambda text: kinds.get(text, {"text": text})
    folder = project({"llmops.yaml": config(server, provider), "suites/say.yaml": CASES})

    done = run("test", "--batch", "--report", "json=r.json")

    trials = json.loads((folder / "r.json").read_text(encoding="utf-8"))["trials"]
    failures = [trial["exchanges"][0].get("failure", {}).get("kind") for trial in trials]
    assert done.code == 3
    assert failures == ["rate_limited", "bad_request", "timeout", "bad_response", None]
    assert "expired before the request was answered" in done.out


def test_a_run_with_errors_asks_again_for_those_only(
    project: Project, run: Run, server: BatchServer
) -> None:
    server.answer = lambda text: {"word": "expired"} if "w1" in text else {"text": text}
    project({"llmops.yaml": config(server), "suites/say.yaml": CASES})

    first = run("test", "--batch")
    server.answer = lambda text: {"text": text}
    second = run("test", "--resume", "last")

    assert (first.code, second.code) == (3, 0)
    assert server.asked == {f"Say w{number}.": 2 if number == 1 else 1 for number in range(5)}
    assert not server.live


def test_a_cap_on_calls_is_never_passed(project: Project, run: Run, server: BatchServer) -> None:
    project({"llmops.yaml": config(server), "suites/say.yaml": CASES})

    done = run("test", "--batch", "--max-calls", "3")

    assert done.code == 4
    assert sum(server.asked.values()) == 3
    assert "3 passed" in done.out


def test_a_cap_on_cost_holds_back_what_requests_may_cost_at_most(
    project: Project, run: Run, server: BatchServer
) -> None:
    capped = CASES.replace("prompt: say\n", "prompt: say\nparameters: {max_tokens: 200}\n")
    project({"llmops.yaml": config(server), "suites/say.yaml": capped})

    done = run("test", "--batch", "--max-cost", "0.0014")

    assert done.code == 4
    assert sum(server.asked.values()) == 2
    assert "2 passed" in done.out
    assert done.err.count("a lower max_tokens lowers what an answer may cost") == 1


def test_no_key_is_an_error_of_each_trial(
    project: Project, run: Run, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OUR_API_KEY")
    project({"llmops.yaml": config(server), "suites/say.yaml": CASES})

    done = run("test", "--batch")

    assert done.code == 3
    assert "OUR_API_KEY is not set" in done.out
    assert not server.calls


def test_the_first_failure_cancels_what_is_under_way(
    project: Project, run: Run, server: BatchServer
) -> None:
    wrong = CASES.replace("assert: [{contains: w0}]", "assert: [{contains: nothing}]")
    other = wrong.replace("prompt: say\n", "prompt: say\nmodels: [other]\n")
    more = config(server).partition("\n")[2].splitlines()[0].replace("echo:", "other:") + "\n"
    project(
        {
            "llmops.yaml": config(server) + more,
            "suites/say.yaml": wrong,
            "suites/talk.yaml": other.replace("word: w", "word: v"),
        }
    )

    done = run("test", "--batch", "--fail-fast")

    assert done.code == 1
    assert "POST /v1/batches/batch_1/cancel" in server.calls or (
        "POST /v1/batches/batch_0/cancel" in server.calls
    )
    assert "1 batch with 5 requests were cancelled" in done.err


def killed_while_polling(folder: Path, server: BatchServer, number: signal.Signals) -> int:
    """Start a run, end it by a signal once it has polled, and return its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [LLMOPS, "test", "--batch"]
    with (
        (folder / "said").open("wb") as said,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said, env=environment
        ) as process,
    ):
        try:
            with server.called:
                assert server.called.wait_for(lambda: LOOK in server.calls, 30)
            process.send_signal(number)
            return process.wait(30)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_run_that_was_ended_takes_its_batch_later_and_sends_nothing_twice(
    project: Project, run: Run, server: BatchServer, number: signal.Signals, code: int
) -> None:
    folder = project({"llmops.yaml": config(server), "suites/say.yaml": CASES})
    server.looks = 1000

    ended = killed_while_polling(folder, server, number)
    server.looks = 0
    done = run("test", "--resume", "last")

    said = (folder / "said").read_text(encoding="utf-8")
    assert ended == code
    assert number == signal.SIGKILL or "1 batch with 5 requests go on at the provider" in said
    assert done.code == 0
    assert "5 passed" in done.out
    assert server.asked == {f"Say w{number}.": 1 for number in range(5)}
    assert not server.live
    assert [call for call in server.calls if call.startswith("POST")] == [
        "POST /v1/files",
        "POST /v1/batches",
    ]


def test_a_kept_run_with_batches_is_listed_and_reported(
    project: Project, run: Run, server: BatchServer
) -> None:
    folder = project({"llmops.yaml": config(server), "suites/say.yaml": CASES})
    run("test", "--batch")

    listed, reported = run("runs"), run("report")

    (path,) = (folder / ".llmops" / "runs").glob("*.jsonl")
    kinds = [next(iter(json.loads(line).keys() - {"n"})) for line in path.read_text().splitlines()]
    assert (listed.code, reported.code) == (0, 0)
    assert "5 passed" in reported.out
    assert kinds[1:3] == ["batch", "batch"]
    assert kinds[-2:] == ["batch", "footer"]


def test_slow_judges_judge_batches_too(project: Project, run: Run, server: BatchServer) -> None:
    project(
        {
            "llmops.yaml": config(server),
            "checks.py": "def kind(output):\n    return 'Say' in output\n",
            "suites/say.yaml": CASES.replace("assert: [", "assert: [{python: 'checks.py:kind'}, "),
        }
    )

    done = run("test", "--batch")

    assert done.code == 0, done.out
    assert "5 passed" in done.out


def test_asking_anew_in_a_batch_looks_nothing_up(
    project: Project, run: Run, server: BatchServer
) -> None:
    project({"llmops.yaml": config(server), "suites/say.yaml": CASES})

    run("test", "--batch")
    done = run("test", "--batch", "--fresh")

    assert done.code == 0
    assert set(server.asked.values()) == {2}
