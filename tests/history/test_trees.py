from pathlib import Path

import pytest

from llmops.errors import InvalidInputError, UnavailableError
from llmops.history.objects import Objects
from llmops.history.refs import merge_base, resolve_ref
from llmops.history.repository import Repository, open_repository
from llmops.history.tree import CommitTree


@pytest.fixture
def opened(repository: Path) -> Repository:
    found = open_repository(repository)
    assert found is not None
    return found.at_top()


@pytest.fixture
def tree(opened: Repository) -> CommitTree:
    return CommitTree(Objects(opened), opened.run("rev-parse", "HEAD").strip())


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "unsafe-path"),
        ("/prompt.yaml", "unsafe-path"),
        ("../prompt.yaml", "unsafe-path"),
        ("nothing.yaml", "missing-file"),
        ("prompt.yaml/x", "missing-file"),
    ],
)
def test_a_path_that_is_no_file_of_the_commit_is_told(
    tree: CommitTree, path: str, code: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        tree.read(path)

    assert caught.value.faults[0].code == code


def test_folders_links_and_large_files_are_not_read(repository: Path, git, opened) -> None:
    (repository / "folder").mkdir()
    (repository / "folder" / "large").write_bytes(b"x" * 3_000_000)
    (repository / "link").symlink_to("prompt.yaml")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=More")
    tree = CommitTree(Objects(opened), git(repository, "rev-parse", "HEAD").strip())

    for path, code in (
        ("folder", "not-a-file"),
        ("link", "symlink"),
        ("folder/large", "too-large"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            tree.read(path)
        assert caught.value.faults[0].code == code
    assert tree.read("prompt.yaml") == b"user: Hello\n"
    assert tree.paths() == ["folder/large", "link", "prompt.yaml"]
    assert tree.paths("nowhere") == []


def test_a_process_that_was_killed_is_started_again(tree: CommitTree) -> None:
    assert tree.read("prompt.yaml")
    tree.objects._process.proc.kill()
    tree.objects._process.proc.wait()
    id_ = str(tree.id_of("prompt.yaml"))

    with pytest.raises(UnavailableError, match="cannot read the object"):
        tree.objects.blob(id_, 100)

    assert tree.objects.blob(id_, 100) == (b"user: Hello\n", 12)
    tree.objects.close()
    tree.objects.close()


def test_an_object_that_is_not_there_is_told(tree: CommitTree) -> None:
    with pytest.raises(UnavailableError) as caught:
        tree.objects.blob("0" * 40, 100)

    assert caught.value.faults[0].code == "missing-object"
    tree.objects.read_ahead(["0" * 40])
    assert not tree.objects.known("0" * 40)


def test_an_interrupt_between_question_and_answer_ends_the_process(
    tree: CommitTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("llmops.history.objects._answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tree.read("prompt.yaml")

    assert tree.read("prompt.yaml") == b"user: Hello\n"


def test_commits_without_a_common_past_have_no_base(repository: Path, git, opened) -> None:
    first = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "checkout", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "--message=Other")
    other = git(repository, "rev-parse", "HEAD").strip()

    assert merge_base(opened, first, other) is None
    assert merge_base(opened, first, first) == first
    assert resolve_ref(opened, "main") == first
    assert resolve_ref(opened, "x\n") is None
