import os
import socket
from pathlib import Path

import pytest
from reading import refused

from llmops.domain.config import Limits
from llmops.errors import InvalidInputError
from llmops.loading.paths import beside, clean_path
from llmops.loading.tree import LimitedTree, WorkTree, find_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "rows.csv").write_bytes(b"id\r\n1\r\n")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return project


def code_of(tree: WorkTree, path: str) -> str:
    (fault,) = refused(lambda: tree.read(path))
    assert fault.hint
    assert fault.message[0].islower() or fault.message[0] == "'"
    return fault.code


def test_a_file_is_read_as_it_is(root: Path) -> None:
    tree = WorkTree(root)

    assert tree.read("data/rows.csv") == b"id\r\n1\r\n"
    assert tree.read("./data//rows.csv") == b"id\r\n1\r\n"


def test_files_are_listed_sorted_without_what_is_no_part_of_the_project(root: Path) -> None:
    for path in (
        "prompts/b.yaml",
        "prompts/a.yaml",
        ".git/config",
        ".llmops/cache.db",
        ".venv/lib/x.py",
        "node_modules/x/y.js",
        "src/__pycache__/x.pyc",
        "vendor/other/.git/config",
        "vendor/other/prompts/x.yaml",
        "vendor/worktree/.git",
        "vendor/worktree/y.yaml",
        "vendor/kept.txt",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()

    paths = WorkTree(root).paths()

    assert paths == ["data/rows.csv", "prompts/a.yaml", "prompts/b.yaml", "vendor/kept.txt"]
    assert WorkTree(root).paths("prompts") == ["prompts/a.yaml", "prompts/b.yaml"]
    assert WorkTree(root).paths("nowhere") == []


def test_links_to_files_are_listed_and_links_to_folders_are_not(root: Path) -> None:
    (root / "link.csv").symlink_to("data/rows.csv")
    (root / "folder").symlink_to("data")
    (root / "broken").symlink_to("nowhere")
    os.mkfifo(root / "pipe")

    assert WorkTree(root).paths() == ["broken", "data/rows.csv", "link.csv"]


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def scandir_but_data(path: object) -> object:
        if str(path).endswith("data"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_but_data)

    assert WorkTree(root).paths() == ["data/"]
    assert code_of(WorkTree(root), "data/nothing.csv") == "missing-file"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "data/../../secret.txt",
        "data/..",
        "/etc/passwd",
        "~/x",
        "C:/x",
        "data\\rows.csv",
        "data/rows.csv\0",
        "data/\nrows.csv",
        "https://example.com/rows.csv",
        "file:///etc/passwd",
        "",
        ".",
        "./",
        "//",
    ],
)
def test_a_path_out_of_the_project_is_refused_before_anything_is_opened(
    root: Path, path: str
) -> None:
    assert code_of(WorkTree(root), path) == "unsafe-path"


@pytest.mark.parametrize("path", ["...", "a..b", "..a/b", ".hidden", "a b/ü.md"])
def test_dots_inside_a_name_are_no_way_out(path: str) -> None:
    assert clean_path(path) == path


def test_a_path_beside_a_file_is_relative_to_its_folder() -> None:
    assert beside("prompts/support/reply.yaml", "./shots.jsonl") == "prompts/support/shots.jsonl"
    assert beside("top.yaml", "shots.jsonl") == "shots.jsonl"
    with pytest.raises(InvalidInputError, match="absolute"):
        beside("prompts/a.yaml", "/x")


def test_a_missing_file_is_named_with_the_one_that_was_meant(root: Path) -> None:
    (fault,) = refused(lambda: WorkTree(root).read("data/row.csv"))

    assert fault.message == "there is no file 'data/row.csv'"
    assert fault.code == "missing-file"
    assert fault.hint == "did you mean 'rows.csv'?"
    assert code_of(WorkTree(root), "nowhere/at/all.csv") == "missing-file"
    assert code_of(WorkTree(root), "data/rows.csv/x") == "missing-file"


def test_a_link_inside_the_project_is_followed_only_when_trusted(root: Path) -> None:
    (root / "link.csv").symlink_to("data/rows.csv")
    (root / "folder").symlink_to("data")

    assert WorkTree(root).read("link.csv") == b"id\r\n1\r\n"
    assert WorkTree(root).read("folder/rows.csv") == b"id\r\n1\r\n"
    assert code_of(WorkTree(root, trusted=False), "link.csv") == "symlink"
    assert code_of(WorkTree(root, trusted=False), "folder/rows.csv") == "symlink"
    assert WorkTree(root, trusted=False).read("data/rows.csv") == b"id\r\n1\r\n"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_link_out_of_the_project_is_refused(root: Path, *, trusted: bool) -> None:
    (root / "out.txt").symlink_to("../secret.txt")
    (root / "up").symlink_to("..")
    tree = WorkTree(root, trusted=trusted)

    assert code_of(tree, "out.txt") == "symlink"
    assert code_of(tree, "up/secret.txt") == "symlink"


