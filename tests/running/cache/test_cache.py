import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.config import Model
from llmops.running.cache.base import cache_key
from llmops.running.cache.sqlite import Cache, _checksum
from llmops.running.sources import question

NOW = 1_800_000_000.0
MODEL = Model(label="fast", name="openai/fast")
ANSWER = Completion(
    text="a\0b\ud800 𝄞",
    tool_calls=(ToolCall(name="f", arguments="{"),),
    usage=Usage(input=3, output=4, source="provider"),
    cost=0.25,
    latency=1.5,
)
CHILD = """
import sys, time
from pathlib import Path
from llmops.domain.completion import Completion
from llmops.running.cache.sqlite import Cache

path, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sys.stdin.readline()
cache = Cache(path, now=lambda: 1e9, warn=lambda words: print("warned", words))
for number in range(times):
    cache.put(f"{name} {number}", "fast", Completion(text=f"{name} {number}"))
    found = cache.find_many([f"{name} {number}"])
    assert found, "lost"
cache.close()
"""


class Warnings(list[str]):
    def __call__(self, words: str) -> None:
        self.append(words)


@pytest.fixture
def warned() -> Warnings:
    return Warnings()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder with a ?" / "cache.db"


def cache_at(path: Path | None, warned: Warnings, *, now: float = NOW, **settings) -> Cache:
    return Cache(path, now=lambda: now, warn=warned, **settings)


def filled(path: Path, warned: Warnings, *keys: str, now: float = NOW) -> None:
    cache = cache_at(path, warned, now=now)
    for key in keys or ("k",):
        cache.put(key, "fast", ANSWER)
    cache.close()


def change(path: Path, statement: str, *arguments: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, arguments)
    connection.close()


def test_an_answer_comes_back_as_it_was(path, warned) -> None:
    filled(path, warned)

    cache = cache_at(path, warned)

    assert cache.find_many(["k", "unknown"]) == {"k": ANSWER}
    cache.close()
    assert warned == []


def test_many_answers_are_found_at_once(path, warned) -> None:
    keys = [f"key {number}" for number in range(1201)]
    filled(path, warned, *keys)

    cache = cache_at(path, warned)

    assert cache.find_many([*keys, "unknown"]) == dict.fromkeys(keys, ANSWER)
    assert cache.find_many([]) == {}
    cache.close()


def test_a_newer_answer_takes_the_place_of_an_older_one(path, warned) -> None:
    filled(path, warned)
    cache = cache_at(path, warned)

    cache.put("k", "fast", Completion(text="new"))

    assert cache.find_many(["k"])["k"].text == "new"
    assert cache.stats().entries == 1
    cache.close()


def test_a_cache_of_no_file_keeps_nothing(warned) -> None:
    cache = cache_at(None, warned)

    cache.put("k", "fast", ANSWER)

    assert cache.find_many(["k"]) == {}
    assert cache.stats().entries == cache.stats().size == cache.clear() == 0
    assert list(cache.export()) == []
    cache.close()


def test_the_cache_is_for_its_owner_alone(path, warned) -> None:
    cache = cache_at(path, warned)
    cache.put("k", "fast", ANSWER)

    modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    cache.close()

    assert modes == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_entry_of_the_future_is_a_miss(path, warned) -> None:
    filled(path, warned, now=NOW + 1)

    cache = cache_at(path, warned)

    assert cache.find_many(["k"]) == {}
    assert warned == []
    cache.close()


