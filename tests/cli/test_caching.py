import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slow_model import SlowModel
from small_project import Run

from llmops.domain.config import CacheConfig, Config
from llmops.running.cache.redis_link import RedisLink, RedisServer
from llmops.workflows.gating.governing import govern
from loopback import nobody_at
from redis_server import MISSING, PROGRAM, Server, redis_server

LLMOPS = Path(sys.executable).with_name("llmops")
SUITE = (
    "prompt: ask\ncases:\n"
    "  - {inputs: {number: one 1}, assert: [{contains: yes}]}\n"
    "  - {inputs: {number: two 2}, assert: [{contains: yes}]}\n"
)
ASK = "model: slow\ninputs: {number: {type: string}}\nuser: 'Question {{ number }}'\n"


@pytest.fixture
def model() -> Iterator[SlowModel]:
    slow = SlowModel(0)
    yield slow
    slow.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if PROGRAM is None:
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("redis")
    with redis_server(folder, "--requirepass", "hush-hush-42") as running:
        yield running


@pytest.fixture
def link(server: Server) -> Iterator[RedisLink]:
    link = RedisLink(RedisServer(host="127.0.0.1", port=server.port, password="hush-hush-42"))
    link.run([("FLUSHALL",)])
    yield link
    link.close()


def lay_out(folder: Path, base: str, cache: str = "", **files: str) -> Path:
    named = {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    whole = {
        "llmops.yaml": f"models: {{slow: {{model: openai/slow, api_base: '{base}'}}}}\n{cache}",
        "prompts/ask.yaml": ASK,
        "suites/ask.yaml": SUITE,
        **named,
    }
    for name, text in whole.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, model: SlowModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = lay_out(tmp_path / "here", model.base)
    monkeypatch.chdir(folder)
    return folder


def counted(text: str) -> dict[str, int]:
    return json.loads(text)["verdict"]["totals"]


@pytest.mark.usefixtures("here")
def test_a_cache_says_what_it_holds_and_how_often_it_helped(run: Run) -> None:
    nothing = json.loads(run("cache", "--json").out)
    run("test")
    first = json.loads(run("cache", "--json").out)
    run("test")
    second = json.loads(run("cache", "--json").out)
    shown = run("cache")

    assert (nothing["entries"], nothing["hit_rate"]) == (0, None)
    assert (first["entries"], first["models"], first["hit_rate"]) == (2, {"slow": 2}, 0.0)
    assert second["hit_rate"] == 1.0
    assert "2 entries" in shown.err
    assert "it answered 100% of what the newest run asked for" in shown.err


def test_what_was_exported_can_be_imported(run: Run, here: Path, model: SlowModel) -> None:
    run("test")
    (here / "kept.jsonl").write_text(run("cache", "--export").out + "\n", encoding="utf-8")

    cleared = run("cache", "--clear", "--json")
    taken = run("cache", "--import", "kept.jsonl", "--json")
    again = run("cache", "--import", "kept.jsonl")
    tested = run("test", "--json")

    assert json.loads(cleared.out) == {"forgotten": 2}
    assert json.loads(taken.out) == {"taken": 2}
    assert "took 0 entries" in again.err
    assert counted(tested.out)["cached"] == 2
    assert model.requests == 2


def test_an_import_takes_nothing_when_a_line_is_wrong(run: Run, here: Path) -> None:
    run("test")
    whole = run("cache", "--export").out
    entry = json.loads(whole.splitlines()[0])
    run("cache", "--clear")
    wrong = [
        "{",
        "[]",
        '{"key": "x"}',
        json.dumps({**entry, "key": "short"}),
        json.dumps({**entry, "created": True}),
        json.dumps({**entry, "created": -1}),
        json.dumps({**entry, "created": 10**400}),
        json.dumps({**entry, "created": float("nan")}),
        json.dumps({**entry, "model": "\ud800"}),
        json.dumps({**entry, "completion": {"text": "Hello.", "cost": "free"}}),
        json.dumps({**entry, "model": ""}),
        json.dumps({**entry, "completion": {"text": 3}}),
        "[" * 100_000,
    ]
    (here / "kept.jsonl").write_text(whole + "\n" + "\n".join(wrong), encoding="utf-8")

    done = run("cache", "--import", "kept.jsonl")

    assert done.code == 2
    lines = [int(line) for line in re.findall(r"kept\.jsonl:(\d+)", done.err)]
    assert lines == list(range(4, 17))
    assert "[cache-entry]" in done.err
    assert json.loads(run("cache", "--json").out)["entries"] == 0


def test_an_import_shows_twenty_faults_at_most_and_needs_a_file(run: Run, here: Path) -> None:
    (here / "kept.jsonl").write_text("{\n" * 50, encoding="utf-8")

    assert run("cache", "--import", "kept.jsonl").err.count("[cache-entry]") == 20
    gone = run("cache", "--import", "gone.jsonl")
    assert gone.code == 2
    assert "the file 'gone.jsonl' cannot be read" in gone.err


@pytest.mark.usefixtures("here")
def test_a_pipe_that_can_be_read_once_is_not_taken_for_an_empty_file(run: Run, here: Path) -> None:
    os.mkfifo(here / "pipe")

    done = run("cache", "--import", "pipe")

    assert done.code == 2
    assert "[not-a-file]" in done.err


def test_a_file_that_is_no_cache_is_neither_empty_nor_well(run: Run, here: Path) -> None:
    run("test")
    (here / ".llmops/cache.db").write_bytes(b"no database, whatever the name of the file says")

    shown, counts, exported = run("cache"), run("cache", "--json"), run("cache", "--export")
    doctor = json.loads(run("doctor", "--json").out)

    assert [done.code for done in (shown, counts, exported)] == [3, 3, 3]
    assert "the cache is empty" not in shown.out + shown.err
    assert (counts.out, exported.out) == ("", "")
    said = next(check for check in doctor if check["name"] == "cache")
    assert said["state"] == "warning"
    assert "file is not a database" in said["words"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE completions SET checksum = 'x' WHERE body LIKE '%one 1%'",
        "UPDATE completions SET body = '{', checksum = '021fb596db81e6d02bf3d2586ee3981f' "
        "WHERE body LIKE '%one 1%'",
    ],
)
def test_an_export_that_leaves_out_what_is_damaged_says_so(run: Run, here: Path, change) -> None:
    run("test")
    with closing(sqlite3.connect(here / ".llmops/cache.db")) as file:
        file.execute(change)
        file.commit()

    done = run("cache", "--export")

    assert done.code == 3
    assert len(done.out.splitlines()) == 1
    assert "a damaged entry of the cache" in done.err


