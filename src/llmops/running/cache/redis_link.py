"""A link to a Redis server that neither waits nor reads for ever: the one module that knows redis."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from llmops.errors import InvalidInputError
from llmops.location import Location
from llmops.providers.keys import redact

USUAL_PORT = 6379
_LARGEST_ANSWER = 64 * 2**20
_LONGEST_WORDS = 200

Command = tuple[str | bytes | int, ...]
"""A command's name and its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """Where a shared cache is.

    Attributes:
        password: Never shown.
        at: Where the configuration names it.
        patience: Seconds that connecting may take, and an answer twice over.
    """

    host: str
    port: int = USUAL_PORT
    database: int = 0
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    at: Location | None = None
    patience: float = 5.0

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{host}:{self.port}/{self.database}"


class LinkError(Exception):
    """The server cannot be reached, or what it says is not Redis; the words hold no password.

    Attributes:
        refused: Whether it is the login that the server refuses.
    """

    def __init__(self, words: str, *, refused: bool = False) -> None:
        super().__init__(words)
        self.refused = refused


class Refusal(Struct, frozen=True):
    """What a server answers to a command that it does not carry out.

    Attributes:
        login: Whether it is the login that it misses or refuses.
    """

    words: str
    login: bool = False

    @property
    def is_wrong_type(self) -> bool:
        """Whether the key holds no text; only that key is meant."""
        return self.words.startswith("WRONGTYPE")


class RedisLink:
    """Sends commands, many in one round trip; threads may share it."""

    def __init__(self, server: RedisServer) -> None:
        """Make a link; nothing is sent yet.

        Raises:
            InvalidInputError: The extra is not installed.
        """
        self._server = server
        self._client = _client(server)

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """Carry out commands in one round trip.

        Returns:
            An answer for each; a `Refusal` where the server says no. Texts are bytes.

        Raises:
            LinkError: The server cannot be reached, refuses the login, or speaks no Redis.
        """
        try:
            pipe = self._client.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            answers = pipe.execute(raise_on_error=False)
        except Exception as error:  # whatever a parser makes of a stranger's bytes
            raise self._failure(error) from None
        if len(answers) != len(commands):
            msg = "the answers are not as many as the commands"
            raise LinkError(msg)
        return [
            Refusal(self._plain(answer), _is_about_login(answer))
            if isinstance(answer, Exception)
            else answer
            for answer in answers
        ]

    def close(self) -> None:
        """Close every connection."""
        self._client.connection_pool.disconnect()

    def _failure(self, error: Exception) -> LinkError:
        from redis import exceptions

        if isinstance(error, exceptions.TimeoutError):
            return LinkError(f"no answer within {self._server.patience:g} s")
        if not isinstance(error, exceptions.RedisError | OSError):
            return LinkError("what it says is not Redis")
        return LinkError(self._plain(error), refused=_is_about_login(error))

    def _plain(self, error: Exception) -> str:
        """An error's words on one line, short and without the password."""
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        secret = self._server.password
        return (redact(words, [secret]) if secret else words)[:_LONGEST_WORDS]


def _is_about_login(error: Exception) -> bool:
    from redis import exceptions

    return isinstance(error, exceptions.AuthenticationError)


def _client(server: RedisServer) -> Any:  # noqa: ANN401 - redis is imported late
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise InvalidInputError(
            f"the cache {server} needs the extra 'redis'",
            at=server.at,
            code="missing-extra",
            hint="pip install 'llmops[redis]'",
        ) from None
    kind = redis.SSLConnection if server.tls else redis.Connection
    pool = redis.ConnectionPool(
        connection_class=_metered(kind, server.patience),
        host=server.host,
        port=server.port,
        db=server.database,
        username=server.user,
        password=server.password,
        protocol=2,
        socket_connect_timeout=server.patience,
        socket_timeout=server.patience,
        retry=Retry(NoBackoff(), 1),  # a connection that was idle may be gone
    )
    return redis.Redis(connection_pool=pool)


def _metered(kind: Any, patience: float) -> Any:  # noqa: ANN401 - redis is imported late
    """A kind of connection whose answers have an end."""

    class Metered(kind):  # type: ignore[misc]  # a class that is known when it is imported
        def _connect(self) -> "_Meter":
            return _Meter(super()._connect(), patience)

    return Metered


class _Meter:
    """A socket that gives one answer so many bytes and so many seconds."""

    def __init__(self, inner: socket.socket, patience: float) -> None:
        self._inner = inner
        self._patience = patience
        self._begin()

    def sendall(self, data: bytes) -> None:
        self._begin()
        self._inner.sendall(data)

    def recv(self, size: int) -> bytes:
        data = self._inner.recv(size)
        self._count(len(data))
        return data

    def recv_into(self, buffer: bytearray, size: int = 0) -> int:
        number = self._inner.recv_into(buffer, size)
        self._count(number)
        return number

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the socket's own
        return getattr(self._inner, name)

    def _begin(self) -> None:
        self._left = _LARGEST_ANSWER
        self._until = time.monotonic() + 2 * self._patience

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            msg = f"an answer of more than {_LARGEST_ANSWER // 2**20} MiB"
            raise OSError(msg)
        if time.monotonic() > self._until:
            raise TimeoutError
