"""A tree in, its whole project out: configuration, prompts and suites, read and held together."""

from collections.abc import Iterable

from llmops.domain.config import Config
from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Suite
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.loading.collector import collector_paused
from llmops.loading.complaints import all_of
from llmops.loading.config import load_config, resolve_model
from llmops.loading.cross_checks import base_name, named_prompts, prompt_faults, suite_faults
from llmops.loading.files import read_yaml
from llmops.loading.prompts import PromptReader, prompt_paths, unknown_prompt
from llmops.loading.readers import Faults
from llmops.loading.suites import read_suite
from llmops.loading.tree import LimitedTree
from llmops.location import Location

__all__ = ["load_config", "load_project", "load_prompt", "load_suite", "resolve_model"]

_SUFFIXES = (".yaml", ".yml")


def load_project(tree: Tree) -> Project:
    """Read all of a project.

    Returns:
        The project. Its tree holds files to the limits that the project itself sets.

    Raises:
        InvalidInputError: All that is wrong in all of its files, sorted by place. Where the
            configuration is wrong, what depends on it is not complained of.
    """
    faults: Faults = []
    config = _config_or_defaults(tree, faults)
    configured = not faults
    limited = LimitedTree(tree, config.limits)
    with collector_paused():
        reader = _prompt_reader(limited, config, faults)
        known = {name: reader.read(name) for name in reader.paths}
        suites = _read_suites(limited, config, faults)
    prompts = {name: prompt for name, prompt in known.items() if prompt is not None}
    if configured:
        for prompt in prompts.values():
            faults += prompt_faults(prompt, config)
        for suite in suites.values():
            faults += suite_faults(suite, known, config)
    if faults:
        raise all_of(faults)
    return Project(tree=limited, config=config, prompts=prompts, suites=suites)


def load_prompt(tree: Tree, config: Config, name: str) -> Prompt:
    """Read one prompt and what it extends, and nothing else.

    Args:
        tree: The project's files.
        config: The project's configuration.
        name: The path below the folder of prompts without suffix.

    Raises:
        InvalidInputError: There is no such prompt, or all that is wrong with it.
    """
    faults: Faults = []
    reader = _prompt_reader(LimitedTree(tree, config.limits), config, faults)
    if name not in reader.paths:
        raise all_of([unknown_prompt(name, reader.paths, None)])
    prompt = reader.read(name)
    if prompt is not None:
        faults += prompt_faults(prompt, config)
    if prompt is None or faults:
        raise all_of(faults)
    return prompt


def load_suite(tree: Tree, config: Config, path: str) -> Suite:
    """Read one suite and hold it to the prompts it names, and read nothing else.

    Args:
        tree: The project's files.
        config: The project's configuration.
        path: The suite's file, relative to the root.

    Raises:
        InvalidInputError: There is no such file, or all that is wrong with the suite and its
            prompts.
    """
    faults: Faults = []
    limited = LimitedTree(tree, config.limits)
    with collector_paused():
        suite = _read_suite(limited, config, path, faults)
    if suite is not None:
        reader = _prompt_reader(limited, config, faults)
        wanted = {base_name(text) for text in named_prompts(suite)}
        known = {name: reader.read(name) for name in sorted(wanted) if name in reader.paths}
        for prompt in known.values():
            faults += prompt_faults(prompt, config) if prompt is not None else []
        faults += suite_faults(suite, dict.fromkeys(reader.paths) | known, config)
    if suite is None or faults:
        raise all_of(faults)
    return suite


def _config_or_defaults(tree: Tree, faults: Faults) -> Config:
    try:
        return load_config(tree)
    except InvalidInputError as error:
        faults += error.faults
        return Config()


def _prompt_reader(tree: Tree, config: Config, faults: Faults) -> PromptReader:
    paths = _listed(tree.paths(config.prompts), faults)
    named = prompt_paths(paths, config.prompts)
    return PromptReader(tree=tree, config=config, paths=named, faults=faults)


def _listed(paths: Iterable[str], faults: Faults) -> list[str]:
    """The files; a path that ends in a slash is a folder that could not be looked into."""
    listed = []
    for path in paths:
        if path.endswith("/"):
            message, hint = f"the folder '{path}' cannot be listed", "look at its permissions"
            at = Location(path)
            faults.append(Fault(code="unreadable", message=message, at=at, hint=hint))
        else:
            listed.append(path)
    return listed


def _read_suites(tree: Tree, config: Config, faults: Faults) -> dict[str, Suite]:
    files: dict[str, str] = {}
    suites: dict[str, Suite] = {}
    for path in sorted(_listed(tree.paths(config.suites), faults)):
        if not path.endswith(_SUFFIXES):
            continue
        name = _suite_name(path, config)
        first = files.setdefault(name, path)
        if first != path:
            message, hint = f"the suite '{name}' is also in {first}", "keep one of the two files"
            at = Location(path)
            faults.append(Fault(code="duplicate-suite", message=message, at=at, hint=hint))
            continue
        suite = _read_suite(tree, config, path, faults)
        if suite is not None:
            suites[name] = suite
    return dict(sorted(suites.items()))


def _read_suite(tree: Tree, config: Config, path: str, faults: Faults) -> Suite | None:
    name = _suite_name(path, config)
    if "::" in name or not name.isprintable():
        why = "'::' has a meaning of its own" if "::" in name else "it cannot be printed"
        message = f"{name!r} cannot be a suite's name: {why}"
        at, hint = Location(path), "rename the file"
        faults.append(Fault(code="suite-name", message=message, at=at, hint=hint))
    try:
        node = read_yaml(tree, path, Location(path), config.limits)
    except InvalidInputError as error:
        faults += error.faults
        return None
    return read_suite(node, name, faults)


def _suite_name(path: str, config: Config) -> str:
    return path.removeprefix(f"{config.suites}/").rpartition(".")[0]
