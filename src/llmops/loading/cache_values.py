"""Where `cache:` may point: a file of the project, or a Redis server whose password stands elsewhere."""

import re
from dataclasses import replace
from urllib.parse import SplitResult, unquote, urlsplit

from llmops.domain.config import CacheConfig
from llmops.domain.node import Node, Text
from llmops.loading.readers import MISSING, Faults, expected, refuse
from llmops.loading.value_checks import looks_secret

_SCHEMES = ("redis", "rediss")
_DATABASE = re.compile(r"/?|/\d{1,5}")
_EXAMPLE = "write one such as redis://cache.example:6379/0"


def cache_url(url: str, node: Node, faults: Faults) -> object:
    """Check the address of a Redis server. One with a password is not shown."""
    parts = _split(url)
    user = unquote(parts.username or "") if parts is not None else ""
    if ("@" in url and (parts is None or parts.password is not None)) or looks_secret(user):
        hint = "keep it in an environment variable: 'cache: {url: redis://…, key: NAME}'"
        message = "the address of the cache holds a password"
        return refuse(node, "secret-in-file", message, faults, hint)
    if parts is None or parts.scheme not in _SCHEMES or not parts.hostname:
        if "@" in url:
            message = "the address of the cache is none of Redis"
        else:
            message = f"'{url}' is no address of a Redis server"
        return refuse(node, "cache-url", message, faults, _EXAMPLE)
    if parts.query or parts.fragment or not _DATABASE.fullmatch(parts.path):
        message = "the address of the cache has more than a host, a port and a database's number"
        return refuse(node, "cache-url", message, faults, _EXAMPLE)
    return url


def cache_place(value: CacheConfig | Text, node: Node, faults: Faults) -> object:
    """Read the short form, and check that the keys of the long one go together."""
    if isinstance(value, Text):
        return _short(value, node, faults)
    path, key = node.get("path"), node.get("key")
    if value.url is not None and path is not None:
        message = "'path' means nothing beside 'url'"
        return refuse(path, "unused-key", message, faults, "leave one of them out")
    if value.url is None and key is not None:
        message = "'key' means nothing without 'url'"
        return refuse(key, "unused-key", message, faults, "add 'url: redis://…', or leave it out")
    return replace(value, at=(node.get("url") or node).at)


def _short(url: Text, node: Node, faults: Faults) -> object:
    if node.kind != "text":
        hint = "write 'cache: {ttl: 30d}', or the address of a Redis server"
        return expected(node, "a mapping with path, url, key, ttl", faults, hint)
    if cache_url(url.text, node, faults) is MISSING:
        return MISSING
    return CacheConfig(url=url.text, at=node.at)


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None when it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and not re.search(r"[\s\x00-\x1f]", url)
    except ValueError:
        return None
    return parts if usable else None
