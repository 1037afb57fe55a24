"""Completions kept by request in SQLite, so that nobody pays for the same question twice.

Rows are JSON with a checksum, never pickle. Trouble with the file costs the cache, not the
run: one warning, and every look-up is a miss.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from llmops.domain.completion import Completion
from llmops.running.cache.base import CacheEntry, CacheStats, Once, body_of, completion_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY, created REAL NOT NULL, model TEXT NOT NULL,
    body TEXT NOT NULL, checksum TEXT NOT NULL
) WITHOUT ROWID
"""
_VERSION = 1
_BATCH = 500
_BUSY_SECONDS = 10.0
_ROW = "key, created, model, body, checksum"
_INSERT = "INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?)"
_TAKE = """
INSERT INTO completions VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
    created = excluded.created, model = excluded.model, body = excluded.body,
    checksum = excluded.checksum
WHERE excluded.created > completions.created
"""
_KEEP_NEWEST = """
DELETE FROM completions WHERE key IN (SELECT key FROM (
    SELECT key, sum(length(CAST(body AS BLOB)) + ?) OVER (ORDER BY created DESC, key) AS total
    FROM completions) WHERE total > ?)
"""
_DAMAGED = "a damaged entry of the cache is not used"
_AROUND_BODY = 160
"""Bytes that a row takes beside its body."""

