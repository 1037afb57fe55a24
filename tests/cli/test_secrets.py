import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from small_project import Project, Run

CANARY = "canary-3f9ac1d2e4b7-key"


@pytest.fixture
def thief() -> Iterator[str]:
    """A loopback model that says the key it was sent, in its answer and in its headers."""

    class Parrot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            key = self.headers.get("Authorization", "none")
            message = {"role": "assistant", "content": f"red: you sent {key}"}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            answer = {"id": key, "object": "chat.completion", "created": 0, "model": key}
            body = json.dumps({**answer, "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Key", key)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_address[1]}/v1"
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.mark.filterwarnings("default")
def test_a_key_that_the_server_echoes_stands_in_no_file_and_on_no_stream(
    project: Project, run: Run, thief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_API_KEY", CANARY)
    folder = project(
        {
            "llmops.yaml": "models:\n"
            f"  echo: {{model: openai/parrot, api_base: '{thief}', key: PARROT_API_KEY}}\n"
        }
    )

    done = run("test", "--record", "--report", "json", "--report", "junit", "--report", "csv")

    assert done.code == 0
    assert "[redacted]" in (folder / "report.json").read_text(encoding="utf-8")
    assert CANARY not in done.out + done.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"cache.db", "report.json", "say.jsonl"} <= {path.name for path in files}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
