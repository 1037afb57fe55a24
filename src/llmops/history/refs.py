"""A ref as a user wrote it in, a commit's full id out."""

import re

from llmops.errors import UnavailableError
from llmops.history.repository import Repository

_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\n")
_LONGEST = 1000


def resolve_ref(repository: Repository, ref: str) -> str | None:
    """Find the commit that a ref means. Git sees a user's words here and nowhere else.

    Returns:
        The commit's id, 40 or 64 hex digits; None when the ref means none, or more than one.
    """
    if not ref.isprintable() or not 0 < len(ref) <= _LONGEST:
        return None
    try:
        said = repository.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
    except UnavailableError:
        return None
    return said.removesuffix("\n") if _ID.fullmatch(said) else None


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """The newest commit that two commits have in common; None when the clone holds none."""
    try:
        said = repository.run("merge-base", one, other)
    except UnavailableError:
        return None
    return said.removesuffix("\n") if _ID.fullmatch(said) else None
