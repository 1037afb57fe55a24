import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from small_project import Done, Project, Run

from llmops import __version__

CASES = 160
AT_ONCE = 8
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@dataclass
class Cluster:
    """A scheduler, two workers that fit and one that does not, as processes."""

    address: str
    workers: list["subprocess.Popen[bytes]"]


@dataclass
class Counting:
    """A model that counts what it is asked, by whom, and how much of it at a time."""

    asked: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    most: int = 0
    now: int = 0
    at_half: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    base: str = ""

    @property
    def requests(self) -> int:
        return sum(self.asked.values())

    def answer(self, said: str, key: str) -> dict[str, object]:
        with self.lock:
            self.asked[said] += 1
            self.keys.add(key)
            self.now += 1
            self.most = max(self.most, self.now)
        if self.requests >= CASES // 2:
            self.at_half.set()
        time.sleep(0.03)
        with self.lock:
            self.now -= 1
        text = "no" if said.endswith("0") else f"yes {said}"
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        whole = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
        return {**whole, "choices": [choice], "usage": USAGE}


@pytest.fixture
def model() -> Iterator[Counting]:
    counting = Counting()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = counting.answer(
                body["messages"][-1]["content"], self.headers.get("Authorization", "")
            )
            data = json.dumps(answer).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # a worker that was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # killed workers
    counting.base = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield counting
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    another = folder / "site" / "llmops-0.0.1.dist-info"
    another.mkdir(parents=True)
    (another / "METADATA").write_text("Metadata-Version: 2.1\nName: llmops\nVersion: 0.0.1\n")
    place = folder / "scheduler.json"
    environment = {**os.environ, "OUR_API_KEY": "canary-of-the-workers"}
    started = [start(folder, environment, "scheduler", "--port", "0", "--scheduler-file", place)]
    try:
        until(lambda: place.exists() and place.read_text(encoding="utf-8"))
        joining = ("worker", "--scheduler-file", place, "--nthreads", "1", "--no-nanny")
        old = {**environment, "PYTHONPATH": str(another.parent)}
        started += [start(folder, world, *joining) for world in (environment, environment, old)]
        address = json.loads(place.read_text(encoding="utf-8"))["address"]
        wait_for_workers(address, 3)
        yield Cluster(address, started[1:3])
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def start(
    folder: Path, environment: dict[str, str], role: str, *options: object
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            sys.executable,
            *("-m", f"distributed.cli.dask_{role}", "--host", "127.0.0.1", "--no-dashboard"),
            *map(str, options),
        ],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(reached) -> None:
    while not reached():
        time.sleep(0.02)


def wait_for_workers(address: str, number: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


@pytest.fixture
def asking(project: Project, model: Counting, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OUR_API_KEY", raising=False)
    rows = "".join(f"{number}\n" for number in range(1, CASES + 1))
    return project(
        {
            "llmops.yaml": f"models: {{m: {{model: openai/m, api_base: '{model.base}', "
            f"key: OUR_API_KEY, max_concurrency: {AT_ONCE}}}}}\n",
            "prompts/say.yaml": "model: m\ninputs: {number: {type: string}}\nuser: 'Q {{ number }}'\n",
            "suites/say.yaml": (
                "prompt: say\ncases:\n  - dataset: numbers.csv\n    id: '{{ row.number }}'\n"
                "    inputs: {number: '{{ row.number }}'}\n    assert: [{contains: yes}]\n"
            ),
            "numbers.csv": "number\n" + rows,
        }
    )


def trials(folder: Path, done: Done) -> Counter[str]:
    """How often each case stands in the run's file, with how it ended."""
    (path,) = (folder / ".llmops" / "runs").glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert done.code == 1, done.err
    found = [line["trial"] for line in lines if "trial" in line]
    return Counter(f"{trial['case']} {trial['status']}" for trial in found)


def told(done: Done) -> tuple[object, list[object]]:
    """The verdict, and how each trial ended."""
    report = json.loads(done.out)
    ended = [(trial["id"], trial["status"], trial["case"]) for trial in report["trials"]]
    return report["verdict"], sorted(ended)


def test_a_scheduler_that_does_not_answer_is_said_before_anything_is_done(
    asking: Path, run: Run, model: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.providers.cluster.scheduler._CONNECT", 0.2)

    done = run("test", "--on", "tcp://127.0.0.1:1")

    assert done.code == 3
    assert done.err.startswith("command line: no Dask scheduler answers at tcp://127.0.0.1:1")
    assert "[no-cluster]" in done.err
    assert not (asking / ".llmops" / "runs").exists()
    assert model.requests == 0


def test_nothing_is_asked_of_a_cluster_in_a_replay(project: Project, run: Run) -> None:
    project()

    done = run("test", "--replay", "--on", "tcp://127.0.0.1:1")

    assert done.code == 2
    assert "--replay asks nobody" in done.err


def test_caps_hold_for_all_workers_together_and_one_of_another_version_is_not_asked(
    asking: Path, run: Run, model: Counting, cluster: Cluster
) -> None:
    done = run("test", "--on", cluster.address, "--max-calls", "20")

    assert done.code == 4
    assert model.requests == 20
    assert f"is not asked: it has llmops 0.0.1, and this is {__version__}" in done.err


def test_a_killed_worker_changes_nothing_and_what_is_cached_needs_no_worker(
    asking: Path, run: Run, model: Counting, cluster: Cluster
) -> None:
    def kill() -> None:
        model.at_half.wait()
        cluster.workers[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    done = run("test", "--on", cluster.address)
    killer.join()

    found = trials(asking, done)
    tens = CASES // 10
    assert found == {f"{n} {'passed' if n % 10 else 'failed'}": 1 for n in range(1, CASES + 1)}
    assert f"{CASES - tens} passed · {tens} failed · 0 errors" in done.out
    assert "is gone" in done.err
    assert len(model.asked) == CASES
    assert model.requests <= CASES + AT_ONCE
    assert model.keys == {"Bearer canary-of-the-workers"}
    assert "canary" not in "".join(path.read_text() for path in asking.rglob("*.jsonl"))
    asked = model.requests

    again = run("test", "--on", cluster.address, "--json")

    counts = json.loads(again.out)["verdict"]["totals"]
    assert (again.code, model.requests) == (1, asked)
    assert (counts["cached"], counts["passed"], counts["failed"]) == (CASES, CASES - tens, tens)


def test_limits_hold_for_all_workers_together_and_the_verdict_is_that_of_one_machine(
    asking: Path, run: Run, model: Counting, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("test", "--on", cluster.address, "--json")

    assert model.most <= AT_ONCE
    assert model.requests == CASES
    monkeypatch.setenv("OUR_API_KEY", "canary-of-this-machine")

    here = run("test", "--fresh", "--json")

    assert (done.code, told(done)) == (here.code, told(here))
    assert model.keys == {"Bearer canary-of-the-workers", "Bearer canary-of-this-machine"}
