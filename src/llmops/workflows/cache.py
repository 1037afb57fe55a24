"""The cache of completions: what it holds and how often it helped; exported, imported, forgotten."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from llmops.domain.config import CacheConfig
from llmops.errors import Fault, InvalidInputError, NothingSelectedError, UnavailableError
from llmops.location import Location
from llmops.running.cache.base import (
    CacheEntry,
    CacheStats,
    CompletionCache,
    completion_of,
    entry_from_json,
)
from llmops.running.keeping.run_names import FOLDER, find_run
from llmops.running.keeping.store import read_run
from llmops.workflows.opening.caches import CacheWorld, open_cache
from llmops.workflows.opening.project import Surroundings, environment_of, open_config

Warn = Callable[[str], None]
_MOST_FAULTS = 20
_LONGEST_LINE = 32 * 2**20


def cache_stats(surroundings: Surroundings) -> CacheStats:
    """Entries, bytes, and entries a model.

    Raises:
        UnavailableError: It is a file that cannot be read, or a server that cannot be reached; so
            in everything below.
    """
    complaints: list[str] = []
    _config, cache = _open(surroundings, complaints.append, read_only=True)
    with closing(cache):
        stats = cache.stats()
    _refuse_any(complaints)
    return stats


def hit_rate(surroundings: Surroundings) -> float | None:
    """The share of the newest run's requests that the cache answered, 0 to 1.

    Of those that recordings did not answer; None when there is no run, or none of these.
    """
    root, _config = open_config(surroundings)
    try:
        run = read_run(find_run(root / FOLDER, None))
        origins = [exchange.origin for trial in run.trials() for exchange in trial.exchanges]
    except (InvalidInputError, NothingSelectedError):
        return None
    cached, live = origins.count("cached"), origins.count("live")
    return cached / (cached + live) if cached + live else None


def clear_cache(surroundings: Surroundings, model: str | None) -> int:
    """Forget all entries or those of one model; returns how many there were.

    Raises:
        UnavailableError: The cache cannot be written, so nothing is forgotten; so below.
    """
    return _change(surroundings, lambda cache, _config: cache.clear(model=model))


def prune_cache(surroundings: Surroundings, age: float | None, size: int | None) -> int:
    """Forget what is old, then the oldest of what is too much; returns how many it was.

    Args:
        surroundings: The outside world.
        age: Seconds; None for the project's `ttl`, where `size` is not given either.
        size: Bytes that may stay.

    Raises:
        InvalidInputError: Neither the arguments nor the project say what is old or too much.
    """

    def prune(cache: CompletionCache, config: CacheConfig) -> int:
        oldest = config.ttl if age is None and size is None else age
        if oldest is None and size is None:
            raise InvalidInputError(
                "nothing says what is too old or too much",
                code="usage",
                hint="add --older-than 30d or --max-size 500MB, or 'ttl' to 'cache:'",
            )
        before = time.time() - oldest if oldest is not None else None
        return cache.prune(before=before, size=size)

    return _change(surroundings, prune)


def import_cache(surroundings: Surroundings, path: Path) -> int:
    """Take the entries of an exported file; returns how many were new or newer.

    Raises:
        InvalidInputError: The file cannot be read, or lines of it are no entries; nothing is taken.
    """
    if path.exists() and not path.is_file():
        raise InvalidInputError(
            f"'{path}' is no ordinary file, and it is read twice",
            code="not-a-file",
            hint="write what comes out of a pipe to a file first",
        )
    for _entry in _entries(path):
        pass  # all is read once before anything is taken
    return _change(surroundings, lambda cache, _config: cache.take(_entries(path)))


def export_cache(surroundings: Surroundings) -> Iterator[str]:
    """Every entry as a JSON line.

    Raises:
        UnavailableError: Not every entry could be read; those that could came before.
    """
    complaints: list[str] = []
    _config, cache = _open(surroundings, complaints.append, read_only=True)
    with closing(cache):
        for entry in cache.export():
            if completion_of(entry.body) is None:
                complaints.append("a damaged entry of the cache is left out")
            else:
                yield json.dumps(entry.as_json(), ensure_ascii=True, sort_keys=True)
    _refuse_any(complaints)


def _change(
    surroundings: Surroundings, change: Callable[[CompletionCache, CacheConfig], int]
) -> int:
    if surroundings.untrusted:
        _refuse("an untrusted run only reads the cache")
    complaints: list[str] = []
    config, cache = _open(surroundings, complaints.append, read_only=False)
    with closing(cache):
        changed = change(cache, config)
    _refuse_any(complaints)
    return changed


def _refuse_any(complaints: Sequence[str]) -> None:
    if complaints:
        _refuse(complaints[0].partition(";")[0])


def _refuse(words: str) -> NoReturn:
    raise UnavailableError(words, code="cache-not-written")


def _open(
    surroundings: Surroundings, warn: Warn, *, read_only: bool
) -> tuple[CacheConfig, CompletionCache]:
    root, config = open_config(surroundings)
    world = CacheWorld(
        root=root,
        environment=environment_of(root, surroundings),
        untrusted=surroundings.untrusted,
        now=time.time,
        warn=warn,
    )
    return config.cache, open_cache(config.cache, world, read_only=read_only)


def _entries(path: Path) -> Iterator[CacheEntry]:
    faults: list[Fault] = []
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if line.strip():
                    yield from _entry(line, Location(str(path), number), faults)
                if len(faults) == _MOST_FAULTS:
                    break
    except OSError as error:
        raise InvalidInputError(
            f"the file '{path}' cannot be read: {error.strerror or error}",
            code="missing-file",
            hint="'llmops cache --export' writes one",
        ) from None
    if faults:
        raise InvalidInputError.of(faults)


def _entry(line: bytes, at: Location, faults: list[Fault]) -> Iterator[CacheEntry]:
    try:
        yield entry_from_json(json.loads(line))
    except (ValueError, RecursionError) as error:
        hint = "'llmops cache --export' writes such lines; they are not written by hand"
        message = f"the line is no entry of a cache: {error}"[:200]
        faults.append(Fault(code="cache-entry", message=message, at=at, hint=hint))
