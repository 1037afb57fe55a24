"""The versions of a prompt in a row: from a good one to a bad one, along one line of commits."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from llmops.domain.node import Text
from llmops.errors import Fault, InvalidInputError
from llmops.history.changes import Commit
from llmops.history.descent import path_between
from llmops.location import Location
from llmops.versions.complaints import not_there
from llmops.versions.finder import Versions
from llmops.versions.timeline import Entry
from llmops.versions.version import PromptVersion

_SHORT = 12


class Place(Struct, frozen=True, kw_only=True):
    """A version in a row.

    Attributes:
        named: How to name it, `NAME@git:COMMIT`; the name alone in the work tree.
        id: The full id of the commit; None for the work tree.
        commit: The commit that made it; None for the work tree, and for a first place that
            another commit made.
        version: None when it cannot be read.
        faults: Why not.
    """

    named: str
    id: str | None
    commit: Commit | None
    version: PromptVersion | None
    faults: tuple[Fault, ...] = ()

    @property
    def content_hash(self) -> str | None:
        """12 hex digits; None when it cannot be read."""
        return self.version.content_hash if self.version is not None else None

    @property
    def claimed(self) -> str | None:
        """The version that the author claims."""
        version = self.version.prompt.version if self.version is not None else None
        return str(version) if version is not None else None


class Ends(Struct, frozen=True, kw_only=True):
    """Between which two versions, as refs that were typed.

    Attributes:
        good: None for the prompt's first version.
        bad: None for the work tree, if it holds what no commit does, or for what is checked out.
        at: Where they were typed.
    """

    good: str | None
    bad: str | None
    at: Location


def row_of(versions: Versions, name: str, ends: Ends) -> tuple[Place, ...]:
    """The versions between two ends, the good one first.

    Equal contents that follow each other are one version. What was changed and then changed back
    broke nothing, so those versions are left out as well.

    Raises:
        InvalidInputError: There is no such prompt or ref, an end cannot be read, or the good end
            is no ancestor of the bad one.
        UnavailableError: Git is missing or refuses.
    """
    last = _commit(versions, name, ends.bad, ends) if ends.bad else versions.head
    timeline = versions.timeline(name, last)
    work = _in_work_tree(versions, name, ends) if ends.bad is None else None
    if not timeline:
        raise not_there(name, last, Text(name, ends.at), versions.names(), submodule=None)
    first = _commit(versions, name, ends.good, ends) if ends.good else timeline[-1].commit.id
    path = path_between(versions.loader.repository, first, last)
    if not path:
        raise _no_ancestor(first, last, ends)
    known = {entry.commit.id: entry for entry in timeline}
    places = [_of_entry(name, known[id_]) for id_ in path[1:] if id_ in known]
    start = _start(versions, name, first, known.get(first), ends)
    return tuple(_straight([start, *places, *_some(work)]))


def _commit(versions: Versions, name: str, ref: str, ends: Ends) -> str:
    return versions.find(Text(f"{name}@{ref}", ends.at)).commit or versions.head


def _in_work_tree(versions: Versions, name: str, ends: Ends) -> Place | None:
    if name not in versions.names():
        return None
    version = versions.in_work_tree(Text(name, ends.at))
    return Place(named=name, id=None, commit=None, version=version)


def _start(versions: Versions, name: str, commit: str, entry: Entry | None, ends: Ends) -> Place:
    if entry is not None:
        return _of_entry(name, entry)
    return _of_version(name, commit, versions.at(name, commit, Text(name, ends.at)))


def _of_version(name: str, commit: str, version: PromptVersion) -> Place:
    return Place(named=f"{name}@git:{commit}", id=commit, commit=None, version=version)


def _of_entry(name: str, entry: Entry) -> Place:
    return Place(
        named=f"{name}@git:{entry.commit.id}",
        id=entry.commit.id,
        commit=entry.commit,
        version=entry.version,
        faults=entry.faults,
    )


def _some(place: Place | None) -> Iterator[Place]:
    if place is not None:
        yield place


def _straight(places: Iterable[Place]) -> list[Place]:
    """A row without loops: where a content comes back, all since it was there before is cut out."""
    row: list[Place] = []
    seen: dict[str, int] = {}
    for place in places:
        content = place.content_hash
        earlier = seen.get(content) if content is not None else None
        if earlier is None:
            if content is not None:
                seen[content] = len(row)
            row.append(place)
            continue
        del row[earlier + 1 :]
        seen = {known: at for known, at in seen.items() if at <= earlier}
    return row


def _no_ancestor(first: str, last: str, ends: Ends) -> InvalidInputError:
    good = ends.good or "the first version"
    return InvalidInputError(
        f"{good} ({first[:_SHORT]}) is no ancestor of {ends.bad or 'HEAD'} ({last[:_SHORT]})",
        at=ends.at,
        code="no-ancestor",
        hint="name a good commit that the bad one was made from",
    )
