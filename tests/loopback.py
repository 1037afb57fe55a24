"""A loopback HTTP server that says, or fails to say, whatever a test wants."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

RESET = "reset"
HANG = "hang"
Step = bytes | float | str
"""Bytes to send, seconds to wait, RESET or HANG."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def reply(status: int, body: object = b"", headers: dict[str, str] | None = None) -> list[Step]:
    """A whole response; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(data))}
    lines |= {name.lower(): value for name, value in (headers or {}).items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return [f"HTTP/1.1 {status} Words\r\n{head}\r\n".encode() + data]


def chat(
    words: str,
    *,
    model: str = "parrot",
    usage: dict[str, int] | None = None,
    headers: dict[str, str] | None = None,
) -> list[Step]:
    """What a model says, as OpenAI's servers write it."""
    message = {"role": "assistant", "content": words}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    answer = {"id": model, "object": "chat.completion", "created": 0, "model": model}
    counted = {} if usage is None else {"usage": usage}
    return reply(200, {**answer, "choices": [choice], **counted}, headers)


@dataclass(slots=True)
class Loopback:
    """A server in a thread of its own."""

    answer: Callable[[Seen], Iterable[Step]] = lambda _seen: reply(500, {"error": "unset"})
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, status: int, body: object = b"", headers: dict[str, str] | None = None) -> None:
        self.answer = lambda _seen: reply(status, body, headers)

    def serve(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    @property
    def connections(self) -> list[asyncio.Task]:
        """Those that were ever opened."""
        return self._connections

    def stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._ended.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _connection(self, reader, writer) -> None:
        self._writers.append(writer)
        self._connections.append(asyncio.current_task())
        try:
            while (seen := await _read(reader)) is not None:
                self.seen.append(seen)
                for step in self.answer(seen):
                    if not await self._do(step, writer):
                        return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _do(self, step: Step, writer) -> bool:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
            return True
        if step == RESET:
            writer.transport.abort()
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), None if step == HANG else step)
        return not self._ended.is_set()

    _ended: asyncio.Event = field(init=False)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _connections: list[asyncio.Task] = field(default_factory=list)


@contextlib.contextmanager
def nobody_at() -> Iterator[int]:
    """A loopback port that refuses every connection.

    It is kept from all others: only who binds it by name may still serve there.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@contextlib.contextmanager
def listening(answer: Callable[[Seen], Iterable[Step]] | None = None) -> Iterator[Loopback]:
    """A server for as long as it is needed."""
    server = Loopback() if answer is None else Loopback(answer=answer)
    ready = threading.Event()
    thread = threading.Thread(target=server.serve, args=(ready,))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


async def _read(reader) -> Seen | None:
    line = await reader.readline()
    if not line:
        return None
    method, path, _version = line.decode().split(" ")
    headers = {}
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _colon, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)
