"""What a suite is made of but for its prompts: files, and rules where files cannot be named."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from llmops.domain.config import Config, Model
from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Assertion, CaseEntry, Suite
from llmops.errors import InvalidInputError
from llmops.loading.paths import clean_path
from llmops.versions.prompt_reach import plain_path

_INCLUDING = re.compile(rb"\{%[-+]?\s*(?:include|import|extends|from)\b")
_TEMPLATE = re.compile(r"\{[{%#]")
_PYTHON = "python"
_LONGEST_PATH = 255
_SUITE_BYTES = 2**30


class SuiteReach(Struct, frozen=True):
    """What a suite is made of, but for its prompts. All values say what it is to the suite.

    Attributes:
        files: Paths from the project's root.
        beginnings: The beginnings of paths that templates name row by row.
        words: Texts of assertions that are paths where such a file is.
        code: Why any Python file of the repository may be part of it; empty when none may be.
        anything: Why any file may be; empty when none may be.
    """

    files: dict[str, str] = field(default_factory=dict)
    beginnings: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)
    anything: list[str] = field(default_factory=list)

    def name(self, path: str, via: str) -> None:
        """Take in a file by its path, or by the words that a template begins with."""
        template = _TEMPLATE.search(path)
        if template is not None:
            self.beginnings.setdefault(plain_path(path[: template.start()]), via)
        elif (normal := _normal(path)) is not None:
            self.files.setdefault(normal, via)


def reach_of_suite(project: Project, suite: Suite, models: Iterable[Model]) -> SuiteReach:
    """Find what a suite is made of, its prompts left out.

    What Python code, plug-ins and applications read by themselves is not known: a suite that runs
    them depends on every Python file, or on every file.

    Args:
        project: As it stands in the work tree.
        suite: One of its suites.
        models: The models that it runs on.
    """
    config = project.config
    reach = SuiteReach()
    reach.files[suite.path] = ""
    recordings = f"{config.recordings}/{suite.name}.jsonl"
    reach.files.update(dict.fromkeys((recordings, f"{recordings}.gz"), "its recordings"))
    for model in models:
        if model.script is not None:
            reach.name(model.script, f"the script of the model '{model.label}'")
    for entry in suite.entries:
        _add_entry(reach, entry)
    for assertion in _assertions(suite):
        _add_assertion(reach, assertion)
    if _INCLUDING.search(project.tree.read(suite.path, limit=_SUITE_BYTES)):
        reach.beginnings[f"{config.prompts}/"] = f"{suite.path} has templates with partials"
    if config.plugins:
        reach.code.append("the plug-ins are made of Python")
    if suite.target is not None:
        reach.anything.append(f"the target at {suite.target.at} may be made of it")
    return reach


def named_models(suite: Suite, prompts: Iterable[Prompt], asked: Sequence[str]) -> tuple[str, ...]:
    """The names of the models that a suite can run on.

    Args:
        suite: The suite.
        prompts: What it tests.
        asked: In place of its own models; empty for those.
    """
    if suite.target is not None:
        return ()
    own = [prompt.model.text for prompt in prompts if prompt.model is not None]
    written = [text.text for text in suite.models]
    return tuple(dict.fromkeys(asked or written or own))


def models_called(names: Iterable[str], config: Config) -> list[Model]:
    """The models that names mean where they are aliases; a full name has nothing to look up."""
    return [config.models[name] for name in names if name in config.models]


def _add_entry(reach: SuiteReach, entry: CaseEntry) -> None:
    if entry.dataset is not None:
        reach.name(entry.dataset.text, f"the dataset at {entry.dataset.at}")
    if entry.inputs is None:
        return
    for child in entry.inputs.values():
        path = child.get("file") if child.kind == "mapping" else None
        if path is not None:
            reach.name(path.typed, f"the input at {path.at}")


def _assertions(suite: Suite) -> Iterator[Assertion]:
    yield from suite.assertions
    for step in suite.steps:
        yield from step.assertions
    for entry in suite.entries:
        yield from entry.assertions
        for turn in entry.conversation:
            yield from turn.assertions


def _add_assertion(reach: SuiteReach, assertion: Assertion) -> None:
    via = f"the assertion at {assertion.at}"
    for key, text in _texts(assertion.scorer, assertion.arguments.value):
        if key == "file":
            reach.name(text, via)
        elif len(text) <= _LONGEST_PATH and (path := _normal(text)) is not None:
            reach.words.setdefault(path, via)
        if key == _PYTHON:
            reach.code.append(f"{via} runs Python")


def _texts(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Every text below a key, with the nearest key above it."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _texts(key if key == _PYTHON else name, child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _texts(key, child)


def _normal(path: str) -> str | None:
    """A path without empty parts and `.`; None for one that is never opened."""
    try:
        return clean_path(path)
    except InvalidInputError:
        return None
