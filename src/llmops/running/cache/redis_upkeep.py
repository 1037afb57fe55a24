"""Upkeep of a cache in Redis: entries counted, forgotten, and compared with others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from llmops.errors import UnavailableError
from llmops.running.cache.base import CacheEntry, CacheStats
from llmops.running.cache.redis_entries import (
    HEAD,
    PATTERN,
    EntryHead,
    decode_head,
    key_of_name,
    name_of,
)
from llmops.running.cache.redis_link import Command, LinkError, RedisLink, RedisServer, Refusal

_BATCH = 512


class Upkeep:
    """Looks after what stands in Redis; trouble with the server is an error here."""

    def __init__(self, link: RedisLink, server: RedisServer) -> None:
        self._link = link
        self._server = server

    def keys(self) -> list[str]:
        """The keys of all entries, in order; other names of the database are left alone.

        Raises:
            UnavailableError: The server is lost or refuses; so in everything below.
        """
        found: set[str] = set()
        cursor: Any = 0
        while True:
            answer = self._run([("SCAN", cursor, "MATCH", PATTERN, "COUNT", 1000)])[0]
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise self._failure("its answer to SCAN is none")
            cursor, names = answer
            found.update(key for name in names if (key := key_of_name(name)) is not None)
            if cursor in {0, b"0"}:
                return sorted(found)

    def stats(self) -> CacheStats:
        """Entries, their bytes, and entries a model; what is damaged counts as of no model."""
        models: Counter[str] = Counter()
        size = 0
        for head in self._heads():
            models[head.model] += 1
            size += head.size
        return CacheStats(entries=models.total(), size=size, models=dict(sorted(models.items())))

    def clear(self, model: str | None) -> int:
        """Forget all entries, or those of one model; returns how many there were."""
        if model is None:
            return self._forget(self.keys())
        return self._forget([head.key for head in self._heads() if head.model == model])

    def prune(self, before: float | None, size: int | None) -> int:
        """Forget what is older than a moment, then the oldest of what is more than some bytes."""
        heads = sorted(self._heads(), key=lambda head: (-head.created, head.key))
        gone, total = [], 0
        for head in heads:
            total += head.size
            old = before is not None and head.created < before
            if old or (size is not None and total > size):
                gone.append(head.key)
        return self._forget(gone)

    def newer(self, entries: Sequence[CacheEntry]) -> list[CacheEntry]:
        """Those entries that are newer than what stands under their keys."""
        known = self._heads_of([entry.key for entry in entries])
        return [
            entry
            for entry, head in zip(entries, known, strict=True)
            if head is None or head.created < entry.created
        ]

    def change(self, commands: Sequence[Command]) -> None:
        """Carry out commands, every one."""
        for answer in self._run(commands) if commands else ():
            if isinstance(answer, Refusal):
                raise self._failure(answer.words)

    def _heads(self) -> Iterator[EntryHead]:
        keys = iter(self.keys())
        while part := list(islice(keys, _BATCH)):
            for key, head in zip(part, self._heads_of(part), strict=True):
                yield head or EntryHead(key=key, created=0.0, model="", size=0)

    def _heads_of(self, keys: Sequence[str]) -> list[EntryHead | None]:
        commands: list[Command] = []
        for key in keys:
            commands += [("GETRANGE", name_of(key), 0, HEAD - 1), ("STRLEN", name_of(key))]
        answers = self._run(commands)
        return [
            decode_head(key, value, size) if isinstance(size, int) else None
            for key, value, size in zip(keys, answers[::2], answers[1::2], strict=True)
        ]

    def _forget(self, keys: Sequence[str]) -> int:
        gone = 0
        for start in range(0, len(keys), _BATCH):
            names = [name_of(key) for key in keys[start : start + _BATCH]]
            gone += int(self._run([("DEL", *names)])[0])
        return gone

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        try:
            answers = self._link.run(commands)
        except LinkError as error:
            raise self._failure(str(error)) from None
        if answers and all(isinstance(a, Refusal) and not a.is_wrong_type for a in answers):
            raise self._failure(answers[0].words)
        return answers

    def _failure(self, words: str) -> UnavailableError:
        return UnavailableError(
            f"the cache {self._server} refuses: {words}",
            at=self._server.at,
            code="cache-not-written",
        )
