import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

LLMOPS = Path(sys.executable).with_name("llmops")
CASES = 1000
KILLS = 10


class SlowModel:
    """A loopback model that takes its time, and counts who asked what."""

    def __init__(self, seconds: float) -> None:
        self.asked: Counter[str] = Counter()
        lock = threading.Lock()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = body["messages"][-1]["content"]
                with lock:
                    asked[said] += 1
                time.sleep(seconds)
                number = int(re.findall(r"\d+", said)[-1])
                text = "no" if number % 20 == 0 else f"yes {said}"
                message = {"role": "assistant", "content": text}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                answer = json.dumps(
                    {
                        "id": "x",
                        "object": "chat.completion",
                        "created": 0,
                        "model": "slow",
                        "choices": [choice],
                        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                    }
                ).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # killed clients
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def requests(self) -> int:
        return sum(self.asked.values())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def model() -> Iterator[SlowModel]:
    slow = SlowModel(0.05)
    yield slow
    slow.close()


def lay_out(folder: Path, base: str) -> None:
    rows = "".join(f"{number}\n" for number in range(1, CASES + 1))
    files = {
        "llmops.yaml": f"models: {{slow: {{model: openai/slow, api_base: '{base}'}}}}\n",
        "prompts/ask.yaml": (
            "model: slow\ninputs: {number: {type: string}}\nuser: 'Question {{ number }}'\n"
        ),
        "suites/ask.yaml": (
            "prompt: ask\ncases:\n  - dataset: numbers.csv\n    id: '{{ row.number }}'\n"
            "    inputs: {number: '{{ row.number }}'}\n    assert: [{contains: yes}]\n"
        ),
        "numbers.csv": "number\n" + rows,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [LLMOPS, "test", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )


def completed(folder: Path) -> set[str]:
    """The questions whose answers are in the run's file."""
    runs = list((folder / ".llmops" / "runs").glob("*.jsonl"))
    assert len(runs) == 1
    found = set()
    for line in runs[0].read_bytes().split(b"\n")[:-1]:
        value = json.loads(line)
        if "trial" in value:
            found.add(f"Question {value['trial']['case']}")
    return found


def kill_after(process: "subprocess.Popen[bytes]", model: SlowModel, requests: int) -> None:
    goal = model.requests + requests
    while model.requests < goal and process.poll() is None:
        time.sleep(0.005)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_after_ten_kills_nothing_completed_was_asked_twice_and_the_verdict_is_the_same(
    tmp_path: Path, model: SlowModel
) -> None:
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    lay_out(killed, model.base)
    lay_out(undisturbed, model.base)
    chance = random.Random(7)
    kept: set[str] = set()
    asked_at_kill: Counter[str] = Counter()

    for number in range(KILLS):
        process = start(killed, *(["--resume", "last"] if number else []))
        kill_after(process, model, chance.randint(20, 90))
        again = {said for said in kept if model.asked[said] > asked_at_kill[said]}
        assert not again
        kept = completed(killed)
        asked_at_kill = Counter(model.asked)
    last = start(killed, "--resume", "last").wait()
    again = {said for said in kept if model.asked[said] > asked_at_kill[said]}
    twice = sum(count - 1 for count in model.asked.values())
    alone = start(undisturbed).wait()

    assert not again
    assert twice <= KILLS * 16
    assert last == alone == 1
    report = [LLMOPS, "report", "--report", "json=-"]
    verdicts = []
    for folder in (killed, undisturbed):
        done = subprocess.run(report, cwd=folder, capture_output=True, text=True, check=False)
        verdicts.append(json.loads(done.stdout)["verdict"])
    for verdict in verdicts:
        for name in ("live", "cached", "calls"):
            verdict["totals"].pop(name)
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["totals"]["failed"] == CASES // 20
