"""The timeline of a prompt: every commit that changed it or what it is made of."""

from collections.abc import Sequence

from llmops.history.changes import Commit, commits_touching
from llmops.history.tree import read_ahead
from llmops.versions.loader import AtCommit, Loaded, VersionLoader


class Entry(AtCommit, frozen=True, kw_only=True):
    """A commit that changed a prompt.

    Attributes:
        parents: The prompt as it stood before, one for each parent that had it.
        changed: Whether its content or its claimed version differs from every parent's; a
            commit that only moves the file, or merges what is known, changes nothing.
    """

    commit: Commit
    parents: tuple[Loaded, ...]
    changed: bool


def read_timeline(loader: VersionLoader, name: str, head: str) -> tuple[Entry, ...]:
    """Every commit, from one backward, that touched a prompt or a file it was made of.

    Args:
        loader: Reads the versions.
        name: What the prompt is called at `head`, or was called earlier.
        head: The commit's full id.

    Returns:
        Children first; commits that deleted the prompt are left out.
    """
    names, commits = loader.touching(name, head)
    files = set(names)
    while commits:
        made_of = {path for commit in commits for path in _files(loader, names, commit.id)}
        if made_of <= files:
            break
        files |= made_of
        paths = [loader.in_repository(path) for path in sorted(files)]
        commits = commits_touching(loader.repository, head, paths)
        around = (id_ for one in commits for id_ in (one.id, *one.parents))
        read_ahead(loader.objects, around, paths)
    entries = (_entry(loader, names, commit) for commit in commits)
    return tuple(entry for entry in entries if entry is not None)


def _files(loader: VersionLoader, names: Sequence[str], commit: str) -> Sequence[str]:
    loaded = _load(loader, names, commit)
    return list(loaded.files) if loaded is not None else []


def _entry(loader: VersionLoader, names: Sequence[str], commit: Commit) -> Entry | None:
    loaded = _load(loader, names, commit.id)
    if loaded is None:
        return None
    before = [_load(loader, names, parent) for parent in commit.parents]
    return Entry(
        commit=commit,
        name=loaded.name,
        version=loaded.version,
        faults=loaded.faults,
        parents=tuple(one for one in before if one is not None),
        changed=all(one is None or _state(one) != _state(loaded) for one in before),
    )


def _load(loader: VersionLoader, names: Sequence[str], commit: str) -> Loaded | None:
    """The prompt under the first of its names that the commit has."""
    found = (loader.load(path, commit) for path in names)
    return next((loaded for loaded in found if loaded is not None), None)


def _state(loaded: Loaded) -> tuple[object, ...]:
    """What tells versions apart: content and claim, or the files of what cannot be read."""
    if loaded.content_hash is None:
        return tuple(loaded.files.items())
    return (loaded.content_hash, loaded.claimed)