@pytest.mark.parametrize(("age", "found"), [(59, 1), (60, 1), (61, 0)])
def test_an_entry_holds_as_long_as_it_was_told(path, warned, age, found) -> None:
    filled(path, warned, now=NOW - age)

    cache = cache_at(path, warned, ttl=60)

    assert len(cache.find_many(["k"])) == found
    cache.close()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE completions SET body = ? WHERE key = 'bad'", '{"text": "forged"}'),
        ("UPDATE completions SET body = ? WHERE key = 'bad'", b"\xff\xfe\x00"),
        ("UPDATE completions SET body = CAST(? AS TEXT) WHERE key = 'bad'", b'{"text":"\xff"}'),
        ("UPDATE completions SET body = ? WHERE key = 'bad'", 7),
        ("UPDATE completions SET checksum = ? WHERE key = 'bad'", "0" * 32),
        ("UPDATE completions SET created = ? WHERE key = 'bad'", "yesterday"),
        ("UPDATE completions SET created = ? WHERE key = 'bad'", b"\x00"),
    ],
)
def test_a_damaged_row_is_a_miss_with_one_warning_and_spares_the_others(
    path, warned, statement, value
) -> None:
    filled(path, warned, "bad", "good", "worse")
    change(path, statement, value)
    change(path, "UPDATE completions SET checksum = 'x' WHERE key = 'worse'")

    cache = cache_at(path, warned)
    found = [cache.find_many(["bad", "good", "worse"]) for _ in range(3)]
    exported = [entry.key for entry in cache.export()]
    cache.put("bad", "fast", ANSWER)

    assert found == [{"good": ANSWER}] * 3
    assert "good" in exported
    assert "worse" not in exported
    assert warned == ["a damaged entry of the cache is not used"]
    assert set(cache.find_many(["bad", "good"])) == {"bad", "good"}
    cache.close()


@pytest.mark.parametrize("body", ['{"words": 1}', "[]", "7", '{"text": 3}', "[" * 100_000, "{"])
def test_a_row_with_a_right_checksum_and_wrong_words_is_a_miss(path, warned, body) -> None:
    filled(path, warned)
    change(path, "UPDATE completions SET body = ?, checksum = ?", body, _checksum(body))
    cache = cache_at(path, warned)

    assert cache.find_many(["k"]) == {}
    assert len(warned) == 1
    cache.close()


def test_an_answer_that_is_not_json_is_not_kept_and_said_once(path, warned) -> None:
    cache = cache_at(path, warned)
    nested: list[object] = []
    for _ in range(100_000):  # newer Pythons write 5,000 too
        nested = [nested]

    for output in (float("nan"), {1, 2}, nested):
        cache.put("k", "fast", Completion(text="", output=output))

    assert cache.find_many(["k"]) == {}
    assert warned == ["a completion of fast cannot be cached: it is not plain JSON"]
    cache.close()


def use(cache: Cache) -> None:
    """Everything a run asks of a cache, twice."""
    for _ in range(2):
        cache.put("k", "fast", ANSWER)
        assert cache.find_many(["k"]) == {}
        assert cache.stats().entries == 0
        assert cache.clear() == 0
        assert list(cache.export()) == []
    cache.close()


def test_a_file_that_is_no_database_costs_the_cache_and_one_warning(path, warned) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 100)
    before = path.read_bytes()

    use(cache_at(path, warned))

    assert len(warned) == 1
    assert "not a database" in warned[0]
    assert path.read_bytes() == before


