"""What the work tree holds that a commit does not, file by file."""

import posixpath
from typing import Literal

from llmops.history.repository import Repository

What = Literal["changed", "is new", "was deleted"]
"""What became of a file since a commit."""

_WHATS: dict[str, What] = {"A": "is new", "D": "was deleted"}


def changed_since(repository: Repository, commit: str, folder: str) -> dict[str, What]:
    """Every file of the work tree that differs from a commit, as git compares them.

    A file that differs in nothing but what a checkout does to it, such as its newlines, does not
    differ. Files that git is told to ignore are left out; one that was moved is deleted and new.

    Args:
        repository: Asked from its top folder.
        commit: The commit's full id.
        folder: The project inside the repository; empty when it is the repository.

    Returns:
        Paths from the project's root, sorted; outside of it they begin with `../`. A submodule
        stands there as one path.

    Raises:
        UnavailableError: Git refused, or took longer than 30 s.
    """
    said = repository.diff(
        "--name-status",
        "-z",
        "--no-renames",
        "--no-relative",
        "--ignore-submodules=none",
        commit,
    )
    words = said.split("\0")
    found: dict[str, What] = {}
    for status, path in zip(words[:-1:2], words[1::2], strict=True):
        found[path] = _WHATS.get(status, "changed")
    untracked = repository.run("ls-files", "-z", "--others", "--exclude-standard")
    for path in untracked.split("\0")[:-1]:
        found[path] = "changed" if path in found else "is new"
    return {posixpath.relpath(path, folder or "."): found[path] for path in sorted(found)}


def is_within(repository: Repository, commit: str, head: str) -> bool:
    """Whether a commit is in the history of another, or is that commit.

    Args:
        repository: Asked from its top folder.
        commit: A commit's full id.
        head: The other's.
    """
    return not repository.run("rev-list", "--max-count=1", commit, f"^{head}").strip()
