import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowModel:
    """A loopback model that takes its time, and counts who asked what."""

    def __init__(self, seconds: float) -> None:
        self.asked: Counter[str] = Counter()
        self._events: dict[int, Callable[[], object]] = {}
        lock = threading.Lock()
        asked = self.asked
        happen = self._happen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = body["messages"][-1]["content"]
                with lock:
                    asked[said] += 1
                    happen()
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

    def at(self, requests: int, happens: Callable[[], object]) -> None:
        """Have something happen as the so-many-eth request comes."""
        self._events[requests] = happens

    def _happen(self) -> None:
        self._events.get(self.requests, lambda: None)()

    @property
    def requests(self) -> int:
        return sum(self.asked.values())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
