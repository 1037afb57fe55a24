"""The base of a change, read; and its policy laid over what the change says of itself."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from llmops.comparing.policy import new_hosts
from llmops.domain.config import Config, Model
from llmops.domain.project import Project
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError, NoComparisonError
from llmops.history.repository import Repository
from llmops.loading.project import load_project
from llmops.reporting.terminal import in_ci
from llmops.running.keeping.run_names import FOLDER
from llmops.versions.base import Base, find_base
from llmops.versions.finder import Versions
from llmops.workflows.opening.project import (
    Earlier,
    OpenProject,
    Surroundings,
    open_project,
    open_versions,
)
from llmops.workflows.schema import SCHEMA_FILES

_SHORT = 12
_OWN = (".llmops",)


class Governed(Struct, frozen=True, kw_only=True):
    """A project under the policy of its base.

    Attributes:
        opened: As it stands now, its configuration governed by the base's.
        own: The configuration as the change has it.
        base: The commit, and how it was found.
        before: The project at the base.
    """

    opened: OpenProject
    own: Config
    base: Base
    before: Project

    @property
    def commit(self) -> str:
        """The base's full id."""
        return self.base.commit


def open_governed(surroundings: Surroundings, asked: str | None) -> Governed:
    """Open a project under the policy of its base. Nothing of the change is loaded before.

    Args:
        surroundings: The outside world.
        asked: The base, as the user wrote it; None to find it.

    Raises:
        InvalidInputError: What is asked for is no commit, or something is wrong with the files.
        NoComparisonError: There is no base, or it cannot be read.
        UnavailableError: Git is missing or refuses.
    """
    versions = open_versions(surroundings)
    repository = _repository(versions)
    dirty = repository.state().dirty is not None
    outside = surroundings.environment
    base = find_base(repository, outside, asked, dirty=dirty, in_ci=in_ci(outside))
    tree = versions.project_tree(base.commit)
    before = _read(tree, base)
    opened = open_project(surroundings, lambda config: govern(config, before.config))
    _check_not_in_git(opened, versions, before.config.cache.path)
    earlier = Earlier(tree=tree, folder=before.config.recordings)
    return Governed(
        opened=replace(opened, earlier=earlier), own=versions.config, base=base, before=before
    )


def govern(config: Config, base: Config) -> Config:
    """A configuration that spends, trusts and judges as the base's does.

    A key goes to a host only if the base pairs the two. A plug-in that the change brings is not
    loaded; one that it takes away is not either.
    """
    strange = new_hosts(base, config)
    return replace(
        config,
        gate=base.gate,
        budget=base.budget,
        cache=base.cache,
        judge=base.judge,
        otel=base.otel,
        plugins=tuple(name for name in base.plugins if name in config.plugins),
        protected_labels=base.protected_labels,
        models={
            name: replace(model, key=None) if name in strange else model
            for name, model in config.models.items()
        },
    )


def models_at_base(governed: Governed) -> Mapping[str, Model]:
    """The base's aliases; one that means another model now has a label that tells them apart."""
    now = governed.opened.config.models
    return {
        name: model
        if name in now and replace(now[name], at=model.at) == model
        else replace(model, label=f"{model.label} (base)")
        for name, model in governed.before.config.models.items()
    }


def _repository(versions: Versions) -> Repository:
    try:
        return versions.loader.repository
    except InvalidInputError as error:
        fault = error.faults[0]
        if fault.code != "no-repository":
            raise
        raise NoComparisonError(
            fault.message, code="no-base", hint="the gate holds a change against a commit of git"
        ) from None


def _check_not_in_git(opened: OpenProject, versions: Versions, cache: str) -> None:
    """Refuse answers that may be the change's own: a cache or runs that came with the files.

    Schemas for editors hold no answers, and `llmops init` lets them into git.
    """
    root, loader = opened.root.resolve(), versions.loader
    kept = {(root / path).resolve() for path in (cache, FOLDER)} | {root / path for path in _OWN}
    top = loader.repository.top.resolve()
    inside = sorted(str(path.relative_to(top)) for path in kept if path.is_relative_to(top))
    found = loader.repository.run("ls-files", "-z", "--", *inside) if inside else ""
    schemas = {str((root / name).relative_to(top)) for name in SCHEMA_FILES.values()} - {*inside}
    if bringing := [name for name in found.split("\0") if name and name not in schemas]:
        raise InvalidInputError(
            f"{bringing[0]} is in git, so what it holds is the change's own word",
            code="kept-in-git",
            hint=f"'git rm -r --cached' it, and add '{_OWN[0]}/*' to .gitignore",
        )


def _read(tree: Tree, base: Base) -> Project:
    try:
        return load_project(tree)
    except InvalidInputError as error:
        raise unreadable(base.commit, error) from None


def unreadable(commit: str, error: InvalidInputError) -> NoComparisonError:
    """What to say of a base whose files are wrong: there is no policy to hold the change to."""
    fault = error.faults[0]
    place = f"{fault.at}: " if fault.at else ""
    return NoComparisonError(
        f"the project cannot be read at the base {commit[:_SHORT]}: {place}{fault.message}",
        code="unreadable-base",
        hint="name another base with --base",
    )
