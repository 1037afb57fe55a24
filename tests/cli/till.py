import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Till:
    """A loopback model whose answers cost 0.10 dollars each by the project's price.

    It answers with the refusals first, each after a while, and then says its words.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.refusals: list[int] = []
        self.wait = 0.0
        self.words = "w"
        self.closed = threading.Event()
        till = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                till.calls += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                till.closed.wait(till.wait)
                if till.refusals:
                    self.answer(till.refusals.pop(0), {"error": {"message": till.words}})
                    return
                choice = {"index": 0, "finish_reason": "stop"}
                choice["message"] = {"role": "assistant", "content": till.words}
                usage = {
                    "prompt_tokens": 60_000,
                    "completion_tokens": 40_000,
                    "total_tokens": 100_000,
                    "prompt_tokens_details": {"cached_tokens": 10_000, "cache_write_tokens": 7},
                    "completion_tokens_details": {"reasoning_tokens": 30_000},
                }
                self.answer(200, {"model": "ours", "choices": [choice], "usage": usage})

            def answer(self, status: int, answer: object) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/v1"


def config(till: Till, price: str = ", price: {input: 1.0, output: 1.0}", more: str = "") -> str:
    model = f"{{model: openai/ours, api_base: '{till.base}', key: OUR_API_KEY{price}}}"
    return f"models:\n  echo: {model}\n{more}"