@pytest.mark.usefixtures("here")
def test_what_is_old_or_too_much_is_pruned(run: Run) -> None:
    run("test")

    nothing = run("cache", "--prune", "--older-than", "1h", "--max-size", "1MB")
    too_much = run("cache", "--prune", "--max-size", "0.4 kB")
    old = run("cache", "--prune", "--older-than", "0s", "--json")

    assert "forgot 0 entries" in nothing.err
    assert "forgot 1 entry" in too_much.err
    assert json.loads(old.out) == {"forgotten": 1}


def test_what_outlived_the_projects_time_is_pruned_without_being_told(
    run: Run, here: Path, model: SlowModel
) -> None:
    run("test")
    unknown = run("cache", "--prune")
    lay_out(here, model.base, "cache: {ttl: 0s}\n")

    known = run("cache", "--prune")

    assert (unknown.code, known.code) == (2, 0)
    assert "nothing says what is too old" in unknown.err
    assert "forgot 2 entries" in known.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--clear", "--export"),
        ("--prune", "--clear"),
        ("--import", "x", "--export"),
        ("--model", "slow"),
        ("--older-than", "1d"),
        ("--prune", "--older-than", "soon"),
        ("--prune", "--max-size", "big"),
    ],
)
@pytest.mark.usefixtures("here")
def test_options_that_mean_nothing_together_are_refused(run: Run, arguments) -> None:
    done = run("cache", *arguments)

    assert done.code == 2
    assert "[usage]" in done.err


