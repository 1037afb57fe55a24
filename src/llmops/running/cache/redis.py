"""Completions kept in a Redis server, which a team and its CI share.

A server that cannot be reached at the start is an error before anything is paid for; one that is
lost on the way costs the cache, not the run. What it holds is taken for a stranger's text.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from llmops.domain.completion import Completion
from llmops.errors import UnavailableError
from llmops.running.cache.background import Background
from llmops.running.cache.base import (
    CacheEntry,
    CacheStats,
    Once,
    body_of,
    completion_of,
)
from llmops.running.cache.redis_entries import LARGEST, decode, encode, name_of
from llmops.running.cache.redis_link import Command, LinkError, RedisLink, RedisServer, Refusal
from llmops.running.cache.redis_upkeep import Upkeep

_BATCH: Final = 512
_FIRST: Final = 64 * 2**10
"""Bytes of each value that a look-up reads at once; longer ones are read one by one."""
_DAMAGED = "a damaged entry of the cache is not used"


class SharedCache:
    """A cache in Redis."""

    def __init__(
        self,
        server: RedisServer,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
        ttl: float | None = None,
        read_only: bool = False,
    ) -> None:
        """Make a cache; the server is not asked yet.

        Args:
            server: Where it is.
            now: Seconds since the epoch.
            warn: Told once when the server is lost, once when it takes nothing, and once of what
                is damaged in it; always from the thread that uses the cache.
            ttl: Seconds an entry holds; None for ever.
            read_only: Never write.
        """
        self._server = server
        self._now = now
        self._warn_of_server = Once(warn)
        self._warn_of_entry = Once(warn)
        self._ttl = ttl
        self._read_only = read_only
        self._link: RedisLink | None = None
        self._lost: str | None = None
        self._refused: str | None = None
        self._waiting: dict[str, Completion] = {}
        self._background: Background[CacheEntry] = Background(self._send, name="llmops cache")

    def ready(self) -> None:
        """Reach the server, the first time.

        Raises:
            InvalidInputError: The extra is not installed.
            UnavailableError: It cannot be reached, or refuses the login.
        """
        if self._link is not None:
            return
        link = RedisLink(self._server)
        try:
            answer = link.run([("PING",)])[0]
        except LinkError as error:
            answer = Refusal(str(error), error.refused)
        if isinstance(answer, Refusal):
            link.close()
            raise self._unreachable(answer)
        self._link = link

    def find_many(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The completions that are kept and fresh, by key; one round trip for some hundreds.

        Raises:
            InvalidInputError: The extra is not installed.
            UnavailableError: The server could never be reached.
        """
        found: dict[str, Completion] = {}
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            for key, value in zip(part, self._values(part), strict=True):
                completion = self._waiting.get(key) or self._read(key, value)
                if completion is not None:
                    found[key] = completion
        self._say()
        return found

    def put(self, key: str, model: str, completion: Completion) -> None:
        """Keep a completion; it is on its way when this returns."""
        self._say()
        if self._read_only or self._lost or self._refused:
            return
        self.ready()
        body = body_of(completion)
        if body is None or len(body) > LARGEST // 4:
            why = "it is not plain JSON" if body is None else "it is too large"
            self._warn_of_entry(f"a completion of {model} cannot be cached: {why}")
            return
        self._waiting[key] = completion
        self._background.put(CacheEntry(key=key, created=self._now(), model=model, body=body))

    def write(self) -> None:
        """Nothing waits for it: what is put is on its way."""

    def stats(self) -> CacheStats:
        """What the cache holds now."""
        return self._upkeep().stats()

    def clear(self, *, model: str | None = None) -> int:
        """Forget all entries, or those of one model; returns how many there were."""
        return 0 if self._read_only else self._upkeep().clear(model)

    def prune(self, *, before: float | None = None, size: int | None = None) -> int:
        """Forget what is older than a moment, then the oldest of what is more than some bytes."""
        return 0 if self._read_only else self._upkeep().prune(before, size)

    def take(self, entries: Iterable[CacheEntry]) -> int:
        """Take entries of another cache; of two under one key the newer one holds."""
        if self._read_only:
            return 0
        waiting, taken, upkeep = iter(entries), 0, self._upkeep()
        while part := list(islice(waiting, _BATCH)):
            newer = upkeep.newer(part)
            upkeep.change([self._command(entry) for entry in newer])
            taken += len(newer)
        return taken

    def export(self) -> Iterator[CacheEntry]:
        """Every entry that is whole, in the order of the keys."""
        upkeep = self._upkeep()
        keys = iter(upkeep.keys())
        while part := list(islice(keys, _BATCH)):
            for key, value in zip(part, self._values(part), strict=True):
                entry = decode(key, value) if value else None
                if entry is not None:
                    yield entry
                elif value != b"":
                    self._warn_of_entry(_DAMAGED)

    def close(self) -> None:
        """Send what waits, and let go of the server."""
        self._background.close()
        self._say()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _values(self, keys: Sequence[str]) -> list[Any]:
        """What stands under each key, `b""` for nothing."""
        if self._lost is not None:
            return [b""] * len(keys)
        self.ready()
        asked: list[Command] = [("GETRANGE", name_of(key), 0, _FIRST - 1) for key in keys]
        values = self._run(asked)
        for number, value in enumerate(values):
            if isinstance(value, bytes) and len(value) == _FIRST:
                values[number] = self._whole(keys[number], value)
        return values

    def _whole(self, key: str, beginning: bytes) -> object:
        rest = self._run([("GETRANGE", name_of(key), _FIRST, LARGEST)])[0]
        return beginning + rest if isinstance(rest, bytes) else rest

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        """Ask the server; one that is lost knows nothing."""
        nothing: list[Any] = [b""] * len(commands)
        if self._link is None or self._lost is not None:
            return nothing
        try:
            answers = self._link.run(commands)
        except LinkError as error:
            self._lost = str(error)
            return nothing
        for answer in answers:
            if isinstance(answer, Refusal) and not answer.is_wrong_type:
                self._lost = answer.words
                return nothing
        return answers

    def _read(self, key: str, value: object) -> Completion | None:
        if value == b"":
            return None
        entry = decode(key, value)
        completion = completion_of(entry.body) if entry is not None else None
        if entry is None or completion is None:
            self._warn_of_entry(_DAMAGED)
            return None
        age = self._now() - entry.created
        return None if age < 0 or (self._ttl is not None and age > self._ttl) else completion

    def _send(self, entries: list[CacheEntry]) -> None:
        """Write entries, in the background's thread; trouble is said later, by another."""
        link = self._link
        if link is not None and self._lost is None and self._refused is None:
            try:
                answers = link.run([self._command(entry) for entry in entries])
            except LinkError as error:
                self._lost = str(error)
            else:
                refusals = [answer.words for answer in answers if isinstance(answer, Refusal)]
                self._refused = refusals[0] if refusals else None
        for entry in entries:
            self._waiting.pop(entry.key, None)

    def _command(self, entry: CacheEntry) -> Command:
        command = ("SET", name_of(entry.key), encode(entry))
        if self._ttl is None:
            return command
        left = self._ttl - max(0.0, self._now() - entry.created)
        return (*command, "PX", max(1, round(left * 1000)))

    def _say(self) -> None:
        """Say what went wrong; only the thread that uses the cache speaks."""
        if self._lost is not None:
            words = f"the cache {self._server} is lost ({self._lost}); going on without"
            self._warn_of_server(words)
        elif self._refused is not None:
            words = f"the cache {self._server} takes nothing ({self._refused}); it is only read"
            self._warn_of_server(words)

    def _upkeep(self) -> Upkeep:
        self.ready()
        if self._link is None:
            msg = "a cache that is ready has a link"
            raise RuntimeError(msg)
        return Upkeep(self._link, self._server)

    def _unreachable(self, answer: Refusal) -> UnavailableError:
        if not answer.login:
            hint = "start the server, or take 'cache' out of the configuration"
            message = f"the cache {self._server} cannot be reached: {answer.words}"
        else:
            hint = "name the variable that holds its password with 'key:', and set it"
            message = f"the cache {self._server} refuses the login: {answer.words}"
        return UnavailableError(message, at=self._server.at, code="cache-unreachable", hint=hint)
