"""The versions of a prompt: who changed what, and how each of them did."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from llmops.domain.change import Change
from llmops.domain.node import Text
from llmops.domain.verdict import Totals
from llmops.errors import Fault, InvalidInputError
from llmops.history.changes import Commit
from llmops.loading.prompts import unknown_prompt
from llmops.location import COMMAND_LINE
from llmops.running.keeping.run_names import FOLDER
from llmops.running.past.results import results_by_content
from llmops.versions.change import change_between
from llmops.versions.finder import Versions
from llmops.versions.timeline import Entry
from llmops.versions.version import PromptVersion


class VersionListing(Struct, frozen=True, kw_only=True):
    """A version of a prompt.

    Attributes:
        commit: The commit that made it; None for what the work tree holds and no commit does.
        name: The prompt's name then.
        claimed: The version its author claims.
        content_hash: 12 hex digits; None when it cannot be read.
        change: What changed since the version before; None for the first, and for one that
            cannot be read.
        faults: Why it cannot be read.
        labels: The labels that point to it.
        folded: Later commits that touched the files and left the content as it was.
        results: What kept runs say of this content; None when there is none.
    """

    commit: Commit | None
    name: str
    claimed: str | None
    content_hash: str | None
    change: Change | None
    faults: tuple[Fault, ...] = ()
    labels: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    results: Totals | None = None

    def as_json(self) -> dict[str, object]:
        """The version as plain JSON values."""
        commit, change = self.commit, self.change
        return {
            "commit": commit.id if commit else None,
            "date": commit.date if commit else None,
            "author": commit.author if commit else None,
            "subject": commit.subject if commit else None,
            "name": self.name,
            "version": self.claimed,
            "hash": self.content_hash,
            "kinds": list(change.kinds) if change else None,
            "step": change.step if change else None,
            "parts": [to_builtins(part) for part in change.parts] if change else None,
            "labels": list(self.labels),
            "folded": list(self.folded),
            "faults": [str(fault) for fault in self.faults],
            "results": self.results.as_json() if self.results else None,
        }


def log(versions: Versions, name: str) -> tuple[list[VersionListing], tuple[Fault, ...]]:
    """List the versions of a prompt, the newest first.

    Returns:
        The versions, and what is wrong with the labels.

    Raises:
        InvalidInputError: There is no such prompt, no commit or no repository.
        UnavailableError: Git is missing or refuses.
    """
    timeline = versions.timeline(name)
    work = _work_listing(versions, name, timeline)
    if not timeline and work is None:
        raise InvalidInputError.of([unknown_prompt(name, versions.names(), COMMAND_LINE)])
    faults: list[Fault] = []
    labelled = _labelled(versions, name, faults)
    listed = [*([work] if work else []), *_listings(timeline, labelled)]
    hashes = {one.content_hash for one in listed if one.content_hash}
    results = results_by_content(versions.root / FOLDER, hashes)
    return [replace(one, results=results.get(one.content_hash or "")) for one in listed], (*faults,)


def _listings(
    timeline: Iterable[Entry], labelled: Mapping[str, tuple[str, ...]]
) -> list[VersionListing]:
    entries = list(timeline)
    kept = [entry for entry in entries if entry.changed]
    folded = _folded(entries)
    return [
        VersionListing(
            commit=entry.commit,
            name=entry.name,
            claimed=entry.claimed,
            content_hash=entry.content_hash,
            change=_change(entry, kept[number + 1 :]),
            faults=entry.faults,
            labels=_labels_of(entry, folded.get(entry.commit.id, ()), labelled),
            folded=folded.get(entry.commit.id, ()),
        )
        for number, entry in enumerate(kept)
    ]


def _folded(entries: Iterable[Entry]) -> dict[str, tuple[str, ...]]:
    """Ids of the commits that changed nothing, below the commit whose content they left."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[str] = []
    for entry in entries:
        if entry.changed:
            found[entry.commit.id] = tuple(waiting)
            waiting = []
        else:
            waiting.append(entry.commit.id)
    return found


def _change(entry: Entry, older: Iterable[Entry]) -> Change | None:
    """What changed since the parent, or since the last version before it that can be read."""
    if entry.version is None:
        return None
    before = [parent.version for parent in entry.parents if parent.version is not None]
    before += [one.version for one in older if one.version is not None]
    return change_between(before[0], entry.version) if before else None


def _labelled(versions: Versions, name: str, faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    """The labels of a prompt, by the commit that each means."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        labels = versions.labels.get(name, {})
    except InvalidInputError as error:
        faults += error.faults
        return {}
    for label, target in labels.items():
        try:
            meant = versions.find(Text(f"{name}@label:{label}", target.at))
        except InvalidInputError as error:
            faults += error.faults
            continue
        found[meant.commit or ""] = (*found.get(meant.commit or "", ()), label)
    return found


def _labels_of(
    entry: Entry, folded: Iterable[str], labelled: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    commits = (entry.commit.id, *folded)
    return tuple(label for commit in commits for label in labelled.get(commit, ()))


def _work_listing(
    versions: Versions, name: str, timeline: tuple[Entry, ...]
) -> VersionListing | None:
    """What the work tree holds; None when a commit holds the same, or there is no such file."""
    if name not in versions.names():
        return None
    try:
        now = versions.in_work_tree(Text(name, COMMAND_LINE))
    except InvalidInputError as error:
        return VersionListing(
            commit=None,
            name=name,
            claimed=None,
            content_hash=None,
            change=None,
            faults=error.faults,
        )
    newest = next((entry for entry in timeline if entry.version is not None), None)
    claimed = str(now.prompt.version) if now.prompt.version else None
    if newest is not None and (newest.content_hash, newest.claimed) == (now.content_hash, claimed):
        return None
    before = newest.version if newest else None
    return VersionListing(
        commit=None,
        name=name,
        claimed=claimed,
        content_hash=now.content_hash,
        change=_between(before, now),
    )


def _between(before: PromptVersion | None, after: PromptVersion) -> Change | None:
    return change_between(before, after) if before is not None else None
