"""A loopback server of OpenAI's and Anthropic's batches, strict about what it is sent."""

import email
import email.policy
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = "sk-batch-0123456789"
Fault = tuple[int, object, dict[str, str]]
DROP = "drop"
IDENTITY = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOKENS = (1000, 200)


class RefusedError(Exception):
    """What was sent is not as the protocol says."""


@dataclass
class Batch:
    """A batch as the server keeps it: its requests by custom id."""

    id: str
    requests: dict[str, dict]
    metadata: dict
    looks: int = 0
    state: str = "validating"


def said(text: str) -> dict:
    """What is answered to a text."""
    return {"text": f"You said: {text}"}


@dataclass
class BatchServer:
    """Answers with what was said; the knobs make it do otherwise.

    Attributes:
        looks: So many times a batch is still in progress when it is looked at.
        ends_as: How batches end.
        answer: Of a text: `text`, or `status` with `body`, or `word` for how it was lost, or
            nothing for no line at all.
        twist: Makes what is really sent of the lines of a file of results.
        fault: What to do in place of a request, by method and path; None does it. `DROP` closes
            the connection without a word, after having done it.
        asked: How often each text came, in batches and by itself.
    """

    looks: int = 0
    ends_as: str = "completed"
    answer: Callable[[str], dict] = said
    twist: Callable[[list[bytes]], bytes] = lambda lines: b"".join(one + b"\n" for one in lines)
    fault: Callable[[str, str], Fault | str | None] = lambda _method, _path: None
    asked: Counter[str] = field(default_factory=Counter)
    live: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    uploads: list[bytes] = field(default_factory=list)
    base: str = ""
    called: threading.Condition = field(default_factory=threading.Condition)

    endpoint = "/v1/chat/completions"

    @property
    def openai(self) -> str:
        return f"{self.base}/v1"

    def reply(self, method: str, target: str, headers, body: bytes) -> tuple[int, object]:
        path = urlsplit(target).path
        query = parse_qs(urlsplit(target).query)
        with self.called:
            self.calls.append(f"{method} {path}")
            self.keys.add(headers.get("authorization") or headers.get("x-api-key") or "")
            self.called.notify_all()
        try:
            return self._routed(method, path, query, headers, body)
        except RefusedError as error:
            return 400, {"error": {"message": str(error), "type": "invalid_request_error"}}

    def _routed(self, method, path, query, headers, body) -> tuple[int, object]:
        routes: list[tuple[str, Callable[..., tuple[int, object]]]] = [
            ("POST /v1/files", lambda: (200, {"id": self._uploaded(headers, body)})),
            ("GET /v1/files/(.+)/content", self._file),
            ("POST /v1/batches", lambda: (200, self._shown(self._created(json.loads(body))))),
            ("GET /v1/batches", lambda: (200, self._listed(query))),
            ("GET /v1/batches/([^/]+)", self._looked),
            ("POST /v1/batches/(.+)/cancel", self._cancelled),
            ("POST /v1/messages/batches", lambda: (200, self._wrapped(json.loads(body)))),
            ("GET /v1/messages/batches/([^/]+)", self._looked_here),
            ("GET /v1/messages/batches/(.+)/results", self._results_here),
            ("POST /v1/messages/batches/(.+)/cancel", self._cancelled_here),
            ("POST /v1/chat/completions", lambda: (200, self._live(json.loads(body)))),
        ]
        for route, answer in routes:
            if found := re.fullmatch(route, f"{method} {path}"):
                return answer(*found.groups())
        return 404, {"error": {"message": f"no {method} {path}"}}

    def _file(self, name: str) -> tuple[int, object]:
        return (200, self.files[name]) if name in self.files else (404, {"error": "no file"})

    def _cancelled(self, name: str) -> tuple[int, object]:
        self.batches[name].state = "cancelled"
        return 200, self._shown(self.batches[name])

    def _cancelled_here(self, name: str) -> tuple[int, object]:
        self.batches[name].state = "canceling"
        return 200, self._shown_here(self.batches[name])

    def _live(self, asked: dict) -> dict:
        self.live[text_of(asked)] += 1
        return completion_of(asked, self.answer(text_of(asked))["text"])

    def _uploaded(self, headers, body: bytes) -> str:
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
        if "purpose" not in parts or parts["purpose"].get_content().strip() != "batch":
            raise RefusedError("the form has no purpose")
        if not parts["file"].get_filename():
            raise RefusedError("the file has no name")
        content = parts["file"].get_payload(decode=True)
        self.uploads.append(content)
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _created(self, wanted: dict) -> Batch:
        if wanted["endpoint"] != self.endpoint or wanted["completion_window"] != "24h":
            raise RefusedError("another endpoint or window")
        requests = {}
        for line in self.files[wanted["input_file_id"]].splitlines():
            one = json.loads(line)
            if (one["method"], one["url"]) != ("POST", self.endpoint):
                raise RefusedError("another method or address")
            self._add(requests, one["custom_id"], one["body"])
        return self._kept(requests, wanted["metadata"])

    def _wrapped(self, wanted: dict) -> dict:
        requests: dict[str, dict] = {}
        for one in wanted["requests"]:
            if "max_tokens" not in one["params"]:
                raise RefusedError("max_tokens is missing")
            self._add(requests, one["custom_id"], one["params"])
        return self._shown_here(self._kept(requests, {}))

    def _add(self, requests: dict[str, dict], name: str, body: dict) -> None:
        if not IDENTITY.fullmatch(name) or name in requests:
            raise RefusedError(f"bad custom_id {name}")
        requests[name] = body

    def _kept(self, requests: dict[str, dict], metadata: dict) -> Batch:
        if not requests or len({body["model"] for body in requests.values()}) != 1:
            raise RefusedError("no request, or several models")
        batch = Batch(f"batch_{len(self.batches)}", requests, metadata)
        self.batches[batch.id] = batch
        self.asked.update(text_of(body) for body in requests.values())
        return batch

    def _looked(self, name: str) -> tuple[int, object]:
        batch = self.batches.get(name)
        if batch is None:
            return 404, {"error": {"message": f"No batch found with id '{name}'."}}
        batch.looks += 1
        if batch.state in {"validating", "in_progress"}:
            batch.state = "in_progress" if batch.looks <= self.looks else self.ends_as
        return 200, self._shown(batch)

    def _looked_here(self, name: str) -> tuple[int, object]:
        batch = self.batches[name]
        batch.looks += 1
        if batch.looks > self.looks:
            batch.state = "ended"
        return 200, self._shown_here(batch)

    def _listed(self, query: dict) -> dict:
        newest = [self._shown(batch) for batch in reversed(self.batches.values())]
        after = query.get("after", [""])[0]
        names = [one["id"] for one in newest]
        start = names.index(after) + 1 if after else 0
        page = newest[start : start + 2]
        return {"object": "list", "data": page, "has_more": start + 2 < len(newest)}

    def _shown(self, batch: Batch) -> dict:
        shown = {"id": batch.id, "object": "batch", "status": batch.state}
        shown["metadata"] = batch.metadata
        if batch.state == "failed":
            wrong = {"code": "invalid_json_line", "message": "Line 1 is no JSON.", "line": 1}
            return {**shown, "errors": {"object": "list", "data": [wrong]}}
        if batch.state in {"completed", "expired", "cancelled"}:
            good, bad = self._outcomes(batch)
            self.files[f"out-{batch.id}"] = self.twist(good)
            self.files[f"err-{batch.id}"] = b"".join(one + b"\n" for one in bad)
            shown["output_file_id"] = f"out-{batch.id}" if good else None
            shown["error_file_id"] = f"err-{batch.id}" if bad else None
        return shown

    def _shown_here(self, batch: Batch) -> dict:
        state = "in_progress" if batch.state == "validating" else batch.state
        return {"id": batch.id, "type": "message_batch", "processing_status": state}

    def _outcomes(self, batch: Batch) -> tuple[list[bytes], list[bytes]]:
        good, bad = [], []
        for name, body in batch.requests.items():
            answer = self.answer(text_of(body))
            line: dict[str, object] = {"id": f"r-{name}", "custom_id": name, "response": None}
            if "text" in answer:
                done = completion_of(body, answer["text"])
                line["response"] = {"status_code": 200, "request_id": "r", "body": done}
                good.append(json.dumps({**line, "error": None}).encode())
            elif "status" in answer:
                line["response"] = {"status_code": answer["status"], "body": answer["body"]}
                bad.append(json.dumps(line).encode())
            elif "word" in answer:
                line["error"] = {"code": f"batch_{answer['word']}", "message": "It is lost."}
                bad.append(json.dumps(line).encode())
        return good, bad

    def _results_here(self, name: str) -> tuple[int, object]:
        batch = self.batches[name]
        lines = []
        for identity, body in batch.requests.items():
            answer = self.answer(text_of(body))
            result: dict[str, object] = {"type": answer.get("word", "errored")}
            if "text" in answer:
                result = {"type": "succeeded", "message": _message(body, answer["text"])}
            elif "status" in answer:
                result["error"] = {"type": "error", "error": answer["body"]["error"]}
            if answer:
                lines.append(json.dumps({"custom_id": identity, "result": result}).encode())
        return 200, self.twist(lines)


