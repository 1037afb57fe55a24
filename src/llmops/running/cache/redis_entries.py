"""A completion as one text in Redis: its checksum, when and by which model it was made, its body."""

import hashlib
import json
import math
import re

from msgspec import Struct

from llmops.running.cache.base import CacheEntry

LARGEST = 16 * 2**20
"""Bytes of the largest entry."""
HEAD = 2048
"""Bytes in which everything before the body stands."""
PATTERN = "llmops:1:*"
_NAME = re.compile(rb"llmops:1:([0-9a-f]{64})")
_CHECKSUM = 32
_LONGEST_MODEL = 150


class EntryHead(Struct, frozen=True, kw_only=True):
    """What is known of an entry without reading all of it.

    Attributes:
        created: Seconds since the epoch.
        size: Bytes of the whole value.
    """

    key: str
    created: float
    model: str
    size: int


def name_of(key: str) -> str:
    """The name of an entry in Redis."""
    return f"llmops:1:{key}"


def key_of_name(name: object) -> str | None:
    """The key of an entry by its name in Redis; None when the name is none of ours."""
    found = _NAME.fullmatch(name) if isinstance(name, bytes) else None
    return found[1].decode() if found is not None else None


def encode(entry: CacheEntry) -> bytes:
    """Write an entry as one value."""
    model = json.dumps(entry.model[:_LONGEST_MODEL])
    rest = f"{entry.created!r}\n{model}\n{entry.body}".encode()
    return f"{_checksum(entry.key, rest)}\n".encode() + rest


def decode(key: str, value: object) -> CacheEntry | None:
    """Read a value; None when it is not one that was written under this key."""
    if not isinstance(value, bytes) or len(value) > LARGEST:
        return None
    checksum, _, rest = value.partition(b"\n")
    if checksum.decode("latin-1") != _checksum(key, rest):
        return None
    head = decode_head(key, value, len(value))
    body = rest.split(b"\n", 2)[-1]
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if head is None:
        return None
    return CacheEntry(key=key, created=head.created, model=head.model, body=text)


def decode_head(key: str, value: object, size: int) -> EntryHead | None:
    """Read the beginning of a value, without its checksum; None when it is none of ours."""
    parts = value.split(b"\n", 3) if isinstance(value, bytes) else []
    if len(parts) != 4 or len(parts[0]) != _CHECKSUM:
        return None
    try:
        created, model = float(parts[1]), json.loads(parts[2])
    except (ValueError, RecursionError):
        return None
    if not isinstance(model, str) or not math.isfinite(created):
        return None
    return EntryHead(key=key, created=created, model=model, size=size)


def _checksum(key: str, rest: bytes) -> str:
    """Of the value and of the key: a value that was moved is not taken for another's."""
    return hashlib.sha256(key.encode() + b"\n" + rest).hexdigest()[:_CHECKSUM]
