import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import PROMPT, Commit, Run
from test_versions import SAY, SECOND

INCLUDING = PROMPT.replace("Say {{", "{% include 'partials/polite.md' %} say {{")
POLITE = "prompts/partials/polite.md"


def test_old_content_comes_back_as_a_new_version(commit: Commit, folder: Path, run: Run) -> None:
    first = commit("First")
    commit("Be polite", {SAY: SECOND})

    done = run("restore", "say@1.0.0", "--json")

    said = json.loads(done.out)
    assert (said["before"], said["after"], said["files"]) == ("1.1.0", "1.1.1", [SAY])
    assert (folder / SAY).read_text(encoding="utf-8") == (
        PROMPT.replace("1.0.0", f"1.1.1\nchangelog: Restored from {first[:12]}.")
    )
    commit("Back")
    hashes = {
        entry["version"]: entry["hash"] for entry in json.loads(run("log", "say", "--json").out)
    }
    assert hashes["1.1.1"] == hashes["1.0.0"] != hashes["1.1.0"]


def test_nothing_is_written_when_the_content_is_the_same(
    commit: Commit, folder: Path, run: Run
) -> None:
    commit("First")

    done = run("restore", "say@HEAD")

    assert done.code == 0
    assert "nothing to restore" in done.err
    assert (folder / SAY).read_text(encoding="utf-8") == PROMPT


def test_changes_that_are_not_committed_are_left_alone(
    commit: Commit, folder: Path, run: Run
) -> None:
    commit("First")
    (folder / SAY).write_text(SECOND, encoding="utf-8")

    refused, forced = run("restore", "say@1.0.0"), run("restore", "say@1.0.0", "--force")

    assert (refused.code, forced.code) == (2, 0)
    assert "[uncommitted]" in refused.err
    assert "Please" not in (folder / SAY).read_text(encoding="utf-8")


def test_what_the_prompt_was_made_of_comes_back_when_asked_for(
    commit: Commit, folder: Path, run: Run
) -> None:
    commit("First", {SAY: INCLUDING, POLITE: "Please\n"})
    commit("Kinder", {POLITE: "Pretty please\n", SAY: INCLUDING.replace("1.0.0", "1.0.1")})

    refused, done = run("restore", "say@1.0.0"), run("restore", "say@1.0.0", "--with-files")

    assert refused.code == 2
    assert f"has changed since: {POLITE} [changed-since]" in refused.err
    assert done.code == 0
    assert (folder / POLITE).read_text(encoding="utf-8") == "Please\n"


def test_a_deleted_prompt_comes_back(commit: Commit, folder: Path, run: Run) -> None:
    commit("First")
    (folder / SAY).unlink()
    (folder / "suites/say.yaml").unlink()
    commit("Delete")

    done = run("restore", "say@1.0.0")

    assert done.code == 0, done.err
    assert "version: 1.0.1" in (folder / SAY).read_text(encoding="utf-8")


def test_a_version_that_was_taken_is_passed_over(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Second", {SAY: SECOND.replace("1.1.0", "1.0.1")})
    commit("Third", {SAY: PROMPT})

    done = run("restore", "say@1.0.1", "--json")

    assert json.loads(done.out)["after"] == "1.0.2"


@pytest.mark.parametrize("name", ["say", "say@", "nix@1.0.0", "say@9.9.9"])
def test_what_names_no_version_is_refused(commit: Commit, run: Run, name: str) -> None:
    commit("First")

    assert run("restore", name).code == 2


def test_crlf_files_are_compared_by_their_lines(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})
    git(folder, "config", "core.autocrlf", "true")
    (folder / SAY).write_bytes(SECOND.replace("\n", "\r\n").encode())

    assert run("restore", "say@1.0.0").code == 0