@pytest.mark.usefixtures("here")
def test_an_untrusted_run_changes_no_cache(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("test")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request_target")

    for arguments in (("--clear",), ("--prune", "--max-size", "0"), ("--import", "x.jsonl")):
        (Path.cwd() / "x.jsonl").touch()
        done = run("cache", *arguments)
        assert (done.code, "only reads the cache" in done.err) == (3, True)
    assert json.loads(run("cache", "--json").out)["entries"] == 2


def test_one_request_is_asked_once_in_a_run_however_late_it_is_needed_again(
    run: Run, here: Path, model: SlowModel
) -> None:
    lay_out(here, model.base, suites__again=SUITE, suites__once_more=SUITE)

    done = run("test", "--fresh", "--concurrency", "1", "--json")

    totals = counted(done.out)
    assert set(model.asked.values()) == {1}
    assert (totals["live"], totals["cached"]) == (2, 4)


def shared(server: Server) -> str:
    return f"cache: {{url: '{server.url}', key: LLMOPS_CACHE_PASSWORD}}\n"


def test_a_team_shares_one_cache_and_the_password_is_nowhere(
    run: Run, tmp_path: Path, model: SlowModel, server: Server, link: RedisLink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("LLMOPS_CACHE_PASSWORD", "hush-hush-42")
    ours = lay_out(tmp_path / "ours", model.base, shared(server))
    theirs = lay_out(tmp_path / "theirs", model.base, shared(server))

    monkeypatch.chdir(ours)
    first = run("test", "--json")
    monkeypatch.chdir(theirs)
    second = run("test", "--json")
    doctor = run("doctor")
    known = run("cache", "--json")

    assert counted(first.out)["live"] == counted(second.out)["cached"] == 2
    assert model.requests == 2
    assert f"{server.url} answers" in doctor.out + doctor.err
    assert json.loads(known.out)["entries"] == 2
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    said = [done.out + done.err for done in (first, second, doctor, known)]
    values = link.run([("GETRANGE", name, 0, -1) for name in link.run([("KEYS", "*")])[0]])
    assert not any(b"hush" in text for text in (*written, *values))
    assert not any("hush" in text for text in said)
    assert not (ours / ".llmops" / "cache.db").exists()


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (None, "the variable LLMOPS_CACHE_PASSWORD, which holds the password"),
        ("not-it-at-all", "refuses the login"),
    ],
)
def test_a_login_that_fails_is_said_before_anything_is_paid_for(
    run: Run, tmp_path: Path, model: SlowModel, server: Server,
    monkeypatch: pytest.MonkeyPatch, password: str | None, words: str,
) -> None:  # fmt: skip
    if password is not None:
        monkeypatch.setenv("LLMOPS_CACHE_PASSWORD", password)
    monkeypatch.chdir(lay_out(tmp_path / "ours", model.base, shared(server)))

    done = run("test")
    doctor = run("doctor")

    assert done.code == 3
    assert words in done.err
    assert re.search(r"llmops\.yaml:2:\d+: ", done.err)
    assert "[cache-unreachable]" in done.err
    assert "not-it-at-all" not in done.out + done.err
    assert words in doctor.out + doctor.err
    assert model.requests == 0


@pytest.mark.parametrize("arguments", [(), ("--fresh",), ("--replay",)])
def test_a_cache_that_is_not_there_is_said_before_anything_is_paid_for(
    run: Run, tmp_path: Path, model: SlowModel, monkeypatch: pytest.MonkeyPatch, arguments
) -> None:
    with nobody_at() as port:
        folder = lay_out(tmp_path, model.base, f"cache: redis://127.0.0.1:{port}\n")
        monkeypatch.chdir(folder)

        done = run("test", *arguments)

    assert (done.code, model.requests) == (3, 0)
    assert "llmops.yaml:2:8: the cache redis://127.0.0.1:" in done.err
    assert "[cache-unreachable]" in done.err


def test_who_needs_no_cache_needs_no_server(
    run: Run, tmp_path: Path, model: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lay_out(tmp_path, model.base))
    run("test", "--record")
    with nobody_at() as port:
        lay_out(tmp_path, model.base, f"cache: redis://127.0.0.1:{port}\n")

        done = run("test", "--json")

    assert done.code == 0
    assert counted(done.out)["recorded"] == 2