def text_of(body: dict) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def completion_of(body: dict, text: str) -> dict:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": TOKENS[0], "completion_tokens": TOKENS[1], "total_tokens": 1200}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"model": body["model"], "choices": [choice], "usage": usage}


def _message(body: dict, text: str) -> dict:
    usage = {"input_tokens": TOKENS[0], "output_tokens": TOKENS[1]}
    content = [{"type": "text", "text": text}]
    return {
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "end_turn",
        "usage": usage,
    }


def _handler(server: BatchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            method = self.command
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fault = server.fault(method, urlsplit(self.path).path)
            if isinstance(fault, tuple):
                status, found, headers = fault
            else:
                headers = {}
                status, found = server.reply(method, self.path, self.headers, body)
            if fault == DROP:
                self.close_connection = True
                return
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_CONNECT(self) -> None:
            server.calls.append(f"CONNECT {self.path}")
            self.send_error(502)

        do_POST = do_PUT = do_GET  # noqa: N815 - what the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serve_batches(server: BatchServer | None = None) -> Iterator[BatchServer]:
    """Serve on loopback for as long as it is needed."""
    server = server or BatchServer()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listening.handle_error = lambda *_: None  # clients that were killed
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    server.base = f"http://127.0.0.1:{listening.server_address[1]}"
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
