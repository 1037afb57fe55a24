"""Open the cache that a configuration names: a file of the project, or a Redis server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from llmops.domain.config import CacheConfig
from llmops.errors import UnavailableError
from llmops.running.cache.base import CompletionCache
from llmops.running.cache.redis import SharedCache
from llmops.running.cache.redis_link import USUAL_PORT, RedisServer
from llmops.running.cache.sqlite import Cache


class CacheWorld(Struct, frozen=True, kw_only=True):
    """What a cache needs of the outside.

    Attributes:
        root: The project's folder.
        environment: Where the server's password is.
        untrusted: The cache is only read, and no password is handed out.
        now: Seconds since the epoch.
        warn: Told what the user should know.
    """

    root: Path
    environment: Mapping[str, str]
    untrusted: bool
    now: Callable[[], float]
    warn: Callable[[str], None]


def open_cache(
    config: CacheConfig, world: CacheWorld, *, read_only: bool = False
) -> CompletionCache:
    """Open a cache; a server is not asked yet.

    Raises:
        UnavailableError: The variable that holds the server's password is not set.
    """
    read_only = read_only or world.untrusted
    path: Path | None = world.root / config.path
    if config.url is not None:
        if config.key is None or not world.untrusted:
            server = redis_server(config, world.environment)
            return SharedCache(
                server, now=world.now, warn=world.warn, ttl=config.ttl, read_only=read_only
            )
        world.warn(f"the cache at {config.at} is not used: an untrusted run gets no password")
        path = None
    return Cache(path, now=world.now, warn=world.warn, ttl=config.ttl, read_only=read_only)


def redis_server(config: CacheConfig, environment: Mapping[str, str]) -> RedisServer:
    """The server that a configuration names.

    Raises:
        UnavailableError: The variable that holds its password is not set.
    """
    parts = urlsplit(config.url or "")
    password = environment.get(config.key, "") if config.key is not None else None
    server = RedisServer(
        host=parts.hostname or "",
        port=parts.port or USUAL_PORT,
        database=int(parts.path.strip("/") or 0),
        tls=parts.scheme == "rediss",
        user=unquote(parts.username) if parts.username else None,
        password=password,
        at=config.at,
    )
    if password == "":
        raise UnavailableError(
            f"the variable {config.key}, which holds the password of the cache {server}, is not set",
            at=config.at,
            code="cache-unreachable",
            hint=f"export {config.key}=…",
        )
    return server
