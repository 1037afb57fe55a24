import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from small_project import Project, Run

from llmops.running.keeping.run_names import find_run
from llmops.running.keeping.store import read_run
from loopback import nobody_at

CASES = "".join(
    f"  - {{id: c{number}, inputs: {{word: w{number}}}, assert: [{{contains: w}}]}}\n"
    for number in range(6)
)
ANSWER = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "ours",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "w"}}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
lanes = pytest.mark.parametrize("lane", ["direct", "litellm"])


class Connecting:
    """How often this process tried to connect to a port, told by the interpreter itself."""

    def __init__(self) -> None:
        self.port = 0
        self.tries = 0
        self.happens: Callable[[int], object] = lambda _: None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, details: tuple[object, ...]) -> None:
        if self.port and event == "socket.connect":
            address = details[1]
            if isinstance(address, tuple) and address[1] == self.port:
                self.tries += 1
                self.happens(self.tries)


CONNECTING = Connecting()


class Answering:
    """A server that closes after its first answer, and may start again where it was."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._servers: list[HTTPServer] = []
        self._threads: list[threading.Thread] = []

    def start(self, answers: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                if not left():
                    server.server_close()
                self.wfile.write(ANSWER)

            def log_message(self, *_: object) -> None:
                pass

        def left() -> int:
            nonlocal answers
            answers -= 1
            return answers

        def serve() -> None:
            while answers:
                server.handle_request()

        server = HTTPServer(("127.0.0.1", self._port), Handler)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._servers.append(server)
        self._threads.append(thread)

    def close(self) -> None:
        for thread, server in zip(self._threads, self._servers, strict=True):
            thread.join(30)
            server.server_close()


@pytest.fixture
def connecting() -> Iterator[Connecting]:
    with nobody_at() as port:
        CONNECTING.port, CONNECTING.tries = port, 0
        yield CONNECTING
    CONNECTING.port = 0
    CONNECTING.happens = lambda _: None


def lay_out(project: Project, port: int, lane: str, at_once: int) -> Path:
    config = (
        "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
        f"  down: {{model: openai/gpt-4o, api_base: 'http://127.0.0.1:{port}/v1', via: {lane},\n"
        f"    max_concurrency: {at_once}, key: OUR_API_KEY}}\n"
    )
    suite = f"prompt: say\nmodels: [down, echo]\ncases:\n{CASES}"
    return project({"llmops.yaml": config, "suites/say.yaml": suite})


def attempts_of(folder: Path, label: str) -> list[int]:
    run = read_run(find_run(folder / ".llmops" / "runs", None))
    own = [trial for trial in run.trials() if trial.arm.answered_by == label]
    return sorted(exchange.attempts for trial in own for exchange in trial.exchanges)


@lanes
@pytest.mark.filterwarnings("default")
def test_one_refused_connection_ends_a_model_that_never_answered(
    project: Project,
    run: Run,
    connecting: Connecting,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
) -> None:
    monkeypatch.setenv("OUR_API_KEY", "sk-ours")
    folder = lay_out(project, connecting.port, lane, at_once=1)

    done = run("test")

    assert done.code == 3
    assert (connecting.tries, attempts_of(folder, "down")) == (1, [0, 0, 0, 0, 0, 1])
    assert "6 passed" in done.out
    assert "6 errors" in done.out
    assert f"the connection to http://127.0.0.1:{connecting.port}/v1 failed" in done.out
    assert "is the server running" in done.out


@lanes
@pytest.mark.filterwarnings("default")
def test_nobody_who_was_under_way_tries_again(
    project: Project,
    run: Run,
    connecting: Connecting,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
) -> None:
    monkeypatch.setenv("OUR_API_KEY", "sk-ours")
    folder = lay_out(project, connecting.port, lane, at_once=4)

    done = run("test")

    assert done.code == 3
    assert max(attempts_of(folder, "down")) == 1
    assert 1 <= connecting.tries <= 4


@lanes
@pytest.mark.filterwarnings("default")
def test_a_server_that_starts_again_is_asked_again(
    project: Project,
    run: Run,
    connecting: Connecting,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
) -> None:
    monkeypatch.setenv("OUR_API_KEY", "sk-ours")
    folder = lay_out(project, connecting.port, lane, at_once=1)
    server = Answering(connecting.port)
    server.start(answers=1)
    connecting.happens = lambda tries: server.start(answers=5) if tries == 3 else None

    done = run("test")
    server.close()

    assert done.code == 0, done
    assert attempts_of(folder, "down") == [1, 1, 1, 1, 1, 2]
    assert connecting.tries == 7