def test_a_database_that_was_cut_short_costs_the_cache_and_one_warning(path, warned) -> None:
    filled(path, warned, *[f"key {number}" for number in range(500)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + os.urandom(5000))

    cache = cache_at(path, warned)
    for _ in range(2):
        cache.find_many([f"key {number}" for number in range(500)])
        cache.put("k", "fast", ANSWER)
        cache.stats()
    cache.close()

    assert len(warned) == 1


@pytest.mark.parametrize("where", ["file/cache.db", "folder"])
def test_a_place_where_no_file_can_be_costs_the_cache_and_one_warning(
    tmp_path, warned, where
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()

    cache = cache_at(tmp_path / where, warned)
    cache.put("k", "fast", ANSWER)

    assert cache.find_many(["k"]) == {}
    assert cache.clear() == cache.stats().entries == 0
    cache.close()
    assert len(warned) == 1


@pytest.mark.parametrize("read_only", [False, True])
def test_a_cache_of_another_llmops_is_left_alone(path, warned, read_only) -> None:
    filled(path, warned)
    change(path, "PRAGMA user_version=99")
    before = path.read_bytes()

    use(cache_at(path, warned, read_only=read_only))

    assert warned == [f"the cache {path} is of another version of llmops; going on without"]
    assert path.read_bytes() == before


def test_a_read_only_cache_is_read_and_nothing_is_written_beside_it(path, warned) -> None:
    filled(path, warned)
    before = path.read_bytes()

    cache = cache_at(path, warned, read_only=True)
    cache.put("new", "fast", ANSWER)

    assert cache.find_many(["k", "new"]) == {"k": ANSWER}
    assert cache.clear() == 0
    assert cache.stats().entries == 1
    cache.close()
    assert [file.name for file in path.parent.iterdir()] == ["cache.db"]
    assert path.read_bytes() == before
    assert warned == []


def test_a_read_only_cache_sees_what_another_process_is_writing(path, warned) -> None:
    writer = cache_at(path, warned)
    writer.put("k", "fast", ANSWER)
    writer.write()

    reader = cache_at(path, warned, read_only=True)

    assert reader.find_many(["k"]) == {"k": ANSWER}
    reader.close()
    writer.close()
    assert warned == []


@pytest.mark.parametrize("there", [False, True])
def test_a_read_only_cache_that_is_not_there_or_empty_is_not_made(path, warned, there) -> None:
    if there:
        path.parent.mkdir()
        path.touch()

    use(cache_at(path, warned, read_only=True))

    assert warned == []
    assert path.exists() == there
    assert not there or path.stat().st_size == 0


def test_a_table_that_is_missing_costs_the_cache_and_one_warning(path, warned) -> None:
    filled(path, warned)
    change(path, "DROP TABLE completions")

    use(cache_at(path, warned))

    assert len(warned) == 1


READ_ONLY_CHILD = """
import os, sys
import urllib.parse  # pathlib imports it late, and the Python may be in a folder of root's
from pathlib import Path
from llmops.domain.completion import Completion
from llmops.running.cache.sqlite import Cache

path = Path(sys.argv[1])
if os.getuid() == 0:
    os.seteuid(65534)
warned = []
cache = Cache(path, now=lambda: 1.9e9, warn=warned.append)
print(len(cache.find_many(["k"])))
for number in range(3):
    cache.put(f"new {number}", "fast", Completion(text=""))
print(len(cache.find_many(["k"])), len(warned), warned)
cache.close()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_cache_that_cannot_be_written_is_still_read(open_folder, warned) -> None:
    path = open_folder / "cache.db"
    filled(path, warned)
    change(path, "PRAGMA journal_mode=DELETE")
    path.chmod(0o444)
    open_folder.chmod(0o555)

    said = subprocess.run(
        [sys.executable, "-c", READ_ONLY_CHILD, str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.splitlines()  # fmt: skip

    assert said[0] == "1"
    assert said[1].startswith("1 1 ")
    assert "cannot be written" in said[1]


def test_a_cache_that_can_be_neither_written_nor_read_costs_one_warning(
    open_folder, warned
) -> None:
    path = open_folder / "cache.db"
    filled(path, warned)
    path.chmod(0o000)
    open_folder.chmod(0o555)

    said = subprocess.run(
        [sys.executable, "-c", READ_ONLY_CHILD, str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout.splitlines()  # fmt: skip

    assert said[0] == "0"
    assert said[1].startswith("0 1 ")


FULL_DISK = """
import resource, sys
from pathlib import Path
from llmops.domain.completion import Completion
from llmops.running.cache.sqlite import Cache

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
warned = []
cache = Cache(Path(sys.argv[1]), now=lambda: 1e9, warn=warned.append)
for number in range(300):
    cache.put(f"key {number:03}", "fast", Completion(text="x" * 1000))
cache.find_many([f"key {number:03}" for number in range(300)])
cache.stats()
cache.close()
print(len(warned), warned)
"""


@pytest.mark.parametrize("most", [0, 1000, 5000, 50_000, 100_000])
def test_a_full_disk_costs_the_cache_and_one_warning(path, warned, most) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(most)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert done.stdout.startswith("1 "), done.stdout
    assert done.stderr == ""
    after = cache_at(path, warned)
    after.put("later", "fast", ANSWER)
    assert after.find_many(["later"]) == {"later": ANSWER}
    after.close()


def test_processes_at_once_lose_nothing_and_have_no_trouble(path, warned) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), name, "60"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("a", "b", "c", "d")
    ]  # fmt: skip
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()

    said = [child.communicate(timeout=120) for child in children]

    assert said == [("", "")] * 4
    cache = cache_at(path, warned)
    keys = [f"{name} {number}" for name in "abcd" for number in range(60)]
    assert {key: one.text for key, one in cache.find_many(keys).items()} == {k: k for k in keys}
    cache.close()
    assert warned == []


def test_what_is_kept_is_counted_a_model(path, warned) -> None:
    cache = cache_at(path, warned)
    for key, model in (("a", "fast"), ("b", "fast"), ("c", "haiku")):
        cache.put(key, model, ANSWER)

    stats = cache.stats()
    gone = cache.clear(model="fast")

    assert (stats.entries, stats.models) == (3, {"fast": 2, "haiku": 1})
    assert stats.size > 4096
    assert (gone, cache.stats().models) == (2, {"haiku": 1})
    assert (cache.clear(), cache.clear(), cache.stats().entries) == (1, 0, 0)
    cache.close()
    assert warned == []


def test_an_export_is_every_entry_in_plain_json(path, warned) -> None:
    keys = [f"{number:04}" for number in range(501)]
    filled(path, warned, *reversed(keys))
    cache = cache_at(path, warned)

    entries = [entry.as_json() for entry in cache.export()]
    cache.close()

    assert [entry["key"] for entry in entries] == keys
    assert json.loads(json.dumps(entries[0])) == entries[0]
    assert (entries[0]["model"], entries[0]["created"]) == ("fast", NOW)
    assert entries[0]["completion"]["text"] == ANSWER.text


def test_a_key_tells_apart_who_is_asked_and_what() -> None:
    asked = Request(model="openai/fast", messages=())
    models = [
        MODEL,
        Model(label="fast", name="openai/fast", via="scripted", script="a.yaml"),
        Model(label="fast", name="openai/fast", via="scripted", script="b.yaml"),
        Model(label="fast", name="openai/fast", api_base="http://127.0.0.1"),
        Model(label="fast", name="openai/fast", options={"api_version": "1"}),
    ]

    keys = {cache_key(asked.digest(0), model) for model in models}
    keys |= {
        cache_key(asked.digest(1), MODEL),
        cache_key(Request(model="x", messages=()).digest(0), MODEL),
    }

    assert len(keys) == 7


def test_the_lane_changes_neither_a_key_nor_a_recordings_digest() -> None:
    asked = Request(model="openai/fast", messages=())
    lanes = [Model(label="fast", name="openai/fast", via=via) for via in ("direct", "litellm")]

    assert cache_key(asked.digest(0), lanes[0]) == cache_key(asked.digest(0), lanes[1])
    assert question("s", asked, 0, lanes[0]).digest == question("s", asked, 0, lanes[1]).digest


def test_limits_and_labels_do_not_change_a_key() -> None:
    asked = Request(model="openai/fast", messages=())
    other = Model(label="quick", name="openai/fast", rpm=5, timeout=1, retries=0, key="K")

    assert cache_key(asked.digest(0), MODEL) == cache_key(asked.digest(0), other)


def test_what_was_put_is_found_here_at_once_and_by_others_after_a_write(path, warned) -> None:
    here, there = cache_at(path, warned), cache_at(path, warned)

    for name in ("a", "b"):
        here.put(name, "fast", ANSWER)
    before = there.find_many(["a", "b"])
    here.write()
    after = there.find_many(["a", "b"])
    here.put("c", "fast", ANSWER)

    assert before == {}
    assert after == {"a": ANSWER, "b": ANSWER}
    assert here.find_many(["c"]) == {"c": ANSWER}
    here.close()
    there.close()
    assert warned == []


def test_closing_a_cache_writes_what_waits(path, warned) -> None:
    cache = cache_at(path, warned)

    cache.put("k", "fast", ANSWER)
    cache.close()

    again = cache_at(path, warned)
    assert again.find_many(["k"]) == {"k": ANSWER}
    again.close()
    assert warned == []


def test_very_many_completions_do_not_wait_for_a_write(path, warned) -> None:
    here, there = cache_at(path, warned), cache_at(path, warned)

    for number in range(500):
        here.put(f"{number}", "fast", ANSWER)

    assert there.stats().entries == 500
    here.close()
    there.close()
    assert warned == []
