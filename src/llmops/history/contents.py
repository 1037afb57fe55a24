"""Every content that files ever had, and the first commit that had each."""

from collections.abc import Sequence

from llmops.history.repository import Repository

Contents = dict[str, dict[str, str]]
"""By path and the id of a content: the id of the oldest commit that gave the file that content."""


def contents_ever(repository: Repository, start: str, paths: Sequence[str]) -> Contents:
    """Find all contents of some files in one walk; renames are not followed.

    Args:
        repository: Asked from its top folder.
        start: The full id of the commit from which to walk backward.
        paths: From the repository's top; a folder stands for all files below it.

    Raises:
        UnavailableError: Git refused, or took longer than 30 s.
    """
    said = repository.run(
        "log",
        "-z",
        "--raw",
        "-m",
        "--no-abbrev",
        "--no-renames",
        "--topo-order",
        "--full-history",
        "--no-ext-diff",
        "--no-textconv",
        "--no-relative",
        "--no-notes",
        "--format=%H",
        start,
        "--",
        *paths,
    )
    found: Contents = {}
    commit = ""
    words = iter(said.split("\0"))
    for word in words:
        fields = word.strip("\n")
        if fields.startswith(":"):
            found.setdefault(next(words), {})[fields.split(" ")[3]] = commit
        elif fields:
            commit = fields
    return found
