import gzip
import json
from pathlib import Path

import pytest
from small_project import CONFIG, Commit, Project, Run

HEADER = '{"llmops": "recordings/1"}'
FILE = Path("recordings/say.jsonl")
PACKED = Path("recordings/say.jsonl.gz")


def suite(*words: str, more: str = "") -> str:
    cases = "".join(
        f"  - {{id: {word}, inputs: {{word: {word}}}, assert: [{{contains: {word}}}]}}\n"
        for word in words
    )
    return f"prompt: say\n{more}cases:\n{cases}"


def recorded(folder: Path) -> list[str]:
    text = (folder / FILE).read_text(encoding="utf-8")
    return sorted(json.loads(line)["completion"]["text"] for line in text.splitlines()[1:])


def test_what_no_case_asks_for_is_named_and_stays_until_it_is_pruned(
    project: Project, run: Run
) -> None:
    folder = project({"suites/say.yaml": suite("red", "blue")})
    run("record")
    (folder / "suites/say.yaml").write_text(suite("red", "green"), encoding="utf-8")

    named = run("record")
    kept = recorded(folder)
    pruned = run("record", "--prune")
    again = run("record", "--prune")

    assert (
        "1 recording of say that no case asks for: 'llmops record --prune' drops them" in named.err
    )
    assert "scripted/echo: Say blue." in named.err
    assert kept == ["Say blue.", "Say green.", "Say red."]
    assert "1 recording of say that no case asks for: dropped" in pruned.err
    assert recorded(folder) == ["Say green.", "Say red."]
    assert "no case asks for" not in again.err
    assert run("test", "--replay").code == 0


def test_many_stale_recordings_are_counted_and_long_ones_cut(project: Project, run: Run) -> None:
    words = [f"{'long-' * 20}{number}" for number in range(12)]
    folder = project({"suites/say.yaml": suite("red", *words)})
    run("record")
    (folder / "suites/say.yaml").write_text(suite("red"), encoding="utf-8")

    done = run("record")

    assert done.err.count("Say long-") == 10
    assert "… and 2 more" in done.err
    assert "…\n" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("say::red",),
        ("tag:smoke",),
        ("-k", "red"),
        ("--prompt", "say"),
        ("--samples", "2"),
        ("-m", "echo"),
        ("--from-run", "last"),
    ],
)
def test_a_part_of_a_suite_does_not_tell_what_is_stale(
    project: Project, run: Run, arguments: tuple[str, ...]
) -> None:
    folder = project(
        {"suites/say.yaml": suite("red", "blue").replace("red,", "red, tags: [smoke],", 1)}
    )
    run("record")
    before = (folder / FILE).read_bytes()
    run("test")

    refused = run("record", *arguments, "--prune")
    plain = run("record", *arguments)

    assert refused.code == 2
    assert "--prune needs whole suites" in refused.err
    assert "no case asks for" not in plain.err
    if arguments[0] != "--samples":
        assert (folder / FILE).read_bytes() == before


def test_a_suite_that_was_not_answered_whole_is_not_pruned(project: Project, run: Run) -> None:
    folder = project({"suites/say.yaml": suite("red", "blue")})
    run("record")
    (folder / "suites/say.yaml").write_text(suite("red", "green"), encoding="utf-8")
    rules = "rules: [{when: {contains: green}, error: {kind: bad_request}}, {echo: true}]\n"
    (folder / "echo.yaml").write_text(rules, encoding="utf-8")
    config = CONFIG.replace("script: echo.yaml", "script: echo.yaml, retries: 0")
    (folder / "llmops.yaml").write_text(config, encoding="utf-8")

    done = run("record", "--prune")

    assert done.code == 3
    assert "the recordings of say stay as they are: not all of its trials were answered" in done.err
    assert recorded(folder) == ["Say blue.", "Say red."]


def test_samples_that_a_suite_may_still_ask_for_are_not_stale(project: Project, run: Run) -> None:
    folder = project({"suites/say.yaml": suite("red", more="samples: {min: 1, max: 3}\n")})
    run("record", "--samples", "5")

    run("record", "--prune")

    lines = (folder / FILE).read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(json.loads(line)["sample"] for line in lines) == [0, 1, 2]


