from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from llmops.errors import InvalidInputError, NoComparisonError
from llmops.history.repository import Repository, open_repository
from llmops.versions.base import find_base

Git = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, git: Git) -> Path:
    """Two commits on main, and two more on the branch `work`, which is checked out."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    for branch in ("main", "main", "work", "work"):
        if branch == "work" and "work" not in git(root, "branch", "--list", "work"):
            git(root, "switch", "--quiet", "--create=work")
        git(root, "commit", "--quiet", "--allow-empty", f"--message=On {branch}")
    return root


def opened(folder: Path) -> Repository:
    repository = open_repository(folder)
    assert repository is not None
    return repository


def base_of(
    folder: Path,
    asked: str | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    dirty: bool = False,
) -> tuple[str, str]:
    found = find_base(opened(folder), environment or {}, asked, dirty=dirty)
    return found.commit, found.why


def id_of(git: Git, folder: Path, ref: str) -> str:
    return git(folder, "rev-parse", ref).strip()


def test_the_default_branch_is_the_base_of_a_branch(folder: Path, git: Git) -> None:
    assert base_of(folder) == (id_of(git, folder, "main"), "the branch main")


def test_what_is_asked_for_comes_before_the_variables(folder: Path, git: Git) -> None:
    environment = {"LLMOPS_BASE": "main~1", "GITHUB_BASE_REF": "main"}

    asked = base_of(folder, "HEAD~1", environment)
    own = base_of(folder, None, environment)

    assert asked == (id_of(git, folder, "HEAD~1"), "--base is HEAD~1")
    assert own == (id_of(git, folder, "main~1"), "LLMOPS_BASE is main~1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_BASE_REF", "main"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
        ("CHANGE_TARGET", "main"),
    ],
)
def test_a_ci_names_the_branch(folder: Path, git: Git, name: str, value: str) -> None:
    assert base_of(folder, None, {name: value}) == (id_of(git, folder, "main"), f"{name} is main")


def test_a_ci_names_the_commit(folder: Path, git: Git) -> None:
    first = id_of(git, folder, "main~1")

    commit, why = base_of(folder, None, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": first})

    assert commit == first
    assert why.startswith("CI_MERGE_REQUEST_DIFF_BASE_SHA is ")


def test_of_a_branch_that_went_on_the_common_commit_is_taken(folder: Path, git: Git) -> None:
    common = id_of(git, folder, "main")
    git(folder, "switch", "--quiet", "main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Later")
    git(folder, "switch", "--quiet", "work")

    assert base_of(folder, "main")[0] == common


def test_a_clone_of_depth_two_of_a_merge_has_the_first_parent(
    folder: Path, tmp_path: Path, git: Git
) -> None:
    git(folder, "switch", "--quiet", "main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Later")
    git(folder, "merge", "--quiet", "--no-ff", "--message=Merge", "work")
    git(folder, "update-ref", "refs/pull/1/merge", "HEAD")
    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "--quiet")
    git(clone, "fetch", "--quiet", "--depth=2", f"file://{folder}", "refs/pull/1/merge")
    git(clone, "checkout", "--quiet", "FETCH_HEAD")
    environment = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"}

    commit, why = base_of(clone, None, environment)

    assert commit == id_of(git, folder, "main^1")
    assert why == "the first parent of the pull request's merge"


def test_the_upstream_comes_before_the_default_branch(
    folder: Path, tmp_path: Path, git: Git
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(folder), str(clone))
    git(clone, "commit", "--quiet", "--allow-empty", "--message=Mine")

    assert base_of(clone) == (id_of(git, folder, "work"), "the upstream branch")


def test_on_the_default_branch_the_commit_before_is_the_base(folder: Path, git: Git) -> None:
    git(folder, "switch", "--quiet", "main")

    clean, dirty = base_of(folder), base_of(folder, dirty=True)

    assert clean == (id_of(git, folder, "main~1"), "the commit before HEAD")
    assert dirty == (id_of(git, folder, "main"), "the branch main")


@pytest.mark.parametrize("ref", ["main@{yesterday}", "HEAD@{1}", "@{-1}", "main@{2026-01-01}"])
def test_a_ref_that_moves_is_refused(folder: Path, ref: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        base_of(folder, ref)

    assert raised.value.faults[0].code == "moving-ref"


def test_what_is_no_commit_is_named(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="--base is nix, which is no commit"):
        base_of(folder, "nix")
    with pytest.raises(InvalidInputError, match="LLMOPS_BASE is nix"):
        base_of(folder, None, {"LLMOPS_BASE": "nix"})


def test_without_a_base_the_way_out_is_told(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    with pytest.raises(NoComparisonError, match="no commit yet") as unborn:
        base_of(tmp_path)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Only")

    with pytest.raises(NoComparisonError, match="GITHUB_BASE_REF is main") as alone:
        base_of(tmp_path, None, {"GITHUB_BASE_REF": "main"})

    assert (unborn.value.exit_code, alone.value.exit_code) == (6, 6)
    assert "fetch-depth: 2" in str(alone.value)
