"""What every cache of completions can do: the key of an entry, its form, and the cache's interface."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct

from llmops.domain.completion import Completion, canonical_json, escape_surrogates
from llmops.domain.config import Model
from llmops.domain.json_bytes import sorted_json
from llmops.domain.record import completion_from_text, completion_to_json

_KEY = re.compile(r"[0-9a-f]{64}")
_YEAR_10_000 = 253_402_300_800
_ENTRY = ("key", "created", "model", "completion")


class CacheStats(Struct, frozen=True, kw_only=True):
    """What a cache holds: entries, bytes, entries a model."""

    entries: int
    size: int
    models: dict[str, int]


class CacheEntry(Struct, frozen=True, kw_only=True):
    """One entry on its way from one cache to another.

    Attributes:
        created: Seconds since the epoch.
        model: Its label.
        body: The completion as JSON, its keys sorted.
    """

    key: str
    created: float
    model: str
    body: str

    def as_json(self) -> dict[str, Any]:
        """The entry as plain JSON values."""
        entry = {"key": self.key, "created": self.created, "model": self.model}
        return {**entry, "completion": json.loads(self.body)}


class CompletionCache(Protocol):
    """Completions by key; trouble with it costs the cache, not the run."""

    def ready(self) -> None:
        """Reach the cache before anything is paid for.

        Raises:
            UnavailableError: It is elsewhere, and cannot be reached.
        """
        ...

    def find_many(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The completions that are kept and fresh, by key."""
        ...

    def put(self, key: str, model: str, completion: Completion) -> None:
        """Keep a completion, under its key and with the label of its model.

        Whoever looks for it here finds it at once; others do after `write`.
        """
        ...

    def write(self) -> None:
        """Let others have what was put: one write for many costs little more than for one."""
        ...

    def stats(self) -> CacheStats:
        """What the cache holds now."""
        ...

    def clear(self, *, model: str | None = None) -> int:
        """Forget all entries, or those of one model; returns how many there were."""
        ...

    def prune(self, *, before: float | None = None, size: int | None = None) -> int:
        """Forget what is old, then the oldest of what is too much.

        Args:
            before: Forget entries made before this moment, in seconds since the epoch.
            size: Keep the newest entries whose bytes add up to no more than this.

        Returns:
            How many entries were forgotten.
        """
        ...

    def take(self, entries: Iterable[CacheEntry]) -> int:
        """Take entries of another cache; of two under one key the newer one holds.

        Returns:
            How many were taken.
        """
        ...

    def export(self) -> Iterator[CacheEntry]:
        """Every entry, in the order of the keys."""
        ...

    def close(self) -> None:
        """Write what waits, and let go of the cache."""
        ...


def cache_key(digest: str, model: Model) -> str:
    """The key of a completion: the digest of the request with its sample, and who is asked."""
    carrier = "litellm" if model.is_live else model.via  # whatever the lane
    asked = [digest, carrier, model.api_base, dict(model.options), model.script]
    return hashlib.sha256(canonical_json(asked).encode()).hexdigest()


def body_of(completion: Completion) -> str | None:
    """A completion as it is kept, its keys sorted; None when it is not plain JSON."""
    plain = completion.output is None and completion.logprobs is None
    write = sorted_json if plain else canonical_json  # what others returned may be no JSON at all
    try:
        return write(completion_to_json(completion))
    except (TypeError, ValueError, RecursionError):
        return None


def completion_of(body: str | bytes) -> Completion | None:
    """The completion of a kept body; None when it is none."""
    try:
        return completion_from_text(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def entry_from_json(value: object) -> CacheEntry:
    """Read an exported entry.

    Raises:
        ValueError: It is none; the message says what is wrong with it.
    """
    if not isinstance(value, dict) or set(value) != set(_ENTRY):
        msg = f"an entry has the keys {', '.join(_ENTRY)}"
        raise ValueError(msg)
    key, created, model, completion = (value[name] for name in _ENTRY)
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        msg = "'key' is no key of a cache"
        raise ValueError(msg)
    if isinstance(created, bool) or not isinstance(created, int | float) or not _is_moment(created):
        msg = "'created' is no moment in seconds since 1970"
        raise ValueError(msg)
    if not isinstance(model, str) or not model or escape_surrogates(model) != model:
        msg = "'model' is no text"
        raise ValueError(msg)
    read = completion_of(json.dumps(completion))
    body = body_of(read) if read is not None else None
    if body is None:
        msg = "'completion' is no completion"
        raise ValueError(msg)
    return CacheEntry(key=key, created=float(created), model=model, body=body)


def _is_moment(created: float) -> bool:
    return 0 <= created < _YEAR_10_000


class Once:
    """Says the first thing that it is told to say, and nothing after that."""

    def __init__(self, say: "Say") -> None:
        self._say = say
        self._said = False

    def __call__(self, words: str) -> None:
        """Say something, the first time."""
        if not self._said:
            self._said = True
            self._say(words)


class Say(Protocol):
    """Takes what the user should know."""

    def __call__(self, words: str, /) -> object:
        """Take it."""
        ...
