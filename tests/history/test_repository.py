import os
import re
from pathlib import Path

import pytest

from llmops.errors import UnavailableError
from llmops.history import repository as door
from llmops.history.differences import changed_since
from llmops.history.repository import (
    WorkState,
    commit_all,
    create_repository,
    open_repository,
)


def state_of(folder: Path) -> WorkState:
    opened = open_repository(folder)
    assert opened is not None
    return opened.state()


def test_a_folder_in_no_repository_has_none(tmp_path) -> None:
    assert open_repository(tmp_path) is None


def test_a_folder_below_the_top_belongs_to_the_repository(repository, git) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)

    opened = open_repository(below)

    assert opened is not None
    assert opened.top == repository
    assert opened.state().commit == git(repository, "rev-parse", "HEAD").strip()


def test_a_top_folder_may_be_called_anything(tmp_path, git) -> None:
    folder = tmp_path / "smörgås bord\n "
    folder.mkdir()
    git(folder, "init", "--quiet")

    opened = open_repository(folder)

    assert opened is not None
    assert opened.top == folder


def test_a_clean_tree_is_its_commit(repository, git) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()

    assert state_of(repository) == WorkState(commit=commit, dirty=None)


def test_before_the_first_commit_there_is_no_commit(tmp_path, git) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "prompt.yaml").write_text("user: Hello\n", encoding="utf-8")

    state = state_of(tmp_path)

    assert state.commit is None
    assert state.dirty is not None


def test_an_empty_repository_is_clean(tmp_path, git) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    git(folder, "init", "--quiet")

    assert state_of(folder) == WorkState(commit=None, dirty=None)


def test_a_detached_head_is_a_commit_too(repository, git) -> None:
    git(repository, "checkout", "--quiet", "--detach")

    assert state_of(repository).commit == git(repository, "rev-parse", "HEAD").strip()


def test_a_work_tree_of_its_own_has_its_own_commit(repository, git, tmp_path) -> None:
    other = tmp_path / "other"
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(other))
    (other / "prompt.yaml").write_text("user: Hi\n", encoding="utf-8")
    git(other, "commit", "--quiet", "--all", "--message=Second")

    opened = open_repository(other)

    assert opened is not None
    assert opened.top == other
    assert opened.state().commit == git(other, "rev-parse", "HEAD").strip()
    assert opened.state().commit != state_of(repository).commit


