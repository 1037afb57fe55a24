"""A Redis server of the tests' own, and one that says what it is told to."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from loopback import nobody_at

PROGRAM = shutil.which("redis-server")
MISSING = "there is no redis-server program here"


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def redis_server(folder: Path, *arguments: str) -> Iterator[Server]:
    """A server on a free loopback port that keeps nothing on disk."""
    assert PROGRAM is not None
    with nobody_at() as port:
        process = subprocess.Popen(
            [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", str(folder), "--io-threads", "1", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        server = Server(port, process)
        try:
            _wait_for(server)
            yield server
        finally:
            server.stop()


def _wait_for(server: Server) -> None:
    while server.process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port)):
            return
        time.sleep(0.01)
    raise OSError(server.process.returncode)


@dataclass
class Loopback:
    """A server whose every connection is handed to a function."""

    port: int
    connections: int = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def loopback(serve: Callable[[socket.socket], None]) -> Iterator[Loopback]:
    listening = socket.create_server(("127.0.0.1", 0))
    found = Loopback(int(listening.getsockname()[1]))
    threads: list[threading.Thread] = []
    opened: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            serve(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            found.connections += 1
            opened.append(connection)
            threads.append(threading.Thread(target=handle, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield found
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@contextmanager
def counting_relay(port: int) -> Iterator[tuple[Loopback, list[int]]]:
    """A relay to a server; counts how often one side has to wait for the other."""
    turns: list[int] = []

    def serve(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.setblocking(True)
            done = threading.Event()
            last = ["server"]

            def back() -> None:
                with suppress(OSError):
                    while data := server.recv(1 << 20):
                        last[0] = "server"
                        client.sendall(data)
                done.set()

            thread = threading.Thread(target=back)
            thread.start()
            try:
                while data := client.recv(1 << 20):
                    if last[0] == "server":
                        turns.append(len(data))
                        last[0] = "client"
                    server.sendall(data)
            finally:
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                thread.join()

    with loopback(serve) as found:
        yield found, turns
