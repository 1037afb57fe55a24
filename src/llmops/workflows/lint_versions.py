"""Hold the version that each prompt claims against its content and its history."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.errors import Fault, InvalidInputError
from llmops.versions.claims import claim_fault, contents_of, reused_before, reused_now
from llmops.versions.finder import Versions
from llmops.versions.version import PromptVersion
from llmops.workflows.base import changed_prompt_files, find_held, prompts_reached
from llmops.workflows.project import OpenProject


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOptions:
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
    for prompt in opened.project.prompts.values():
        if prompt.name in reached or options.history:
            yield from _check(versions, prompt, held.base.commit, options)


def _check(
    versions: Versions, prompt: Prompt, base: str, options: VersionOptions
) -> Iterator[Fault]:
    try:
        now = versions.in_work_tree(Text(prompt.name, prompt.at))
    except InvalidInputError:  # it cannot be sent; another check says so
        return
    before = version_at(versions, prompt.name, base)
    fault = claim_fault(before, now) if before is not None else None
    if fault is not None:
        yield fault
        return
    same = before is not None and before.content_hash == now.content_hash
    if same and not options.history:
        return
    contents = contents_of(versions.timeline(prompt.name))
    reused = reused_now(now, contents)
    if reused is not None:
        yield reused
    if options.history:
        yield from reused_before(now, contents)


def version_at(versions: Versions, name: str, commit: str) -> PromptVersion | None:
    """A prompt at a commit; None where it was not there or cannot be read."""
    try:
        return versions.at(name, commit)
    except InvalidInputError:
        return None