def test_large_recordings_are_packed_and_unpacked_by_themselves(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project()
    run("record")
    plain = (folder / FILE).read_bytes()

    with monkeypatch.context() as small:
        small.setattr("llmops.workflows.executing.recordings.PACKED_ABOVE", 10)
        done = run("record")
        packed = (folder / PACKED).read_bytes()
        run("record")
        replayed = run("test", "--replay", "--json")
        linted = run("lint")

    assert "say.jsonl.gz" in done.out
    assert gzip.decompress(packed) == plain
    assert (folder / PACKED).read_bytes() == packed
    assert not (folder / FILE).exists()
    assert json.loads(replayed.out)["verdict"]["totals"]["recorded"] == 1
    assert linted.code == 0
    run("record")
    assert (folder / FILE).read_bytes() == plain
    assert not (folder / PACKED).exists()


def test_two_files_for_one_suite_are_refused(project: Project, run: Run) -> None:
    folder = project()
    run("record")
    (folder / PACKED).write_bytes(gzip.compress((folder / FILE).read_bytes()))

    done = run("test")

    assert done.code == 2
    assert (
        "recordings/say.jsonl.gz:1:1: the recordings are here, and in recordings/say.jsonl too"
        in done.err
    )
    assert "[two-recordings]" in done.err


def test_damaged_packed_recordings_are_a_complaint_of_lint(project: Project, run: Run) -> None:
    folder = project()
    (folder / PACKED).parent.mkdir()
    (folder / PACKED).write_bytes(b"\x1f\x8b no more")

    done = run("lint")

    assert done.code == 2
    assert "recordings/say.jsonl.gz:1:1: the packed recordings are damaged" in done.err + done.out
    assert "binary" in done.err + done.out


def test_packed_recordings_reach_their_suite_and_are_the_bases(
    folder: Path, run: Run, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit("a project")
    monkeypatch.setattr("llmops.workflows.executing.recordings.PACKED_ABOVE", 10)
    run("record")

    since = run("suites", "--since", "HEAD")
    gate = run("gate", "--base", "HEAD")
    commit("packed recordings")
    (folder / "suites/say.yaml").write_text(suite("red", "blue"), encoding="utf-8")
    run("record")
    more = run("gate", "--base", "HEAD")

    assert "recordings/say.jsonl.gz" in since.out
    assert "recordings/say.jsonl.gz has more recordings" in gate.out + gate.err
    assert "recordings/say.jsonl.gz has more recordings" in more.out + more.err


def test_a_request_that_held_a_secret_is_said_to_be_lost(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "canary-0123456789")
    folder = project({"suites/say.yaml": suite("red", "canary-0123456789")})

    done = run("record")

    assert "1 request of say held a secret: it is not recorded" in done.err
    assert b"canary-0123456789" not in (folder / FILE).read_bytes()
    assert run("test", "--replay").code == 3


def test_recordings_of_two_branches_merge_in_git(
    folder: Path, run: Run, commit: Commit, git, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"w{number}" for number in range(30)]
    (folder / "suites/say.yaml").write_text(suite(*words), encoding="utf-8")
    run("record")
    commit("recorded")
    for branch, word in (("ours", "red"), ("theirs", "blue")):
        git(folder, "checkout", "--quiet", "-b", branch, "main")
        (folder / "suites" / f"{branch}.yaml").write_text(suite(word), encoding="utf-8")
        (folder / "suites/say.yaml").write_text(suite(*words, word), encoding="utf-8")
        run("record", "suites/say.yaml")
        git(folder, "checkout", "--quiet", "main", "--", "suites/say.yaml")
        commit(branch)

    git(folder, "merge", "--quiet", "--no-edit", "ours")
    (folder / "suites/say.yaml").write_text(suite(*words, "red", "blue"), encoding="utf-8")
    done = run("test", "say", "--replay")

    assert done.code == 0