def test_a_broken_link_and_a_circle_of_links_are_refused(root: Path) -> None:
    (root / "broken").symlink_to("nowhere")
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")

    assert code_of(WorkTree(root), "broken") == "broken-link"
    assert code_of(WorkTree(root), "a") == "unreadable"


def test_what_is_no_regular_file_is_refused_before_it_is_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)  # the address of a socket may not be long
    os.mkfifo(root / "pipe")
    (root / "pipe-link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("s")
        tree = WorkTree(root)

        assert [code_of(tree, path) for path in ("pipe", "pipe-link", "s", "data")] == [
            "not-a-file"
        ] * 4


def test_a_device_is_refused() -> None:
    assert code_of(WorkTree(Path("/dev")), "zero") == "not-a-file"


def test_a_file_that_became_something_else_is_refused_after_opening(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "pipe")
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda _path, flags: real_open(root / "pipe", flags))

    assert code_of(WorkTree(root), "data/rows.csv") == "not-a-file"


def test_a_name_that_is_too_long_is_refused(root: Path) -> None:
    assert code_of(WorkTree(root), "x" * 5000) == "unreadable"


def test_a_file_that_may_not_be_read_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: object, _flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    (fault,) = refused(lambda: WorkTree(root).read("data/rows.csv"))

    assert fault.message == "'data/rows.csv' cannot be read: Permission denied"


def test_a_file_may_be_as_large_as_the_limit_and_no_larger(root: Path) -> None:
    (root / "ten").write_bytes(b"0123456789")
    tree = WorkTree(root, Limits(file_bytes=9))

    assert tree.read("ten", limit=10) == b"0123456789"
    (fault,) = refused(lambda: tree.read("ten"))
    assert fault.code == "too-large"
    assert fault.message == "'ten' has 10 bytes, more than the 9 allowed"


@pytest.mark.parametrize(("limit", "well"), [(20, True), (8, False)])
def test_a_file_that_grows_while_it_is_read_is_held_to_the_limit(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: int, *, well: bool
) -> None:
    (root / "grown").write_bytes(b"0123456789")
    real_fstat = os.fstat

    def fstat_before(descriptor: int) -> os.stat_result:
        status = list(real_fstat(descriptor))
        status[6] = 4
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", fstat_before)
    tree = WorkTree(root)

    if well:
        assert tree.read("grown", limit=limit) == b"0123456789"
    else:
        assert refused(lambda: tree.read("grown", limit=limit))[0].code == "too-large"


def test_a_tree_takes_the_limits_of_its_own_project(root: Path) -> None:
    tree = LimitedTree(WorkTree(root), Limits(file_bytes=3))

    assert tree.paths() == ["data/rows.csv"]
    assert tree.read("data/rows.csv", limit=100)
    assert refused(lambda: tree.read("data/rows.csv"))[0].code == "too-large"


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"llmops.yaml": ""}, "a/b"),
        ({"pyproject.toml": "[tool.llmops]\nprompts = 'p'\n"}, "a"),
        ({"prompts/a.yaml": "", "suites/a.yaml": ""}, "prompts"),
        ({"llmops.yaml": "", "a/pyproject.toml": "[project]\nname = 'llmops'\n"}, "a"),
        ({"llmops.yaml": "", "a/pyproject.toml": "[tool.llmops\n"}, "a"),
        ({"llmops.yaml": "", "a/pyproject.toml": "tool = 'llmops'\n"}, "a"),
        ({"llmops.yaml": "", "a/prompts/x.yaml": ""}, "a/prompts"),
    ],
)
def test_the_project_is_the_nearest_folder_that_looks_like_one(
    write, files: dict[str, str], start: str
) -> None:
    root = write(files)
    (root / start).mkdir(parents=True, exist_ok=True)

    assert find_root(root / start) == root.resolve()


def test_a_folder_in_no_project_is_its_own_root(tmp_path: Path) -> None:
    assert find_root(tmp_path) == tmp_path.resolve()


def test_the_folder_of_prompts_may_be_a_link_inside_the_project(root: Path) -> None:
    (root / "prompts").symlink_to("data")
    (root / "suites").symlink_to("..")

    assert WorkTree(root).paths("prompts") == ["prompts/rows.csv"]
    assert WorkTree(root).read("prompts/rows.csv") == b"id\r\n1\r\n"
    assert code_of(WorkTree(root, trusted=False), "prompts/rows.csv") == "symlink"
    assert code_of(WorkTree(root), "suites/secret.txt") == "symlink"
