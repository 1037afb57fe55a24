"""What is wrong with the version that a prompt claims, held against the content it had before."""

from collections.abc import Iterable, Iterator, Mapping

from llmops.domain.change import Change
from llmops.errors import Fault
from llmops.location import Location
from llmops.versions.change import change_between
from llmops.versions.step import is_enough, is_older, next_version
from llmops.versions.timeline import Entry
from llmops.versions.version import PromptVersion

_SHORT = 12
Contents = Mapping[str, Mapping[str, str]]
"""By claimed version and content hash: the id of the first commit that had both."""


def claim_of(version: PromptVersion) -> str | None:
    """The version that the author claims; None for none."""
    return str(version.prompt.version) if version.prompt.version is not None else None


def place_of(version: PromptVersion) -> Location:
    """Where the claimed version stands; the prompt's beginning where none does."""
    claimed = version.prompt.version
    return claimed.at if claimed is not None else version.prompt.at


def claim_fault(before: PromptVersion, after: PromptVersion) -> Fault | None:
    """What is wrong with a claimed version beside the one that it follows.

    Args:
        before: The prompt at the base, a commit.
        after: The prompt as it stands.
    """
    was = claim_of(before)
    if was is None:
        return None
    change = change_between(before, after)
    found = _wrong(was, claim_of(after), change, f"at {str(before.commit)[:_SHORT]}")
    if found is None:
        return None
    code, message = found
    wanted = next_version(was, change.step)
    return Fault(code=code, message=message, at=place_of(after), hint=_hint(after, wanted))


def _wrong(was: str, now: str | None, change: Change, where: str) -> tuple[str, str] | None:
    if now is None:
        return "version-backwards", f"the prompt claims no version, and {was} {where}"
    if is_older(now, was):
        return "version-backwards", f"the version went back from {was} {where} to {now}"
    if is_enough(was, now, change.step):
        return None
    why = because(change)
    if was == now:
        words = f"the content changed under the unchanged version {was} {where}: {why}"
        return "version-unchanged", words
    return "version-step", f"the claimed step {was} → {now} is too small: {why}"


def because(change: Change) -> str:
    """The first reason for the step that a change asks for, in words."""
    reasons = [part.reason for part in change.parts if part.step == change.step]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}, which is a {change.step} change"


def contents_of(timeline: Iterable[Entry]) -> Contents:
    """Which contents were called what in the history of a prompt.

    Args:
        timeline: Children first.
    """
    found: dict[str, dict[str, str]] = {}
    for entry in timeline:
        if entry.claimed is not None and entry.content_hash is not None:
            found.setdefault(entry.claimed, {})[entry.content_hash] = entry.commit.id
    return found


def reused_now(now: PromptVersion, contents: Contents) -> Fault | None:
    """The complaint about a version that meant, or means, another content than it does now."""
    claimed = claim_of(now)
    known = contents.get(claimed, {}) if claimed is not None else {}
    others = [commit for hash_, commit in known.items() if hash_ != now.content_hash]
    if claimed is None or not others:
        return None
    own = known.get(now.content_hash)
    places = [_commit(one) for one in reversed(others)]
    listing = " and ".join([*places, _commit(own) if own is not None else "the work tree"])
    free = free_version(claimed, now.content_hash, contents)
    return Fault(
        code="version-reused",
        message=f"the version {claimed} has {len(places) + 1} contents: {listing}",
        at=place_of(now),
        hint=_hint(now, free),
    )


def reused_before(now: PromptVersion, contents: Contents) -> Iterator[Fault]:
    """Warnings about earlier versions that have several contents, which nobody can mend."""
    for claimed, known in contents.items():
        if len(known) > 1 and claimed != claim_of(now):
            listing = " and ".join(_commit(one) for one in reversed(list(known.values())))
            yield Fault(
                code="version-reused",
                message=f"in history the version {claimed} has {len(known)} contents: {listing}",
                at=place_of(now),
                hint="name each by its commit",
                severity="warning",
            )


def free_version(wanted: str, content_hash: str, contents: Contents) -> str:
    """The first version, from the wanted one on, that means no other content."""
    while any(known != content_hash for known in contents.get(wanted, {})):
        wanted = next_version(wanted, "patch")
    return wanted


def _commit(id_: str) -> str:
    return id_[:_SHORT]


def _hint(version: PromptVersion, wanted: str) -> str:
    return f"write 'version: {wanted}', or run 'llmops bump {version.prompt.name}'"