def test_a_shallow_clone_is_a_repository(repository, git, tmp_path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message=Second")
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")

    assert state_of(tmp_path / "shallow") == state_of(repository)


def test_a_changed_file_makes_the_tree_dirty_until_it_is_as_it_was(repository) -> None:
    file = repository / "prompt.yaml"
    file.write_text("user: Hi\n", encoding="utf-8")

    changed = state_of(repository)
    file.write_text("user: Ho\n", encoding="utf-8")
    otherwise = state_of(repository)
    file.write_text("user: Hi\n", encoding="utf-8")

    assert re.fullmatch("[0-9a-f]{12}", str(changed.dirty))
    assert otherwise.dirty != changed.dirty
    assert state_of(repository) == changed
    assert changed.commit is not None


def test_a_staged_change_is_a_change(repository, git) -> None:
    (repository / "prompt.yaml").write_text("user: Hi\n", encoding="utf-8")
    git(repository, "add", "--all")

    assert state_of(repository).dirty is not None


@pytest.mark.parametrize("setting", ["true", "false"])
def test_a_file_that_was_only_touched_is_no_difference_and_git_notes_nothing(
    repository, git, setting
) -> None:
    git(repository, "config", "diff.autoRefreshIndex", setting)
    (repository / "other.yaml").write_text("other", encoding="utf-8")
    opened = open_repository(repository)
    assert opened is not None
    commit = git(repository, "rev-parse", "HEAD").strip()
    before = opened.state().dirty, (repository / ".git/index").read_bytes()

    os.utime(repository / "prompt.yaml", (0, 0))

    assert changed_since(opened, commit, "") == {"other.yaml": "is new"}
    assert (opened.state().dirty, (repository / ".git/index").read_bytes()) == before


def test_a_change_in_the_second_of_the_staging_is_seen(repository, git) -> None:
    git(repository, "config", "core.trustctime", "false")
    file = repository / "prompt.yaml"
    second = (10**9, 10**9)
    os.utime(file, second)
    git(repository, "add", "prompt.yaml")
    os.utime(repository / ".git/index", second)

    file.write_text("user: Hallo\n", encoding="utf-8")
    os.utime(file, second)
    opened = open_repository(repository)

    assert opened is not None
    assert changed_since(opened, "HEAD", "") == {"prompt.yaml": "changed"}


def test_without_a_folder_for_the_copy_of_its_index_git_is_not_asked(
    repository, monkeypatch
) -> None:
    opened = open_repository(repository)
    assert opened is not None
    monkeypatch.setattr("tempfile.tempdir", str(repository / "nowhere"))

    with pytest.raises(UnavailableError, match="the index cannot be copied"):
        opened.diff("HEAD")


def test_a_renamed_file_is_a_change(repository, git) -> None:
    git(repository, "mv", "prompt.yaml", "# branch.oid 0000")

    state = state_of(repository)

    assert state.dirty is not None
    assert state.commit == git(repository, "rev-parse", "HEAD").strip()


def test_untracked_files_differ_by_what_is_in_them(repository) -> None:
    file = repository / "new" / "suite.yaml"
    file.parent.mkdir()
    file.write_text("one", encoding="utf-8")

    first = state_of(repository).dirty
    file.write_text("two", encoding="utf-8")
    second = state_of(repository).dirty
    file.write_text("one", encoding="utf-8")

    assert first is not None
    assert first != second
    assert state_of(repository).dirty == first


def test_untracked_files_of_any_sort_are_looked_at_without_harm(repository) -> None:
    (repository / "link").symlink_to("/nowhere")
    (repository / "dangling").symlink_to(repository / "gone")
    os.mkfifo(repository / "pipe")
    os.mkfifo(repository / "other pipe")
    (repository / os.fsdecode(b"caf\xe9")).write_bytes(b"\xff")

    first = state_of(repository).dirty
    (repository / "link").unlink()
    (repository / "link").symlink_to("/elsewhere")

    assert first is not None
    assert state_of(repository).dirty not in {None, first}


def test_a_large_untracked_file_is_told_by_its_size(repository, monkeypatch) -> None:
    monkeypatch.setattr(door, "_READ_BYTES", 3)
    file = repository / "data.csv"
    file.write_text("four", encoding="utf-8")

    first = state_of(repository).dirty
    file.write_text("four and more", encoding="utf-8")

    assert state_of(repository).dirty not in {None, first}


def test_an_untracked_file_that_cannot_be_read_is_no_obstacle(repository) -> None:
    gone = door._content(repository / "gone", most=10)

    assert gone == b"2"


def test_ignored_files_are_no_change(repository, git) -> None:
    (repository / ".gitignore").write_text(".llmops/\n", encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=Ignore")
    (repository / ".llmops").mkdir()
    (repository / ".llmops" / "cache.db").write_bytes(b"x")

    assert state_of(repository).dirty is None


def test_another_repository_named_by_the_environment_is_not_looked_at(
    repository, git, tmp_path, monkeypatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "alias.status")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "!false")

    opened = open_repository(repository)

    assert opened is not None
    assert opened.top == repository
    assert opened.state().commit is not None


def hostile_configuration(witness: Path) -> str:
    run = f"touch {witness}"
    return (
        f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n"
        f"\tfsmonitor = {run}\n\thooksPath = hooks\n\tpager = {run}\n"
        f'[diff]\n\texternal = {run}\n[diff "x"]\n\ttextconv = {run}\n'
    )


def test_a_folder_shaped_like_a_bare_repository_runs_nothing(repository, tmp_path) -> None:
    witness = tmp_path / "witness"
    bare = repository / "fixtures"
    for name in ("objects", "refs/heads", "hooks"):
        (bare / name).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (bare / "config").write_text(hostile_configuration(witness), encoding="utf-8")

    with pytest.raises(UnavailableError, match="bare repository") as caught:
        open_repository(bare)

    assert not witness.exists()
    assert caught.value.faults[0].hint is not None
    assert state_of(repository).dirty is not None
    assert not witness.exists()


def test_the_configuration_of_a_repository_runs_nothing(repository, git, tmp_path) -> None:
    witness = tmp_path / "witness"
    config = repository / ".git" / "config"
    config.write_text(hostile_configuration(witness).replace("worktree = .\n", "\n"), "utf-8")
    (repository / ".gitattributes").write_text("*.yaml diff=x\n", encoding="utf-8")
    (repository / "prompt.yaml").write_text("user: Hi\n", encoding="utf-8")

    state = state_of(repository)

    assert state.dirty is not None
    assert not witness.exists()


def test_hooks_do_not_run_when_we_commit(repository, git, tmp_path) -> None:
    witness = tmp_path / "witness"
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n", encoding="utf-8")
    hook.chmod(0o755)
    (repository / "prompt.yaml").write_text("user: Hi\n", encoding="utf-8")

    commit_all(repository, "Second")

    assert not witness.exists()
    assert git(repository, "log", "-1", "--format=%s").strip() == "Second"


def test_a_repository_of_somebody_else_is_no_missing_one(repository, monkeypatch, tmp_path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    words = "fatal: detected dubious ownership in repository at"
    fake.write_text(f"#!/bin/sh\necho '{words} /x' >&2\nexit 128\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=os.pathsep)

    with pytest.raises(UnavailableError, match="dubious ownership") as caught:
        open_repository(repository)

    fault = caught.value.faults[0]
    assert fault.code == "git"
    assert "safe.directory" in str(fault.hint)


def test_a_machine_without_git_is_told_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError) as caught:
        open_repository(tmp_path)

    assert caught.value.faults[0].code == "no-git"
    assert caught.value.exit_code == 3


def test_git_that_does_not_answer_is_ended(repository, tmp_path, monkeypatch) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=os.pathsep)
    monkeypatch.setattr(door, "_TIMEOUT", 0.2)

    with pytest.raises(UnavailableError, match="rev-parse"):
        open_repository(repository)


def test_what_git_refuses_is_told_in_its_words(repository) -> None:
    opened = open_repository(repository)
    assert opened is not None

    with pytest.raises(UnavailableError, match=r"git cat-file: fatal: .*deadbeef") as caught:
        opened.run("cat-file", "-p", "deadbeef")

    assert caught.value.faults[0].code == "git"


def test_a_new_project_is_committed_by_nobody_if_nobody_has_a_name(tmp_path, git) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "prompt.yaml").write_text("user: Hello\n", encoding="utf-8")

    create_repository(folder)
    commit_all(folder, "Start")

    who = git(folder, "log", "--format=%an <%ae> %s %D").strip()
    assert who == "llmops init <llmops@localhost> Start HEAD -> main"
    assert state_of(folder).dirty is None


@pytest.mark.parametrize(
    ("configured", "author"),
    [
        ({"user.name": "Ada", "user.email": "ada@example.org"}, "Ada <ada@example.org>"),
        ({"user.email": "ada@example.org"}, "llmops init <ada@example.org>"),
        ({"user.name": "Ada"}, "Ada <llmops@localhost>"),
        (
            {"user.name": "Ada", "user.email": "ada@example.org", "commit.gpgsign": "true",
             "gpg.program": "/nowhere"},
            "Ada <ada@example.org>",
        ),
    ],
)  # fmt: skip
def test_a_new_project_is_committed_by_its_user(tmp_path, git, configured, author) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "a").write_text("a", encoding="utf-8")
    for name, value in configured.items():
        git(tmp_path, "config", "--global", name, value)

    create_repository(folder)
    commit_all(folder, "Start")

    assert git(folder, "log", "--format=%an <%ae>").strip() == author


def test_a_commit_of_nothing_is_refused_by_git(repository) -> None:
    with pytest.raises(UnavailableError, match=r"(?s)git commit: .*nothing to commit"):
        commit_all(repository, "Nothing")
