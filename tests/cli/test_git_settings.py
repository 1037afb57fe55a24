from collections.abc import Callable
from pathlib import Path

from small_project import PROMPT, Commit, Project, Run

Git = Callable[..., str]


def test_an_order_of_files_that_git_cannot_read_is_left_aside(
    folder: Path, commit: Commit, git: Git, run: Run
) -> None:
    commit("One", {"prompts/say.yaml": PROMPT})
    git(folder, "config", "diff.orderFile", "nowhere")

    done = run("suites", "--since", "HEAD")

    assert done.code == 0, done.err


def test_revisions_to_ignore_that_are_not_there_have_a_remedy(
    folder: Path, commit: Commit, git: Git, run: Run
) -> None:
    commit("One", {"prompts/say.yaml": PROMPT})
    git(folder, "config", "blame.ignoreRevsFile", "nowhere")

    done = run("blame", "say")

    assert done.code == 3
    assert "git config --unset blame.ignoreRevsFile" in done.err


def test_a_lock_that_another_git_holds_is_no_obstacle_to_reading(
    folder: Path, commit: Commit, run: Run
) -> None:
    commit("One", {"prompts/say.yaml": PROMPT})
    lock = folder / ".git" / "index.lock"
    lock.write_bytes(b"")

    codes = [
        run(*words).code
        for words in (
            ("log", "say"),
            ("blame", "say"),
            ("diff", "say", "--source-only"),
            ("suites", "--since", "HEAD"),
            ("test",),
        )
    ]

    assert codes == [0] * 5
    assert lock.read_bytes() == b""


def test_a_name_that_cannot_be_printed_is_refused_for_that(run: Run, project: Project) -> None:
    project({"prompts/tab\tx.yaml": PROMPT})

    done = run("lint")

    assert done.code == 2
    assert "'tab\\tx' cannot be a prompt's name: it cannot be printed" in done.err + done.out
