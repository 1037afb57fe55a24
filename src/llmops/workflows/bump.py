"""Propose the version that a changed prompt has to claim, and write it into the file."""

from collections.abc import Mapping

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from llmops.domain.change import Change, Step
from llmops.domain.node import Text
from llmops.errors import Fault, InvalidInputError
from llmops.location import COMMAND_LINE
from llmops.reporting.files import write_text
from llmops.versions.bump import set_changelog, set_version
from llmops.versions.change import change_between
from llmops.versions.claims import Contents, because, claim_of, contents_of, free_version
from llmops.versions.finder import Versions
from llmops.versions.step import FIRST, is_enough, is_older, next_version
from llmops.versions.version import PromptVersion
from llmops.workflows.claims.base import find_held, head_of
from llmops.workflows.claims.check import VersionOptions, check_versions
from llmops.workflows.opening.project import Surroundings, open_project

_STEPS: tuple[Step, ...] = ("none", "patch", "minor", "major")


class BumpOptions(Struct, frozen=True, kw_only=True):
    """What a bump is asked for.

    Attributes:
        step: A larger step than the change asks for; None for its own.
        base: A git revision to hold the prompt against; None for the one that is found.
        message: What to write as the changelog; None to leave it.
        dry_run: Only tell.
    """

    step: Step | None = None
    base: str | None = None
    message: str | None = None
    dry_run: bool = False


class Bump(Struct, frozen=True, kw_only=True):
    """What became of a prompt's claimed version.

    Attributes:
        path: The prompt's file, from the project's root.
        base: The full id of the commit it was held against; None when there is none.
        before: The version that was claimed there; None for none.
        claimed: The version that the file claimed.
        after: The version that it is to claim.
        step: What the change asks for.
        change: What changed; None for a prompt that was not there.
        note: Why nothing is to be done; None when something is.
        written: Whether the file was written.
    """

    prompt: str
    path: str
    base: str | None
    before: str | None
    claimed: str | None
    after: str
    step: Step
    change: Change | None
    note: str | None = None
    written: bool = False

    def as_json(self) -> dict[str, object]:
        """The bump as plain JSON values."""
        parts = [to_builtins(part) for part in self.change.parts] if self.change else None
        names = ("prompt", "path", "base", "before", "claimed", "after", "step", "note", "written")
        return {**{name: getattr(self, name) for name in names}, "parts": parts}


def bump(
    versions: Versions, environment: Mapping[str, str], name: str, options: BumpOptions
) -> Bump:
    """Propose a version for a prompt and, unless it is only to be told, write it.

    Raises:
        InvalidInputError: There is no such prompt, no repository or no such base, the prompt
            cannot be read there, or the step is too small.
        UnavailableError: Git is missing or refuses, or the file cannot be written.
    """
    now = versions.in_work_tree(Text(name, COMMAND_LINE))
    held = find_held(versions, environment, options.base)
    base = held.base.commit if held.base is not None else None
    before = _before(versions, name, base) if base is not None else None
    found = _proposed(versions, now, before, options)
    if found.note is not None or options.dry_run:
        return found
    text = versions.tree.read(found.path).decode()
    text = set_version(text, found.path, found.after)
    if options.message is not None:
        text = set_changelog(text, found.path, options.message)
    write_text(versions.root / found.path, text, root=versions.root)
    return replace(found, written=True)


def check_bumps(surroundings: Surroundings, base: str | None) -> tuple[Fault, ...]:
    """What is wrong with the versions that prompts claim, held against what is committed.

    Args:
        surroundings: The outside world.
        base: A git revision in place of `HEAD`.

    Raises:
        InvalidInputError: Something is wrong with the files, or the base is no commit.
        UnavailableError: Git is missing or refuses.
    """
    opened = open_project(surroundings)
    asked = base or head_of(opened.versions)
    return tuple(check_versions(opened, VersionOptions(base=asked))) if asked is not None else ()


def _before(versions: Versions, name: str, base: str) -> PromptVersion | None:
    try:
        return versions.at(name, base)
    except InvalidInputError as error:
        if error.faults[0].code == "unknown-prompt":
            return None
        raise


def _proposed(
    versions: Versions, now: PromptVersion, before: PromptVersion | None, options: BumpOptions
) -> Bump:
    change = change_between(before, now) if before is not None else None
    claimed = claim_of(now)
    found = Bump(
        prompt=now.prompt.name,
        path=now.prompt.path,
        base=before.commit if before is not None else None,
        before=claim_of(before) if before is not None else None,
        claimed=claimed,
        after=claimed or FIRST,
        step=change.step if change is not None else "none",
        change=change,
    )
    if found.before is None:
        note = "there is no earlier version to compare with" if claimed is not None else None
        return replace(found, note=note)
    if found.step == "none":
        return _unchanged(found, found.before)
    return _raised(found, found.before, options, contents_of(versions.timeline(now.name)), now)


def _unchanged(found: Bump, was: str) -> Bump:
    """The same content keeps its version; one that was taken back or away comes back."""
    if found.claimed is None or is_older(found.claimed, was):
        return replace(found, after=was)
    return replace(found, note=f"same content as {was}")


def _raised(
    found: Bump, was: str, options: BumpOptions, contents: Contents, now: PromptVersion
) -> Bump:
    step = options.step or found.step
    if _STEPS.index(step) < _STEPS.index(found.step):
        reason = because(found.change) if found.change is not None else ""
        raise InvalidInputError(
            f"a {step} step is too small: {reason}",
            code="version-step",
            hint=f"write --step {found.step}, or leave it out",
        )
    after = free_version(next_version(was, step), now.content_hash, contents)
    claimed = found.claimed
    free = claimed is not None and free_version(claimed, now.content_hash, contents) == claimed
    if claimed is not None and free and is_enough(was, claimed, step):
        return replace(found, note=f"{claimed} is enough for a {step} change since {was}")
    return replace(found, after=after)
