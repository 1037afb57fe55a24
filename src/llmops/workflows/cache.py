"""The cache of completions: what it holds, exported, forgotten."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from llmops.errors import UnavailableError
from llmops.running.cache import Cache, CacheStats
from llmops.workflows.project import Surroundings, open_config

Warn = Callable[[str], None]


def cache_stats(surroundings: Surroundings, warn: Warn) -> CacheStats:
    """Entries, bytes on disk, and entries a model."""
    with closing(_open(surroundings, warn, read_only=True)) as cache:
        return cache.stats()


def clear_cache(surroundings: Surroundings, model: str | None) -> int:
    """Forget all entries or those of one model; returns how many there were.

    Raises:
        UnavailableError: The cache cannot be written, so nothing is forgotten.
    """
    complaints: list[str] = []
    with closing(_open(surroundings, complaints.append, read_only=False)) as cache:
        forgotten = cache.clear(model=model)
    if complaints:
        raise UnavailableError(complaints[0].partition(";")[0], code="cache-not-written")
    return forgotten


def export_cache(surroundings: Surroundings, warn: Warn) -> Iterator[str]:
    """Every entry as a JSON line."""
    with closing(_open(surroundings, warn, read_only=True)) as cache:
        for entry in cache.export():
            yield json.dumps(entry, ensure_ascii=True, sort_keys=True)


def _open(surroundings: Surroundings, warn: Warn, *, read_only: bool) -> Cache:
    root, config = open_config(surroundings)
    return Cache(
        root / config.cache.path,
        now=time.time,
        warn=warn,
        ttl=config.cache.ttl,
        read_only=read_only or surroundings.untrusted,
    )
