import hashlib
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.errors import InvalidInputError, UnavailableError
from llmops.location import Location
from llmops.running.cache.base import CacheEntry, body_of
from llmops.running.cache.redis import SharedCache
from llmops.running.cache.redis_entries import LARGEST, decode, encode, name_of
from llmops.running.cache.redis_link import RedisLink, RedisServer, _Meter
from llmops.running.cache.sqlite import Cache
from loopback import nobody_at
from redis_server import (
    MISSING,
    PROGRAM,
    Server,
    counting_relay,
    loopback,
    redis_server,
)

needs_redis = pytest.mark.skipif(PROGRAM is None, reason=MISSING)
NOW = 1_800_000_000.0
AT = Location("llmops.yaml", 3, 8)
ANSWER = Completion(
    text="a\0b\ud800 𝄞\n",
    tool_calls=(ToolCall(name="f", arguments="{"),),
    usage=Usage(input=3, output=4, source="provider"),
    cost=0.25,
)


def key(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


class Warnings(list[str]):
    def __call__(self, words: str) -> None:
        self.append(words)


@pytest.fixture
def warned() -> Warnings:
    return Warnings()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if PROGRAM is None:
        pytest.skip(MISSING)
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> RedisServer:
    server = RedisServer(host="127.0.0.1", port=running.port, at=AT)
    said(server, "FLUSHALL")
    return server


def said(server: RedisServer, *command: object) -> object:
    """What a server answers to one command."""
    link = RedisLink(server)
    answer = link.run([command])[0]
    link.close()
    return answer


@pytest.fixture
def cache_at(warned: Warnings) -> Iterator[Callable[..., SharedCache]]:
    opened: list[SharedCache] = []

    def make(server: RedisServer, *, now: float = NOW, **settings) -> SharedCache:
        opened.append(SharedCache(server, now=lambda: now, warn=warned, **settings))
        return opened[-1]

    yield make
    for cache in opened:
        cache.close()


@pytest.fixture
def fill(cache_at: Callable[..., SharedCache]) -> Callable[..., None]:
    def put(
        server: RedisServer, *names: str, now: float = NOW, model: str = "fast", **settings
    ) -> None:
        cache = cache_at(server, now=now, **settings)
        for name in names or ("k",):
            cache.put(key(name), model, ANSWER)
        cache.close()

    return put


def test_an_answer_comes_back_as_it_was(server, fill, cache_at, warned) -> None:
    fill(server)

    found = cache_at(server).find_many([key("k"), key("unknown")])

    assert found == {key("k"): ANSWER}
    assert warned == []


def test_an_answer_is_found_by_whoever_kept_it_before_it_has_arrived(server, cache_at) -> None:
    cache = cache_at(server)

    cache.put(key("k"), "fast", ANSWER)

    assert cache.find_many([key("k")]) == {key("k"): ANSWER}


def test_ten_thousand_look_ups_take_few_round_trips(server, cache_at) -> None:
    keys = [key(number) for number in range(10_000)]
    filling = cache_at(server)
    for one in keys:
        filling.put(one, "fast", ANSWER)
    filling.close()

    with counting_relay(server.port) as (relay, turns):
        cache = cache_at(RedisServer(host="127.0.0.1", port=relay.port))
        found = cache.find_many(keys)
        cache.close()

    assert found == dict.fromkeys(keys, ANSWER)
    assert len(turns) <= 500


@pytest.mark.parametrize("size", [65_000, 65_536, 70_000, 1_000_000])
def test_a_long_answer_comes_back_whole(server, cache_at, size) -> None:
    long = Completion(text="x" * size)
    cache = cache_at(server)
    cache.put(key("long"), "fast", long)
    cache.put(key("short"), "fast", ANSWER)
    cache.close()

    found = cache_at(server).find_many([key("short"), key("long")])

    assert found == {key("long"): long, key("short"): ANSWER}


def test_an_answer_that_is_too_large_or_no_json_is_not_kept_and_said_once(
    server, cache_at, warned
) -> None:
    cache = cache_at(server)

    cache.put(key("k"), "fast", Completion(text="x" * LARGEST))
    cache.put(key("k"), "fast", Completion(text="", output=float("nan")))

    assert cache.find_many([key("k")]) == {}
    assert warned == ["a completion of fast cannot be cached: it is too large"]


@pytest.mark.parametrize(("age", "found"), [(59, 1), (60, 1), (61, 0), (-1, 0)])
def test_an_entry_holds_as_long_as_it_was_told_and_none_is_of_the_future(
    server, fill, cache_at, warned, age, found
) -> None:
    fill(server, now=NOW - age)

    cache = cache_at(server, ttl=60)

    assert len(cache.find_many([key("k")])) == found
    assert warned == []


def test_redis_itself_forgets_what_holds_for_some_time_only(server, fill) -> None:
    fill(server, "short", ttl=3600)
    fill(server, "ever")

    assert 3590 < said(server, "TTL", name_of(key("short"))) <= 3600
    assert said(server, "TTL", name_of(key("ever"))) == -1


def forged(change: Callable[[bytes], bytes]) -> Callable[[RedisServer], None]:
    def forge(server: RedisServer) -> None:
        value = said(server, "GET", name_of(key("bad")))
        assert isinstance(value, bytes)
        said(server, "SET", name_of(key("bad")), change(value))

    return forge


def under_another_key(server: RedisServer) -> None:
    said(server, "RENAME", name_of(key("good too")), name_of(key("bad")))


def a_list(server: RedisServer) -> None:
    said(server, "DEL", name_of(key("bad")))
    said(server, "RPUSH", name_of(key("bad")), "1", "2")


def entry_of(body: str, **changes: object) -> bytes:
    whole = {"key": key("bad"), "created": NOW, "model": "fast", "body": body, **changes}
    return encode(CacheEntry(**whole))


@pytest.mark.parametrize(
    "forge",
    [
        forged(lambda _value: b"7"),
        forged(lambda _value: b"\xff" * 100_000),
        forged(lambda value: value[:-1]),
        forged(lambda value: value.replace(b"fast", b"slow")),
        forged(lambda value: value.replace(b"\n", b" ")),
        forged(lambda _value: b"x" * (LARGEST + 10)),
        forged(lambda _value: entry_of('{"text": 3}')),
        forged(lambda _value: entry_of("[" * 100_000)),
        forged(lambda _value: entry_of("{", created=float("nan"))),
        forged(lambda _value: entry_of("{}", created=float("inf"))),
        under_another_key,
        a_list,
    ],
)
def test_a_wrong_value_is_a_miss_that_is_said_once_and_spares_the_others(
    server, fill, cache_at, warned, forge
) -> None:
    fill(server, "bad", "good", "good too")
    forge(server)

    cache = cache_at(server)
    found = [cache.find_many([key("bad"), key("good")]) for _ in range(2)]
    exported = [entry.key for entry in cache.export()]
    stats = cache.stats()

    assert found == [{key("good"): ANSWER}] * 2
    assert key("good") in exported
    assert stats.entries >= 2
    assert warned == ["a damaged entry of the cache is not used"]
    cache.put(key("bad"), "fast", ANSWER)
    cache.close()
    assert cache_at(server).find_many([key("bad")]) == {key("bad"): ANSWER}


def test_a_value_that_is_no_utf8_or_has_no_number_is_none() -> None:
    rest = b'1.0\n"m"\n\xff'
    for wrong in (rest, rest.replace(b"1.0", b"x"), rest.replace(b'"m"', b"7")):
        checksum = hashlib.sha256(b"k\n" + wrong).hexdigest()[:32].encode()
        assert decode("k", checksum + b"\n" + wrong) is None


def test_a_read_only_cache_is_read_and_never_written(server, fill, cache_at, warned) -> None:
    fill(server)
    cache = cache_at(server, read_only=True)

    cache.put(key("new"), "fast", ANSWER)

    assert cache.find_many([key("k"), key("new")]) == {key("k"): ANSWER}
    assert (cache.clear(), cache.prune(before=NOW + 1), cache.take([])) == (0, 0, 0)
    assert cache.stats().entries == 1
    assert said(server, "DBSIZE") == 1
    assert warned == []


def test_what_is_kept_is_counted_and_forgotten_a_model(server, fill, cache_at) -> None:
    fill(server, "a", "b")
    fill(server, "c", model="𝄞" * 500)
    said(server, "SET", "somebody else's", "1")
    said(server, "SET", "llmops:1:other", "1")

    cache = cache_at(server)
    stats = cache.stats()
    gone = cache.clear(model="fast")

    assert (stats.entries, stats.models) == (3, {"fast": 2, "𝄞" * 150: 1})
    assert stats.size > 300
    assert gone == 2
    assert (cache.clear(), cache.clear()) == (1, 0)
    assert said(server, "DBSIZE") == 2


@pytest.fixture(params=["file", "redis"])
def anywhere(request, warned, tmp_path) -> Iterator[Callable[..., Cache | SharedCache]]:
    """Make caches of one place: a file, or a server."""
    server = request.getfixturevalue("server") if request.param == "redis" else None
    opened: list[Cache | SharedCache] = []

    def make(now: float = NOW, name: str = "cache.db") -> Cache | SharedCache:
        if server is None:
            opened.append(Cache(tmp_path / name, now=lambda: now, warn=warned))
        else:
            opened.append(SharedCache(server, now=lambda: now, warn=warned))
        return opened[-1]

    yield make
    for cache in opened:
        cache.close()


def aged(make: Callable[..., Cache | SharedCache]) -> Cache | SharedCache:
    """A cache of ten entries, a second between them, each of about 1,000 bytes."""
    for number in range(10):
        cache = make(NOW + number)
        cache.put(key(number), "fast", Completion(text="x" * 800))
        cache.close()
    return make(NOW + 100)


def left(cache: Cache | SharedCache) -> list[int]:
    found = cache.find_many([key(number) for number in range(10)])
    return [number for number in range(10) if key(number) in found]


def test_what_is_old_is_pruned(anywhere) -> None:
    cache = aged(anywhere)

    gone = cache.prune(before=NOW + 4)

    assert gone == 4
    assert left(cache) == [4, 5, 6, 7, 8, 9]
    assert cache.prune(before=NOW + 4) == cache.prune() == 0


def test_the_newest_that_fit_stay(anywhere) -> None:
    cache = aged(anywhere)

    gone = cache.prune(size=3200)

    assert gone == 7
    assert left(cache) == [7, 8, 9]
    assert (cache.prune(size=3200), cache.prune(size=0), left(cache)) == (0, 3, [])


def test_of_two_entries_under_one_key_the_newer_one_is_taken(anywhere) -> None:
    cache = anywhere()
    cache.put(key("old"), "fast", Completion(text="here"))
    cache.put(key("new"), "fast", Completion(text="here"))
    cache.close()
    coming = [
        CacheEntry(
            key=key(name), created=NOW + age, model="m", body=body_of(Completion(text="came"))
        )
        for name, age in (("old", 1), ("new", -1), ("other", -5))
    ]

    cache = anywhere(NOW + 10)
    taken = cache.take(coming)

    found = cache.find_many([key(name) for name in ("old", "new", "other")])
    assert taken == 2
    assert [found[key(name)].text for name in ("old", "new", "other")] == ["came", "here", "came"]
    assert cache.take(coming) == 0


def test_an_export_of_one_cache_is_an_import_of_the_other(
    server, cache_at, tmp_path, warned
) -> None:
    with closing(Cache(tmp_path / "c.db", now=lambda: NOW, warn=warned)) as file:
        for number in range(1100):
            file.put(key(number), "fast", ANSWER)
        shared = cache_at(server)
        taken = shared.take(file.export())
        back = list(shared.export())

        assert taken == 1100
        assert back == list(file.export())


def test_of_what_is_taken_redis_forgets_at_its_time(server, cache_at) -> None:
    entry = CacheEntry(key=key("k"), created=NOW - 50, model="m", body=body_of(ANSWER))

    cache_at(server, ttl=60).take([entry])

    assert 5 < said(server, "TTL", name_of(key("k"))) <= 10


def test_many_writers_at_once_lose_nothing(server, cache_at) -> None:
    caches = [cache_at(server) for _ in range(4)]

    def write(number: int) -> None:
        for entry in range(150):
            caches[number].put(key(f"{number} {entry}"), "fast", ANSWER)
        caches[number].close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cache_at(server).stats().entries == 600


def complaint(cache: SharedCache) -> str:
    with pytest.raises(UnavailableError) as raised:
        cache.find_many([key("k")])
    with pytest.raises(UnavailableError) as again:
        cache.put(key("k"), "fast", ANSWER)
    for error in (raised, again):
        assert str(error.value).startswith(f"{AT}: the cache ")
    return str(raised.value)


def test_a_server_that_is_not_there_is_said_where_it_is_named(cache_at, warned) -> None:
    with nobody_at() as port:
        nobody = RedisServer(host="127.0.0.1", port=port, at=AT, password="hush-hush")
        words = complaint(cache_at(nobody))

    assert words.startswith(f"llmops.yaml:3:8: the cache {nobody} cannot be reached: ")
    assert "refused" in words
    assert "hush" not in words + repr(nobody)
    assert warned == []


def hang(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"+")
        time.sleep(0.02)


def speak_http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def hang_up(connection: socket.socket) -> None:
    connection.recv(1)


def promise_much(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"$99999999999\r\n")
    while True:
        connection.sendall(b"x" * 2**20)


def nest(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"*1\r\n" * 100_000 + b":1\r\n")
    hang(connection)


@pytest.mark.parametrize("serve", [hang, drip, speak_http, hang_up, promise_much, nest])
def test_a_server_that_does_not_speak_redis_is_a_complaint_in_time(cache_at, warned, serve) -> None:
    with loopback(serve) as found:
        server = RedisServer(host="127.0.0.1", port=found.port, at=AT, patience=0.2)
        words = complaint(cache_at(server))

    assert "llmops.yaml:3:8: the cache" in words
    assert "cannot be reached" in words
    assert warned == []


@needs_redis
@pytest.mark.parametrize("password", [None, "wrong-password"])
def test_a_refused_login_is_said_and_the_password_is_not(tmp_path, cache_at, password) -> None:
    with redis_server(tmp_path, "--requirepass", "right-password") as running:
        server = RedisServer(host="127.0.0.1", port=running.port, at=AT, password=password)
        right = RedisServer(host="127.0.0.1", port=running.port, password="right-password")

        words = complaint(cache_at(server))
        cache_at(right).ready()

    assert "refuses the login" in words
    assert "'key:'" in words
    assert "right-password" not in words
    assert "wrong-password" not in words


def test_a_database_that_the_server_does_not_have_is_a_complaint(server, cache_at) -> None:
    far = RedisServer(host="127.0.0.1", port=server.port, database=9999, at=AT)

    assert "out of range" in complaint(cache_at(far))


@needs_redis
def test_a_server_lost_on_the_way_costs_the_cache_and_one_warning(
    tmp_path, fill, cache_at, warned
) -> None:
    with redis_server(tmp_path) as running:
        server = RedisServer(host="127.0.0.1", port=running.port, patience=30)
        fill(server)
        cache = cache_at(server)
        assert cache.find_many([key("k")])
        running.stop()

        for _ in range(3):
            cache.find_many([key("k")])
            cache.put(key("new"), "fast", ANSWER)
        found = cache.find_many([key("k")])
        cache.close()

    assert found == {}
    assert len(warned) == 1
    assert f"the cache redis://127.0.0.1:{running.port}/0 is lost (" in warned[0]
    assert warned[0].endswith("going on without")


@needs_redis
def test_a_server_lost_between_writes_is_said_at_the_end(tmp_path, cache_at, warned) -> None:
    with redis_server(tmp_path) as running:
        cache = cache_at(RedisServer(host="127.0.0.1", port=running.port, patience=30))
        cache.ready()
        running.stop()
        cache.put(key("k"), "fast", ANSWER)
        cache.close()

    assert len(warned) == 1


def test_a_full_server_is_read_and_said_once(server, fill, cache_at, warned) -> None:
    fill(server)
    said(server, "CONFIG", "SET", "maxmemory", "1")
    cache = cache_at(server)

    for name in ("a", "b"):
        cache.put(key(name), "fast", ANSWER)
    cache.close()
    cache.put(key("c"), "fast", ANSWER)
    again = cache_at(server)
    found = again.find_many([key("k"), key("a")])
    with pytest.raises(UnavailableError, match="refuses"):
        again.take([CacheEntry(key=key("x"), created=1.0, model="m", body=body_of(ANSWER))])
    said(server, "CONFIG", "SET", "maxmemory", "0")

    assert found == {key("k"): ANSWER}
    assert len(warned) == 1
    assert "takes nothing" in warned[0]
    assert "it is only read" in warned[0]


def test_a_user_who_may_read_nothing_costs_the_cache_and_one_warning(
    server, fill, cache_at, warned
) -> None:
    fill(server)
    said(server, "ACL", "SETUSER", "guest", "on", ">guest-password", "+ping", "+select", "~*")
    guest = RedisServer(
        host="127.0.0.1", port=server.port, user="guest", password="guest-password", at=AT
    )
    cache = cache_at(guest)

    assert cache.find_many([key("k")]) == cache.find_many([key("k")]) == {}
    assert len(warned) == 1
    assert "is lost" in warned[0]
    with pytest.raises(UnavailableError, match="refuses"):
        cache_at(guest).stats()
    said(server, "ACL", "DELUSER", "guest")


@needs_redis
def test_upkeep_of_a_lost_server_is_an_error(tmp_path, cache_at) -> None:
    with redis_server(tmp_path) as running:
        cache = cache_at(RedisServer(host="127.0.0.1", port=running.port, patience=30, at=AT))
        cache.ready()
        running.stop()

        for upkeep in (
            cache.stats,
            cache.clear,
            lambda: cache.prune(size=0),
            lambda: list(cache.export()),
        ):
            with pytest.raises(UnavailableError, match=re.escape(str(AT))):
                upkeep()


def test_a_server_is_shown_without_its_login() -> None:
    server = RedisServer(host="::1", port=1, database=2, tls=True, user="u", password="hush-hush")

    assert str(server) == "rediss://[::1]:1/2"
    assert "hush" not in repr(server)


def test_no_thread_is_left_behind(server, cache_at) -> None:
    cache = cache_at(server)
    cache.put(key("k"), "fast", ANSWER)

    cache.close()

    assert "llmops cache" not in [thread.name for thread in threading.enumerate()]


def test_without_the_extra_it_says_what_to_install(
    cache_at, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    cache = cache_at(RedisServer(host="c.example", at=AT))

    with pytest.raises(InvalidInputError) as raised:
        cache.ready()

    assert "llmops.yaml:3:8: the cache redis://c.example:6379/0 needs the extra" in str(
        raised.value
    )
    assert "pip install 'llmops[redis]'" in str(raised.value)


def test_whoever_may_only_read_forgets_nothing(server, fill, cache_at) -> None:
    fill(server)
    rights = ("+ping", "+select", "+scan", "+getrange", "+strlen", "~*")
    said(server, "ACL", "SETUSER", "reader", "on", ">reader-password", *rights)
    reader = RedisServer(
        host="127.0.0.1", port=server.port, user="reader", password="reader-password", at=AT
    )
    cache = cache_at(reader)

    for upkeep in (cache.clear, lambda: cache.prune(size=0)):
        with pytest.raises(UnavailableError, match="refuses"):
            upkeep()

    assert cache.find_many([key("k")]) == {key("k"): ANSWER}
    assert cache.stats().entries == 1
    said(server, "ACL", "DELUSER", "reader")


def test_a_server_that_lists_nonsense_is_a_complaint(cache_at) -> None:
    def serve(connection: socket.socket) -> None:
        while asked := connection.recv(4096):
            connection.sendall(b"+PONG\r\n" if b"PING" in asked else b"*1\r\n:1\r\n")

    with loopback(serve) as found:
        server = RedisServer(host="127.0.0.1", port=found.port, at=AT, patience=30)
        with pytest.raises(UnavailableError, match="refuses"):
            cache_at(server).stats()


def test_what_is_read_into_a_buffer_has_an_end_too() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"x" * 100)
        meter = _Meter(here, 1.0)
        buffer = bytearray(60)

        assert meter.recv_into(buffer) == 60
        meter._left = 10
        with pytest.raises(OSError, match="more than"):
            meter.recv_into(buffer)
