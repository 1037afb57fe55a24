"""The commit that the prompts of the work tree are held against, and which of them differ."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.errors import Fault, InvalidInputError, LlmopsError, NoComparisonError
from llmops.history.differences import changed_since
from llmops.history.refs import resolve_ref
from llmops.versions.base import Base, find_base
from llmops.versions.finder import Versions
from llmops.versions.prompt_reach import PromptReach

_NO_GIT = ("no-repository", "no-git")


class Held(Struct, frozen=True, kw_only=True):
    """What the work tree is held against.

    Attributes:
        base: None where there is nothing to hold it against.
        warnings: What the user should know of it.
    """

    base: Base | None
    warnings: tuple[Fault, ...] = ()


def find_held(versions: Versions, environment: Mapping[str, str], asked: str | None) -> Held:
    """Find the base of the prompts: asked for, else found as CI systems and git name it, else HEAD.

    Args:
        versions: Of the project.
        environment: Variables of the outside world.
        asked: A git revision; then it is an error when there is no such thing.

    Raises:
        InvalidInputError: What is asked for, or named by `LLMOPS_BASE`, is no commit; or a revision
            is asked for, and there is no repository.
        NoComparisonError: A revision is asked for, and nothing is committed yet.
        UnavailableError: Git refuses.
    """
    if asked is not None:
        return Held(base=find_base(versions.loader.repository, environment, asked, dirty=True))
    head = head_of(versions)
    if head is None:
        return Held(base=None)
    repository = versions.loader.repository
    try:
        dirty = bool(changed_prompt_files(versions, head))
        return Held(base=find_base(repository, environment, None, dirty=dirty))
    except NoComparisonError as error:
        base = Base(commit=head, why="the commit that is checked out")
        return Held(base=base, warnings=_unchecked(error) if repository.shallow else ())


def head_of(versions: Versions) -> str | None:
    """The full id of the commit that is checked out; None without git, repository or commit.

    Raises:
        UnavailableError: Git refuses.
    """
    try:
        repository = versions.loader.repository
    except LlmopsError as error:
        if error.faults[0].code in _NO_GIT:
            return None
        raise
    return resolve_ref(repository, "HEAD")


def changed_prompt_files(versions: Versions, commit: str) -> frozenset[str]:
    """The files below the folder of prompts that are not as they were at a commit.

    Raises:
        UnavailableError: Git refuses.
    """
    loader = versions.loader
    prefix = f"{versions.config.prompts}/"
    changes = changed_since(loader.repository, commit, loader.folder)
    return frozenset(path for path in changes if path.startswith(prefix))


def prompts_reached(project: Project, changed: frozenset[str]) -> Iterator[Prompt]:
    """The prompts whose own files, or those they are made of, are among the changed ones."""
    if not changed:
        return
    own = {path for prompt in project.prompts.values() for path in (prompt.path, *prompt.lineage)}
    others = changed - own
    reach = PromptReach(project=project)
    for prompt in project.prompts.values():
        if not changed.isdisjoint((prompt.path, *prompt.lineage)) or (
            others and _is_made_of(reach, prompt, others)
        ):
            yield prompt


def _is_made_of(reach: PromptReach, prompt: Prompt, others: frozenset[str]) -> bool:
    try:
        return not others.isdisjoint(reach.files(prompt))
    except InvalidInputError:  # it cannot be sent; another check says so
        return False


def _unchecked(error: NoComparisonError) -> tuple[Fault, ...]:
    """In a shallow clone the base may be what is missing."""
    fault = error.faults[0]
    return (
        Fault(
            code=fault.code,
            message=f"claimed versions were not checked: {fault.message}",
            hint=fault.hint,
            severity="warning",
        ),
    )
