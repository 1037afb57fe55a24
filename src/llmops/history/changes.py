"""The commits that touched files, whatever the files were called at the time."""

import re
from collections.abc import Sequence

from msgspec import Struct

from llmops.history.objects import Objects
from llmops.history.repository import Repository
from llmops.history.tree import CommitTree, read_ahead

_RENAMES = (
    "-M",
    "--name-status",
    "--diff-filter=R",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
)
_RENAME = re.compile(r"\n?R[0-9]{3}")
_FIELDS = "%H%x00%P%x00%aI%x00%aN%x00%s"


class Commit(Struct, frozen=True, kw_only=True):
    """A commit.

    Attributes:
        id: 40 or 64 hex digits.
        parents: Ids of the commits it was made from; a merge has several.
        date: When it was written, ISO 8601 with offset.
        author: Who wrote it.
        subject: The first line of its message.
    """

    id: str
    parents: tuple[str, ...]
    date: str
    author: str
    subject: str


def commits_touching(repository: Repository, start: str, paths: Sequence[str]) -> list[Commit]:
    """The commits, from `start` backward, that changed one of the paths; children come first.

    Args:
        repository: Asked from its top folder.
        start: A commit's id.
        paths: From the repository's top.
    """
    said = repository.run(
        "log",
        "-z",
        "--topo-order",
        "--full-history",
        "--no-patch",
        "--no-notes",
        "--encoding=UTF-8",
        f"--format={_FIELDS}",
        start,
        "--",
        *paths,
    )
    words = said.split("\0")
    size = _FIELDS.count("%x00") + 1
    rows = (words[i : i + size] for i in range(0, len(words) - size + 1, size))
    return [
        Commit(id=id_, parents=tuple(parents.split()), date=date, author=author, subject=subject)
        for id_, parents, date, author, subject in rows
    ]


def names_of(
    repository: Repository, objects: Objects, start: str, paths: Sequence[str]
) -> tuple[list[str], list[Commit]]:
    """Follow files through their renames.

    Args:
        repository: Asked from its top folder.
        objects: The same repository's.
        start: A commit's id.
        paths: What the files are called now, from the repository's top.

    Returns:
        All names, the newest first, and the commits that touched any of them.
    """
    names = list(paths)
    seen: set[tuple[str, str]] = set()
    while True:
        commits = commits_touching(repository, start, names)
        read_ahead(objects, (id_ for one in commits for id_ in (one.id, *one.parents)), names)
        older: list[str] = []
        for commit in commits:
            for name in [name for name in names if (commit.id, name) not in seen]:
                seen.add((commit.id, name))
                before = _renamed_from(repository, objects, commit, name)
                if before is not None and before not in (*names, *older):
                    older.append(before)
        if not older:
            return names, commits
        names += older


def renamed_between(
    repository: Repository, before: str, after: str, paths: Sequence[str]
) -> list[str]:
    """What files of one commit are called in another, where git sees that they were moved.

    Args:
        repository: Asked from its top folder.
        before: A commit's id.
        after: Another's.
        paths: What the files are called in `before`, from the repository's top.
    """
    pairs = _renames(repository, before, after) if paths else {}
    return [pairs[path] for path in paths if path in pairs]


def moved_since(repository: Repository, before: str, after: str, path: str) -> str:
    """What a file of one commit is called in a later one, commit by commit.

    Args:
        repository: Asked from its top folder.
        before: A commit's id.
        after: The id of a commit that was made from it.
        path: What the file is called in `before`, from the repository's top.
    """
    walk = ("--reverse", "--topo-order", "--format=%H", f"{before}..{after}")
    words = repository.run("log", "-z", *_RENAMES, *walk).split("\0")
    for number, word in enumerate(words):
        if _RENAME.fullmatch(word) and words[number + 1] == path:
            path = words[number + 2]
    return path


def _renamed_from(
    repository: Repository, objects: Objects, commit: Commit, name: str
) -> str | None:
    """What a file was called before a commit; None when the commit did not rename it."""
    if len(commit.parents) != 1 or not CommitTree(objects, commit.id).holds(name):
        return None
    parent = commit.parents[0]
    if CommitTree(objects, parent).holds(name):
        return None
    pairs = {after: before for before, after in _renames(repository, parent, commit.id).items()}
    return pairs.get(name)


def _renames(repository: Repository, before: str, after: str) -> dict[str, str]:
    """Old names with the new ones, of all files that were moved from one commit to another."""
    said = repository.run("diff-tree", "-r", "-z", "--no-commit-id", *_RENAMES, before, after)
    words = said.split("\0")
    return {words[i + 1]: words[i + 2] for i in range(0, len(words) - 2, 3)}
