"""A model server on loopback that costs little, answers late if told to, and breaks as it is told.

`python benchmarks/server.py --delay-ms 50 --faults '{"429": 0.05, "hang": 0.01}'` prints its address
and serves OpenAI's chat completions and Anthropic's messages until its standard input is closed.
`GET /stats` tells what was asked. Which request meets which fault is decided by its last message alone.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_DRIP_SECONDS = 1.0
_ERROR = {"error": {"type": "server_error", "code": "broken", "message": "no luck"}}


@dataclass(slots=True, kw_only=True)
class Plan:
    """What the server does, and what it saw.

    Attributes:
        delay: Seconds before an answer.
        faults: Kinds of faults, each with the share of messages that meet it.
        stubborn: The share of those whose every attempt meets it; of the others the first does.
        retry_after: What a 429 says.
    """

    delay: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    stubborn: float = 0.0
    retry_after: str = "1"
    drip: float = _DRIP_SECONDS
    seen: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    most: int = 0
    open: int = 0

    def meet(self, said: str) -> str | None:
        """The fault that the next attempt at a message meets."""
        self.seen[said] += 1
        kind, stubborn = self.fault(said)
        return kind if stubborn or self.seen[said] == 1 else None

    def fault(self, said: str) -> tuple[str | None, bool]:
        """The fault that a message meets, and whether it always does."""
        digest = hashlib.sha256(said.encode()).hexdigest()
        place = int(digest[:8], 16) / 2**32
        for kind, share in self.faults.items():
            place -= share
            if place < 0:
                return kind, int(digest[8:16], 16) / 2**32 < self.stubborn
        return None, False


class Connection(asyncio.Protocol):
    """One connection: requests in, answers out, one after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        _name, _colon, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._asked(head.split(b" ", 2)[1].decode(), body)

    def _asked(self, path: str, body: bytes) -> None:
        plan = self._plan
        if path == "/stats":
            told = {"most": plan.most, "messages": len(plan.seen), "models": plan.models}
            self._say(200, {**plan.counts, **told})
            return
        request = json.loads(body)
        said = request["messages"][-1]["content"]
        said = said if isinstance(said, str) else "".join(part["text"] for part in said)
        fault = plan.meet(said)
        plan.counts["requests"] += 1
        plan.models[request["model"]] += 1
        plan.counts[fault or "well"] += 1
        plan.open += 1
        plan.most = max(plan.most, plan.open)
        if plan.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(plan.delay, self._answer, path, request, said, fault)
        else:
            self._answer(path, request, said, fault)

    def _answer(self, path: str, request: dict[str, Any], said: str, fault: str | None) -> None:
        self._plan.open -= 1
        if self._transport.is_closing():
            return
        answer = _messages(request, said) if "messages" in path else _chat(request, said)
        if fault is None:
            self._say(200, answer)
        else:
            _FAULTS[fault](self, answer)

    def _say(
        self, status: int, body: object, *headers: str, length: int | None = None, cut: int = 0
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        length = len(data) if length is None else length
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {length}", *headers]
        if not any(header.startswith("Content-Type") for header in headers):
            lines.append("Content-Type: application/json")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._transport.write(head + data[: len(data) - cut])

    def throttle(self, _answer: object) -> None:
        self._say(429, _ERROR, f"Retry-After: {self._plan.retry_after}")

    def fail(self, _answer: object) -> None:
        self._say(500, _ERROR)

    def hang(self, _answer: object) -> None:
        """Say nothing more."""

    def reset(self, _answer: object) -> None:
        self._transport.abort()

    def drip(self, answer: object) -> None:
        data = json.dumps(answer).encode()
        self._say(200, data, cut=len(data))
        self._dripping = asyncio.ensure_future(self._drip(data))

    async def _drip(self, data: bytes) -> None:
        for byte in data:
            await asyncio.sleep(self._plan.drip)
            if self._transport.is_closing():
                return
            self._transport.write(bytes([byte]))

    def promise_more(self, answer: object) -> None:
        data = json.dumps(answer).encode()
        self._say(200, data, length=len(data) + 100)
        self._transport.close()

    def promise_less(self, answer: object) -> None:
        data = json.dumps(answer).encode()
        self._say(200, data, length=len(data) - 10)
        self._transport.close()

    def bomb(self, _answer: object) -> None:
        self._say(200, _bomb(), "Content-Encoding: gzip")

    def flood(self, _answer: object) -> None:
        self._say(200, bytes(9 * 2**20))

    def wrong_types(self, answer: Any) -> None:
        key = "choices" if "choices" in answer else "content"
        self._say(200, {**answer, key: {"0": 7}, "usage": "many", "model": 3})

    def empty(self, answer: Any) -> None:
        key = "choices" if "choices" in answer else "content"
        self._say(200, {**answer, key: []})

    def malformed(self, answer: object) -> None:
        data = json.dumps(answer).encode()
        self._say(200, data[: len(data) // 2])

    def page(self, _answer: object) -> None:
        self._say(200, b"<html>Please log in</html>", "Content-Type: text/html")


_FAULTS: Mapping[str, Callable[[Connection, Any], None]] = {
    "429": Connection.throttle,
    "500": Connection.fail,
    "hang": Connection.hang,
    "reset": Connection.reset,
    "drip": Connection.drip,
    "promises more": Connection.promise_more,
    "promises less": Connection.promise_less,
    "bomb": Connection.bomb,
    "flood": Connection.flood,
    "wrong types": Connection.wrong_types,
    "empty": Connection.empty,
    "malformed": Connection.malformed,
    "page": Connection.page,
}


@cache
def _bomb() -> bytes:
    """A gigabyte of nothing in one megabyte of gzip, made of the same block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * 1023 + packer.flush()


def _chat(request: dict[str, Any], said: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"Echo: {said}"}
    return {
        "id": "bench",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 30, "total_tokens": 60},
    }


def _messages(request: dict[str, Any], said: str) -> dict[str, Any]:
    return {
        "id": "bench",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": f"Echo: {said}"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 30, "output_tokens": 30},
    }


async def _serve(plan: Plan) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(plan), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--faults", type=json.loads, default={})
    parser.add_argument("--stubborn", type=float, default=0.0)
    parser.add_argument("--retry-after", default="1")
    parser.add_argument("--drip", type=float, default=_DRIP_SECONDS)
    asked = parser.parse_args()
    plan = Plan(
        delay=asked.delay_ms / 1000,
        faults=asked.faults,
        stubborn=asked.stubborn,
        retry_after=asked.retry_after,
        drip=asked.drip,
    )
    asyncio.run(_serve(plan))


if __name__ == "__main__":
    main()
