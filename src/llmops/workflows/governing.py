"""The base of a change, read; and its policy laid over what the change says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmops.comparing.policy import new_hosts
from llmops.domain.config import Config, Model
from llmops.domain.project import Project
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError, NoComparisonError
from llmops.history.repository import Repository
from llmops.loading.project import load_project
from llmops.versions.base import Base, find_base
from llmops.versions.finder import Versions
from llmops.workflows.project import Earlier, OpenProject, Surroundings, open_project, open_versions

_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
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
    base = find_base(repository, surroundings.environment, asked, dirty=dirty)
    tree = versions.project_tree(base.commit)
    before = _read(tree, base)
    opened = open_project(surroundings, lambda config: govern(config, before.config))
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
