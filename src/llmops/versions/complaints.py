"""What is said of a version that cannot be found, or could be several."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from llmops.domain.node import Text
from llmops.errors import InvalidInputError, did_you_mean

_SHORT = 12
_SHOWN = 80
_LISTED = 8
_UNSHALLOW = "the clone is shallow and may lack it: 'git fetch --unshallow'"


class Meaning(Struct, frozen=True):
    """One thing that a ref can mean.

    Attributes:
        form: The word that forces it: `version`, `label` or `git`.
        words: It as a complaint says it.
        commit: The commit's full id.
    """

    form: str
    words: str
    commit: str


def harmless(text: str) -> str:
    """What a user wrote, at most 80 characters, with nothing in it that a terminal obeys."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[:_SHOWN]
    )


def no_commit() -> InvalidInputError:
    """The complaint about a repository in which nothing is committed yet."""
    return InvalidInputError(
        "the repository has no commit yet", code="no-commit", hint="commit your files first"
    )


def no_repository() -> InvalidInputError:
    """The complaint about a project without git."""
    return InvalidInputError(
        "the project is in no git repository, so it has no versions",
        code="no-repository",
        hint="'git init', then commit your files",
    )


def unknown_ref(
    ref: str, asked: Text, known: Sequence[str], *, shallow: bool, claims: bool
) -> InvalidInputError:
    """The complaint about a ref that means nothing.

    Args:
        ref: As the user wrote it.
        asked: The name it was part of.
        known: Labels and claimed versions.
        shallow: Whether the clone lacks commits.
        claims: Whether it could have been a claimed version or a label.
    """
    near = did_you_mean(ref, [one for one in known if not one[:1].isdigit()])
    listing = f"known are {', '.join(known[:_LISTED])}" if known else None
    name, at, _ = asked.text.partition("@")
    of = f" of the prompt '{harmless(name)}'" if claims and at and name else ""
    return InvalidInputError(
        f"'{harmless(ref)}' is no {'version, label or commit' if claims else 'commit'}{of}",
        at=asked.at,
        code="unknown-ref",
        hint=(_UNSHALLOW if shallow else None)
        or near
        or listing
        or "name a branch, a tag or a commit that 'git log' shows",
    )


def not_there(
    name: str, commit: str, asked: Text | None, names: Sequence[str], *, submodule: str | None
) -> InvalidInputError:
    """The complaint about a prompt that a commit does not hold.

    Args:
        name: The prompt's.
        commit: The commit's full id.
        asked: What the user wrote.
        names: The prompts of the work tree.
        submodule: The folder of prompts, where it is a repository of its own.
    """
    known = name in names
    hint = None if known else did_you_mean(name, names)
    if submodule is not None:
        hint = f"'{submodule}' is a submodule, whose commits are its own: keep prompts outside"
    return InvalidInputError(
        f"there is no prompt '{harmless(name)}' at {commit[:_SHORT]}",
        at=asked.at if asked else None,
        code="unknown-prompt",
        hint=hint or f"'llmops log {harmless(name)}' lists its versions",
    )


def ambiguous(name: str, ref: str, meanings: Sequence[Meaning], asked: Text) -> InvalidInputError:
    """The complaint about a ref that could be several things."""
    listing = " and ".join(meaning.words for meaning in meanings)
    ways = " or ".join(f"'{name}@{meaning.form}:{ref}'" for meaning in meanings)
    return InvalidInputError(
        f"'{harmless(ref)}' could be {listing}",
        at=asked.at,
        code="ambiguous-ref",
        hint=f"write {ways}",
    )


def two_contents(name: str, ref: str, commits: Iterable[str], asked: Text) -> InvalidInputError:
    """The complaint about a version that is claimed by different contents."""
    listing = " and ".join(commit[:_SHORT] for commit in commits)
    return InvalidInputError(
        f"'{name}' has more than one content called {ref}: {listing}",
        at=asked.at,
        code="version-reused",
        hint="name one by its commit, and give the later one a version of its own",
    )
