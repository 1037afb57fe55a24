"""Open a project: its tree, its files read and checked, and what plans are made with."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.loading.functions import FunctionLoader, add_to_path
from llmops.loading.project import load_config, load_project, load_prompt
from llmops.loading.prompts import unknown_prompt
from llmops.loading.tree import LimitedTree, WorkTree, find_root
from llmops.location import Location
from llmops.providers.keys import read_dotenv
from llmops.rendering.prompt import PromptRenderer
from llmops.scoring.registry import ScorerResources, load_installed, load_plugins
from llmops.versions.finder import Versions
from llmops.versions.version import PromptVersion


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the outside world is to a command; handed in, so that nothing reads it unasked.

    Attributes:
        folder: Where the command was called.
        environment: Environment variables.
        untrusted: Whether the project's files come from somebody who must not run code here.
    """

    folder: Path
    environment: Mapping[str, str]
    untrusted: bool = False


class Earlier(Struct, frozen=True, kw_only=True):
    """Recordings as they stood at a commit.

    Attributes:
        tree: The project's files there.
        folder: The folder of recordings there.
    """

    tree: Tree
    folder: str


class OpenProject(Struct, kw_only=True):
    """A project that was read, with what renders and scores for it.

    Attributes:
        root: The project's folder.
        environment: The outside's, and what the project's `.env` adds.
        earlier: Where recordings are read from too; what is recorded there holds.
    """

    root: Path
    project: Project
    environment: Mapping[str, str]
    functions: FunctionLoader
    untrusted: bool
    earlier: Earlier | None = None
    _renderer: PromptRenderer | None = None
    _versions: Versions | None = None

    @property
    def config(self) -> Config:
        """The project's configuration."""
        return self.project.config

    @property
    def renderer(self) -> PromptRenderer:
        """Renders prompts as they stand in the work tree."""
        if self._renderer is None:
            self._renderer = PromptRenderer(self.project.tree, self.config.prompts)
        return self._renderer

    @property
    def resources(self) -> ScorerResources:
        """Files and functions for scorers."""
        return ScorerResources(
            read_file=self._read,
            load_function=self.functions.load,
            load_installed=None if self.untrusted else load_installed,
        )

    @property
    def versions(self) -> Versions:
        """The versions of the project's prompts."""
        if self._versions is None:
            self._versions = Versions(
                root=self.root,
                tree=self.project.tree,
                config=self.config,
                read_prompt=partial(_read_prompt, self.project),
                renderer=self.renderer,
            )
        return self._versions

    def find_prompt(self, text: Text) -> PromptVersion:
        """The version of a prompt that a name means, with or without `@REF`.

        Raises:
            InvalidInputError: There is no such prompt or ref.
            UnavailableError: Git is needed, and missing or refuses.
        """
        return self.versions.find(text)

    def _read(self, path: str, at: Location) -> bytes:
        try:
            return self.project.tree.read(path)
        except InvalidInputError as error:
            raise InvalidInputError.of(
                [
                    Fault(
                        code=fault.code, message=fault.message, at=fault.at or at, hint=fault.hint
                    )
                    for fault in error.faults
                ]
            ) from None


def open_project(
    surroundings: Surroundings, govern: Callable[[Config], Config] | None = None
) -> OpenProject:
    """Read the project that a folder belongs to, and load its plug-ins.

    Args:
        surroundings: The outside world.
        govern: Lays the policy of elsewhere over the configuration, before anything is loaded.

    Raises:
        InvalidInputError: All that is wrong with its files.
    """
    root = find_root(surroundings.folder)
    trusted = not surroundings.untrusted
    tree = WorkTree(root, trusted=trusted)
    project = load_project(tree)
    if govern is not None:
        project = replace(project, config=govern(project.config))
    functions = FunctionLoader(root=root, trusted=trusted)
    if trusted:
        _load_plugins(project.config, root)
    else:
        _refuse(project.config)
    return OpenProject(
        root=root,
        project=project,
        environment=environment_of(root, surroundings),
        functions=functions,
        untrusted=surroundings.untrusted,
    )


def open_versions(surroundings: Surroundings) -> Versions:
    """Open the versions of a project, of which nothing but its configuration is read.

    Raises:
        InvalidInputError: The configuration is wrong.
    """
    root, config = open_config(surroundings)
    tree = LimitedTree(WorkTree(root, trusted=not surroundings.untrusted), config.limits)
    return Versions(
        root=root,
        tree=tree,
        config=config,
        read_prompt=lambda named: load_prompt(tree, config, named.text),
        renderer=PromptRenderer(tree, config.prompts),
    )


def open_config(surroundings: Surroundings) -> tuple[Path, Config]:
    """Read a project's configuration only.

    Raises:
        InvalidInputError: It is wrong.
    """
    root = find_root(surroundings.folder)
    return root, load_config(WorkTree(root, trusted=not surroundings.untrusted))


def environment_of(root: Path, surroundings: Surroundings) -> Mapping[str, str]:
    """The environment, and what the project's `.env` adds in a trusted run.

    Raises:
        InvalidInputError: The file is broken.
    """
    path = root / ".env"
    if surroundings.untrusted or not path.is_file():
        return surroundings.environment
    return {**read_dotenv(path.read_bytes()), **surroundings.environment}


def _load_plugins(config: Config, root: Path) -> None:
    if config.plugins:
        add_to_path(root)
        load_plugins(config.plugins, config.plugins_at)


def _refuse(config: Config) -> None:
    """A stranger's file must neither bring code nor say where a key goes."""
    refused = [
        (f"the plug-in '{name}' is not loaded in an untrusted run", config.plugins_at)
        for name in config.plugins
    ]
    refused += [
        (f"the model '{model.label}' sends the key {model.key} to {model.api_base}", model.at)
        for model in config.models.values()
        if model.api_base is not None and model.key is not None
    ]
    hint = "review the change and run it without --untrusted"
    faults = [Fault(code="untrusted", message=words, at=at, hint=hint) for words, at in refused]
    if faults:
        raise InvalidInputError.of(faults)


def _read_prompt(project: Project, named: Text) -> Prompt:
    prompt = project.prompts.get(named.text)
    if prompt is None:
        raise InvalidInputError.of([unknown_prompt(named.text, project.prompts, named.at)])
    return prompt
