"""Completions kept by request in SQLite, so that nobody pays for the same question twice.

Rows are JSON with a checksum, never pickle. Trouble with the file costs the cache, not the
run: one warning, and every look-up is a miss.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.domain.completion import Completion, Request, canonical_json
from llmops.domain.config import Model
from llmops.domain.record import completion_from_json, completion_to_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY, created REAL NOT NULL, model TEXT NOT NULL,
    body TEXT NOT NULL, checksum TEXT NOT NULL
) WITHOUT ROWID
"""
_VERSION = 1
_BATCH = 500
_BUSY_MILLISECONDS = 10_000


def cache_key(request: Request, sample: int, model: Model) -> str:
    """The key of a completion: the whole request, the sample's number, and who is asked."""
    asked = [request.digest(sample), model.via, model.api_base, dict(model.options), model.script]
    return hashlib.sha256(canonical_json(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a cache holds: entries, bytes on disk, entries a model."""

    entries: int
    size: int
    models: dict[str, int]


class Cache:
    """A cache file, or nothing when the file cannot be used."""

    def __init__(
        self,
        path: Path | None,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
        ttl: float | None = None,
        read_only: bool = False,
    ) -> None:
        """Open a cache.

        Args:
            path: The file; None for no cache at all.
            now: Seconds since the epoch.
            warn: Told once when the file cannot be used.
            ttl: Seconds an entry holds; None for ever.
            read_only: Never write, not even an empty file.
        """
        self._path = path
        self._now = now
        self._warn = warn
        self._ttl = ttl
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._warned_of_row = False
        self._writable = not read_only
        if path is not None:
            self._guard(lambda: self._open(path))

    def find_many(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The completions that are kept and fresh, by key."""
        found: dict[str, Completion] = {}
        if self._connection is None:
            return found
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            for key, created, body, checksum in (
                self._guard(lambda part=part: self._rows(part)) or ()
            ):
                completion = self._read(created, body, checksum)
                if completion is not None:
                    found[key] = completion
        return found

    def put(self, key: str, model: str, completion: Completion) -> None:
        """Keep a completion."""
        if self._connection is None or not self._writable:
            return
        try:
            body = canonical_json(completion_to_json(completion))
            row = (key, self._now(), model, body, _checksum(body))
            self._guard(lambda: self._write([row]))
        except (TypeError, ValueError, UnicodeEncodeError):
            self._warn_of_row(f"a completion of {model} cannot be cached: it is not plain JSON")

    def stats(self) -> CacheStats:
        """What the cache holds now."""
        models: dict[str, int] = {}
        if self._connection is not None:
            query = "SELECT model, count(*) FROM completions GROUP BY model ORDER BY model"
            models = dict(self._guard(lambda: self._all(query)) or [])
        size = self._path.stat().st_size if self._path is not None and self._path.exists() else 0
        return CacheStats(entries=sum(models.values()), size=size, models=models)

    def clear(self, *, model: str | None = None) -> int:
        """Forget all entries, or those of one model; returns how many there were."""
        before = self.stats().entries
        condition = "" if model is None else " WHERE model = ?"
        arguments = () if model is None else (model,)
        self._guard(lambda: self._change(f"DELETE FROM completions{condition}", arguments))  # noqa: S608 - the condition is one of two constants
        return before - self.stats().entries

    def export(self) -> Iterator[dict[str, Any]]:
        """Every entry as plain JSON values, in the order of the keys."""
        query = "SELECT key, created, model, body, checksum FROM completions ORDER BY key"
        for key, created, model, body, checksum in self._guard(lambda: self._all(query)) or ():
            if _checksum(body) == checksum:
                whole = {"key": key, "created": created, "model": model}
                yield {**whole, "completion": json.loads(body)}

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, path: Path) -> None:
        if self._read_only:
            if not path.exists():
                return
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None
            )
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in {0, _VERSION}:
            self._connection.close()
            self._connection = None
            self._warn(f"the cache {path} is of another version of llmops and is not used")
            return
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        if version == 0:
            self._connection.execute(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version={_VERSION}")
            path.chmod(0o600)

    def _rows(self, keys: Sequence[str]) -> list[Any]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, created, body, checksum FROM completions WHERE key IN ({marks})"  # noqa: S608 - only question marks
        return self._all(query, keys)

    def _all(self, query: str, arguments: Sequence[str] = ()) -> list[Any]:
        if self._connection is None:
            return []
        return self._connection.execute(query, arguments).fetchall()

    def _write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        if self._connection is None:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(
                "INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?)", rows
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._connection.execute("ROLLBACK")
            raise

    def _change(self, statement: str, arguments: Sequence[str]) -> None:
        if self._connection is not None:
            self._connection.execute(statement, arguments)
            self._connection.execute("VACUUM")

    def _read(self, created: float, body: str, checksum: str) -> Completion | None:
        age = self._now() - created
        if age < 0 or (self._ttl is not None and age > self._ttl):
            return None
        try:
            if _checksum(body) == checksum:
                return completion_from_json(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        self._warn_of_row("a damaged entry of the cache is not used")
        return None

    def _warn_of_row(self, message: str) -> None:
        if not self._warned_of_row:
            self._warned_of_row = True
            self._warn(message)

    def _guard(self, action: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the action returns
        try:
            return action()
        except sqlite3.OperationalError as error:
            self._degrade(error)
        except (sqlite3.Error, OSError) as error:
            self._degrade(error)
        return None

    def _degrade(self, error: Exception) -> None:
        """Reading may go on where only writing fails; anything else ends the cache."""
        if isinstance(error, sqlite3.OperationalError) and self._writable and self._connection:
            self._writable = False
            self._warn(f"the cache {self._path} cannot be written ({error}); going on without")
            return
        self._warn(f"the cache {self._path} cannot be used ({error}); going on without")
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:32]
