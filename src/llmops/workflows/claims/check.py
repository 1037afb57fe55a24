"""Hold the version that each prompt claims against its content and its history."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.errors import Fault, InvalidInputError
from llmops.history.contents import contents_ever
from llmops.versions.claims import claim_fault, claim_of, contents_of, reused_before, reused_now
from llmops.versions.finder import Versions
from llmops.versions.version import PromptVersion
from llmops.workflows.claims.base import changed_prompt_files, find_held, prompts_reached
from llmops.workflows.opening.project import OpenProject

_MANY = 500
"""For more prompts than these git is asked about their folder."""


class VersionOptions(Struct, frozen=True, kw_only=True):
    """How claimed versions are checked.

    Attributes:
        base: A git revision to hold the work tree against; None for the one that is found.
        history: Whether every prompt's whole history is read, too.
    """

    base: str | None = None
    history: bool = False


def check_versions(opened: OpenProject, options: VersionOptions) -> Iterator[Fault]:
    """Check the versions that prompts claim; without git or a commit there is nothing to check.

    Only prompts that are not as they were at the base are read there, and their histories.

    Raises:
        InvalidInputError: The base that is asked for is no commit.
        NoComparisonError: A base is asked for, and nothing is committed yet.
        UnavailableError: Git refuses.
    """
    versions = opened.versions
    held = find_held(versions, opened.environment, options.base)
    yield from held.warnings
    if held.base is None:
        return
    changed = changed_prompt_files(versions, held.base.commit)
    reached = {prompt.name for prompt in prompts_reached(opened.project, changed)}
    chosen = [
        prompt
        for prompt in opened.project.prompts.values()
        if prompt.name in reached or options.history
    ]
    well: list[PromptVersion] = []
    for prompt in chosen:
        found = _standing(versions, prompt, held.base.commit)
        if isinstance(found, Fault):
            yield found
        elif found is not None:
            well.append(found)
    if options.history:
        yield from _all_reused(versions, well)
    else:
        yield from _reused(versions, well)


def _standing(versions: Versions, prompt: Prompt, base: str) -> PromptVersion | Fault | None:
    """A prompt of the work tree, or what is wrong with its claim; None if it cannot be sent."""
    try:
        now = versions.in_work_tree(Text(prompt.name, prompt.at))
    except InvalidInputError:  # another check says why
        return None
    try:
        before = versions.at(prompt.name, base)
    except InvalidInputError:  # it was not there, or could not be read
        return now
    return claim_fault(before, now) or now


def _reused(versions: Versions, chosen: Sequence[PromptVersion]) -> Iterator[Fault]:
    """Versions that meant something else; whole histories are read only where one did."""
    by_path = {versions.loader.in_repository(now.prompt.path): now for now in chosen}
    if not by_path:
        return
    paths = (
        [*by_path]
        if len(by_path) <= _MANY
        else [versions.loader.in_repository(versions.config.prompts)]
    )
    contents = contents_ever(versions.loader.repository, versions.head, paths)
    for path, now in by_path.items():
        if any(_differs(versions, now, *one) for one in contents.get(path, {}).items()):
            fault = reused_now(now, contents_of(versions.timeline(now.prompt.name)))
            yield from () if fault is None else (fault,)


def _differs(versions: Versions, now: PromptVersion, content: str, commit: str) -> bool:
    """Whether a content of the prompt's file claimed the same version and was not the same."""
    claimed = claim_of(now)
    if claimed is None or not content.strip("0"):
        return False
    data, _size = versions.loader.objects.blob(content, versions.config.limits.yaml_bytes)
    if claimed.encode() not in data:
        return False
    loaded = versions.loader.load(now.prompt.path, commit)
    if loaded is None or loaded.claimed != claimed:
        return False
    return loaded.content_hash != now.content_hash


def _all_reused(versions: Versions, chosen: Sequence[PromptVersion]) -> Iterator[Fault]:
    for now in chosen:
        contents = contents_of(versions.timeline(now.prompt.name))
        fault = reused_now(now, contents)
        yield from () if fault is None else (fault,)
        yield from reused_before(now, contents)