Result = TypeVar("Result")


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
            warn: Told once when the file cannot be used, and once of what is damaged in it.
            ttl: Seconds an entry holds; None for ever.
            read_only: Never write, not even an empty file.
        """
        self._path = path
        self._now = now
        self._warn_of_file = Once(warn)
        self._warn_of_row = Once(warn)
        self._ttl = ttl
        self._waiting: list[tuple[str, float, str, str, str]] = []
        self._connection: sqlite3.Connection | None = None
        self._writable = not read_only
        if path is not None:
            self._guard(lambda: self._open(path))

    def ready(self) -> None:
        """A file is where it is, or it costs the cache; nothing has to be reached."""

    def find_many(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The completions that are kept and fresh, by key."""
        found: dict[str, Completion] = {}
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            query = f"SELECT {_ROW} FROM completions WHERE key IN ({marks})"  # noqa: S608 - only question marks
            for key, created, _model, body, checksum in self._rows(query, part):
                completion = self._read(created, body, checksum)
                if completion is not None:
                    found[key] = completion
        return found

    def put(self, key: str, model: str, completion: Completion) -> None:
        """Keep a completion; the file has it at the next `write`."""
        if self._connection is None or not self._writable:
            return
        body = body_of(completion)
        if body is None:
            self._warn_of_row(f"a completion of {model} cannot be cached: it is not plain JSON")
            return
        self._waiting.append((key, self._now(), model, body, _checksum(body)))
        if len(self._waiting) == _BATCH:
            self.write()

    def write(self) -> None:
        """Write what waits, in one go."""
        rows, self._waiting = self._waiting, []
        if rows and self._writable:
            self._guard(lambda: self._change_many(_INSERT, rows))

    def stats(self) -> CacheStats:
        """What the cache holds now."""
        query = "SELECT model, count(*) FROM completions GROUP BY model ORDER BY model"
        models = dict(self._rows(query))
        files = () if self._path is None else (self._path, _log_of(self._path))
        size = sum(file.stat().st_size for file in files if file.is_file())
        return CacheStats(entries=sum(models.values()), size=size, models=models)

    def clear(self, *, model: str | None = None) -> int:
        """Forget all entries, or those of one model; returns how many there were."""
        self.write()
        if not self._writable:
            return 0
        if model is None:
            gone = self._guard(lambda: self._change("DELETE FROM completions", ()))
        else:
            delete = "DELETE FROM completions WHERE model = ?"
            gone = self._guard(lambda: self._change(delete, (model,)))
        if gone:
            self._guard(lambda: self._change("VACUUM", (), atomic=False))
        return gone or 0

    def prune(self, *, before: float | None = None, size: int | None = None) -> int:
        """Forget what is older than a moment, then the oldest of what is more than some bytes."""
        self.write()
        if not self._writable:
            return 0
        gone = 0
        if before is not None:
            old = "DELETE FROM completions WHERE created < ?"
            gone += self._guard(lambda: self._change(old, (before,))) or 0
        if size is not None:
            gone += self._guard(lambda: self._change(_KEEP_NEWEST, (_AROUND_BODY, size))) or 0
        if gone:
            self._guard(lambda: self._change("VACUUM", (), atomic=False))
        return gone

    def take(self, entries: Iterable[CacheEntry]) -> int:
        """Take entries of another cache; of two under one key the newer one holds."""
        self.write()
        waiting, taken = iter(entries), 0
        while self._writable and (part := list(islice(waiting, _BATCH))):
            rows = [(e.key, e.created, e.model, e.body, _checksum(e.body)) for e in part]
            taken += self._guard(partial(self._change_many, _TAKE, rows)) or 0
        return taken

    def export(self) -> Iterator[CacheEntry]:
        """Every entry that is whole, in the order of the keys."""
        last = ""
        query = f"SELECT {_ROW} FROM completions WHERE key > ? ORDER BY key LIMIT {_BATCH}"  # noqa: S608 - two constants
        while rows := self._rows(query, (last,)):
            for key, created, model, body, checksum in rows:
                if isinstance(created, float) and _whole(body, checksum):
                    yield CacheEntry(key=key, created=created, model=model, body=body)
                else:
                    self._warn_of_row(_DAMAGED)
            last = rows[-1][0]

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.write()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, path: Path) -> None:
        if self._writable:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)
        elif not path.exists():
            return
        address = f"{path.resolve().as_uri()}?{self._mode(path)}"
        self._connection = sqlite3.connect(
            address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS
        )
        self._connection.text_factory = _text
        self._connection.execute("PRAGMA synchronous=NORMAL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and self._writable:
            self._create()
        elif version != _VERSION:
            self.close()
            if version != 0:
                self._warn_of_file(
                    f"the cache {path} is of another version of llmops; going on without"
                )

    def _mode(self, path: Path) -> str:
        """SQLite puts files beside one that it only reads, unless that is called immutable."""
        if self._writable:
            return "mode=rwc"
        return "mode=ro" if _log_of(path).exists() else "mode=ro&immutable=1"

    def _create(self) -> None:
        """Make the table; another process may be doing just that."""
        if self._connection is None:
            return
        with suppress(sqlite3.OperationalError):  # somebody else is switching, for both of us
            self._connection.execute("PRAGMA journal_mode=WAL")
        self._change(_SCHEMA, ())
        self._connection.execute(f"PRAGMA user_version={_VERSION}")

    def _rows(self, query: str, arguments: Sequence[str] = ()) -> list[Any]:
        self.write()
        connection = self._connection
        if connection is None:
            return []
        return self._guard(lambda: connection.execute(query, arguments).fetchall()) or []

    def _change(self, statement: str, arguments: Sequence[object], *, atomic: bool = True) -> int:
        """Carry out a statement, waiting for other writers; returns how many rows it changed."""
        if self._connection is None:
            return 0
        if not atomic:
            return self._connection.execute(statement, arguments).rowcount
        connection = self._connection
        return self._at_once(lambda: connection.execute(statement, arguments))

    def _change_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """Carry out a statement for each of many rows; returns how many were changed."""
        connection = self._connection
        if connection is None:
            return 0
        return self._at_once(lambda: connection.executemany(statement, rows))

    def _at_once(self, change: Callable[[], sqlite3.Cursor]) -> int:
        """Make a change wholly or not at all, waiting for other writers."""
        connection = self._connection
        if connection is None:
            return 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            changed = change().rowcount
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return changed

    def _read(self, created: object, body: object, checksum: object) -> Completion | None:
        if not isinstance(created, float) or not _whole(body, checksum):
            self._warn_of_row(_DAMAGED)
            return None
        age = self._now() - created
        if age < 0 or (self._ttl is not None and age > self._ttl):
            return None
        completion = completion_of(body)
        if completion is None:
            self._warn_of_row(_DAMAGED)
        return completion

    def _guard(self, action: Callable[[], Result]) -> Result | None:
        """Do something with the file; trouble with it costs the cache, not the run."""
        writable = self._writable
        try:
            return action()
        except (sqlite3.Error, OSError, UnicodeError) as error:
            self._writable = False
            readable = writable and isinstance(error, sqlite3.OperationalError)
            can = "written" if readable else "used"
            self._warn_of_file(
                f"the cache {self._path} cannot be {can} ({error}); going on without"
            )
            if not readable:
                self.close()
            return None


def _log_of(path: Path) -> Path:
    """What was written and is not in the file yet."""
    return path.with_name(f"{path.name}-wal")


def _text(data: bytes) -> str:
    """Text as it is kept; a damaged row must not take the others with it."""
    return data.decode("utf-8", errors="replace")


def _whole(body: object, checksum: object) -> TypeGuard[str]:
    return isinstance(body, str) and _checksum(body) == checksum


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:32]