def test_an_untrusted_run_reads_an_open_cache_and_never_logs_in_to_another(
    run: Run, tmp_path: Path, model: SlowModel, server: Server, link: RedisLink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("LLMOPS_CACHE_PASSWORD", "hush-hush-42")
    monkeypatch.chdir(lay_out(tmp_path / "ours", model.base, shared(server)))

    done = run("test", "--untrusted")

    assert done.code == 0
    assert "is not used: an untrusted run gets no password" in done.err
    assert link.run([("DBSIZE",)]) == [0]

    with redis_server(tmp_path) as open_:
        lay_out(tmp_path / "ours", model.base, f"cache: {open_.url}\n")
        run("test")
        asked = model.requests
        again = run("test", "--untrusted", "--json")
        unseen = run("test", "--untrusted", "--set", "inputs.number=7")
        size = json.loads(run("cache", "--json").out)["entries"]

    assert counted(again.out)["cached"] == 2
    assert unseen.code == 0
    assert model.requests == asked + 1
    assert size == 2


def test_a_cache_lost_on_the_way_is_said_once_and_makes_nothing_green(
    run: Run, tmp_path: Path, model: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    if PROGRAM is None:
        pytest.skip(MISSING)
    rows = "number\n" + "".join(f"{number}\n" for number in range(1, 20))
    dataset = (
        "prompt: ask\ncases:\n  - dataset: rows.csv\n    id: '{{ row.number }}'\n"
        "    inputs: {number: '{{ row.number }}'}\n    assert: [{contains: yes}]\n"
    )
    with redis_server(tmp_path) as running:
        folder = lay_out(tmp_path, model.base, f"cache: {running.url}\n", suites__ask=dataset)
        (folder / "rows.csv").write_text(rows, encoding="utf-8")
        monkeypatch.chdir(folder)
        model.at(5, running.stop)

        done = run("test", "--concurrency", "1")

    assert done.code == 0
    assert done.err.count("is lost") == 1
    assert model.requests == 19
    replayed = run("test", "--replay")
    assert replayed.code == 3


def test_two_at_once_on_one_cache_lose_nothing_and_ask_no_more_than_once_each(
    run: Run, tmp_path: Path, model: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path, model.base, suites__again=SUITE)
    command = [LLMOPS, "test", "--json"]

    both = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    asked = Counter(model.asked)
    monkeypatch.chdir(folder)
    third = run("test", "--json")

    reports = [json.loads(out)["verdict"] for out, _ in said]
    assert [process.returncode for process in both] == [0, 0]
    assert [verdict["totals"]["passed"] for verdict in reports] == [4, 4]
    assert max(asked.values()) <= 2
    assert sum(verdict["totals"]["live"] for verdict in reports) == sum(asked.values())
    assert b"cache" not in said[0][1] + said[1][1]
    assert counted(third.out)["cached"] == 4
    assert model.asked == asked
    assert len(list((folder / ".llmops" / "runs").glob("*.jsonl"))) == 3


def test_a_change_that_names_another_cache_is_answered_by_the_one_of_its_base() -> None:
    base = Config(cache=CacheConfig(url="redis://ours.example"))
    change = Config(cache=CacheConfig(path="forged.db"))

    assert govern(change, base).cache == base.cache


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [LLMOPS, "test", "--concurrency", "2", "--json"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_of_two_at_once_on_one_server_one_is_killed_and_nothing_answered_is_asked_again(
    run: Run, tmp_path: Path, server: Server, link: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    del link
    rows = "number\n" + "".join(f"{number}\n" for number in range(21, 121) if number % 20)
    dataset = (
        "prompt: ask\ncases:\n  - dataset: rows.csv\n    id: '{{ row.number }}'\n"
        "    inputs: {number: '{{ row.number }}'}\n    assert: [{contains: yes}]\n"
    )
    monkeypatch.setenv("LLMOPS_CACHE_PASSWORD", "hush-hush-42")
    slow = SlowModel(0.05)
    folders = [
        lay_out(tmp_path / name, slow.base, shared(server), suites__ask=dataset)
        for name in ("first", "second")
    ]
    for folder in folders:
        (folder / "rows.csv").write_text(rows, encoding="utf-8")

    first = start(folders[0])
    slow.at(70, first.kill)
    while slow.requests < 10 and first.poll() is None:
        time.sleep(0.01)
    both = [first, start(folders[1])]
    said = [process.communicate(timeout=60) for process in both]
    asked = Counter(slow.asked)
    monkeypatch.chdir(folders[0])
    resumed = run("test", "--resume", "last", "--json")
    slow.close()

    assert [process.returncode for process in both] == [-9, 0]
    assert counted(said[1][0].decode())["passed"] == 95
    assert max(asked.values()) <= 2
    assert slow.asked == asked
    assert resumed.code == 0
    assert counted(resumed.out)["passed"] == 95
