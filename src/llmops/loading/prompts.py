"""Prompt files in, prompts out, each with what it extends merged in."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields, replace

from llmops.domain.config import Config
from llmops.domain.prompt import Message, Placeholder, Prompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.examples import bind_example
from llmops.loading.files import read_yaml
from llmops.loading.prompt_files import PromptFile, read_prompt_file
from llmops.loading.readers import Faults
from llmops.loading.references import Source
from llmops.loading.tools import read_choice
from llmops.location import Location

_SUFFIXES = (".yaml", ".yml")
_MERGED = ("parameters", "inputs", "metadata")
"""What a prompt adds to in what it extends; everything else it replaces."""
_OWN = ("path", "at", "version", "changelog", "extends")
"""What a prompt never takes over: it is said of one file."""


class PromptReader(Struct, kw_only=True):
    """Reads a project's prompts, each file once.

    Attributes:
        paths: The files of each prompt, by name.
        faults: All that is wrong with what was read so far.
    """

    tree: Tree
    config: Config
    paths: Mapping[str, tuple[str, ...]]
    faults: Faults = field(default_factory=list)
    _files: dict[str, PromptFile | None] = field(default_factory=dict)

    def read(self, name: str) -> Prompt | None:
        """One prompt by its name, which must be one of `paths`.

        Returns:
            The prompt, or None when it or what it extends is wrong; then `faults` says what.
        """
        chain = self._chain(name)
        if chain is None:
            return None
        merged = chain[-1]
        for extending in reversed(chain[:-1]):
            merged = _merge(extending, merged)
        lineage = tuple(file.path for file in chain[1:])
        return self._build(name, merged, lineage)

    def _chain(self, name: str) -> list[PromptFile] | None:
        """The file of a prompt, the file it extends, and so on; None when one is wrong."""
        names, chain = [name], [self._file(name)]
        while chain[-1] is not None and chain[-1].extends is not None:
            base = chain[-1].extends
            if base.text not in self.paths:
                self._complain(unknown_prompt(base.text, self.paths, base.at))
                return None
            if base.text in names:
                self._complain_of_cycle(names[names.index(base.text) :])
                return None
            names.append(base.text)
            chain.append(self._file(base.text))
        found = [file for file in chain if file is not None]
        return found if len(found) == len(chain) else None

    def _complain_of_cycle(self, names: list[str]) -> None:
        """Complain once of a cycle, at its first prompt by name."""
        start = names.index(min(names))
        cycle = [*names[start:], *names[: start + 1]]
        file = self._file(cycle[0])
        at = file.extends.at if file is not None and file.extends is not None else None
        message = f"the prompt extends itself: {' → '.join(cycle)}"
        hint = "let one of them extend nothing"
        self._complain(Fault(code="extends-cycle", message=message, at=at, hint=hint))

    def _complain(self, fault: Fault) -> None:
        if fault not in self.faults:
            self.faults.append(fault)

    def _file(self, name: str) -> PromptFile | None:
        if name not in self._files:
            self._files[name] = self._read_file(name)
        return self._files[name]

    def _read_file(self, name: str) -> PromptFile | None:
        path, *others = self.paths[name]
        for other in others:
            message, hint = f"the prompt '{name}' is also in {path}", "keep one of the two files"
            at = Location(other)
            self._complain(Fault(code="duplicate-prompt", message=message, at=at, hint=hint))
        fault = _name_fault(name, path)
        if fault is not None:
            self._complain(fault)
        try:
            node = read_yaml(self.tree, path, Location(path), self.config.limits)
        except InvalidInputError as error:
            self.faults += error.faults
            return None
        source = Source(tree=self.tree, path=path, limits=self.config.limits)
        file = read_prompt_file(node, source, self.faults)
        return None if others or fault else file

    def _build(self, name: str, file: PromptFile, lineage: tuple[str, ...]) -> Prompt | None:
        messages = _messages(file)
        if not messages:
            hint = "add 'user: …' or 'messages:'"
            self._complain(
                Fault(code="no-message", message="the prompt says nothing", at=file.at, hint=hint)
            )
            return None
        before = len(self.faults)
        tools, choice = file.tools or (), file.tool_choice
        chosen = read_choice(choice, tools, self.faults) if choice is not None else None
        if len(self.faults) > before:
            return None
        return Prompt(
            name=name,
            path=file.path,
            messages=messages,
            at=file.at,
            version=file.version,
            description=file.description,
            model=file.model,
            parameters=file.parameters,
            inputs=file.inputs,
            examples=tuple(bind_example(one, file.inputs) for one in file.examples or ()),
            tools=tools,
            tool_choice=chosen,
            output=file.output,
            changelog=file.changelog,
            metadata=file.metadata,
            extends=file.extends,
            lineage=lineage,
            tree_path=self.config.prompts,
        )


def unknown_prompt(name: str, known: Iterable[str], at: Location | None) -> Fault:
    """The complaint about a name that no prompt has."""
    names = list(known)
    listing = f"the prompts are {', '.join(names[:8])}" if names else "there is no prompt yet"
    return Fault(
        code="unknown-prompt",
        message=f"no prompt is called '{name}'",
        at=at,
        hint=did_you_mean(name, names) or listing,
    )


def prompt_paths(paths: Iterable[str], folder: str) -> dict[str, tuple[str, ...]]:
    """The files of prompts by the prompts' names, sorted.

    Args:
        paths: Files below the folder, relative to the root.
        folder: The folder of prompts. `labels.yaml` in it and everything below a folder called
            `partials` are no prompts.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(paths):
        name, suffix = _split(path.removeprefix(f"{folder}/"))
        is_partial = "partials" in name.split("/")[:-1]
        if suffix in _SUFFIXES and not is_partial and name != "labels":
            found[name] = (*found.get(name, ()), path)
    return dict(sorted(found.items()))


def _split(path: str) -> tuple[str, str]:
    stem, dot, suffix = path.rpartition(".")
    return (stem, dot + suffix) if dot else (path, "")


def _name_fault(name: str, path: str) -> Fault | None:
    if "@" not in name and "::" not in name and name.isprintable():
        return None
    signs = "@" in name or "::" in name
    why = "'@' and '::' have a meaning of their own" if signs else "it cannot be printed"
    message = f"{name!r} cannot be a prompt's name: {why}"
    hint = "rename the file"
    return Fault(code="prompt-name", message=message, at=Location(path), hint=hint)


def _merge(file: PromptFile, base: PromptFile) -> PromptFile:
    values: dict[str, Any] = {}
    for item in fields(PromptFile):
        own, inherited = getattr(file, item.name), getattr(base, item.name)
        if item.name in _MERGED:
            values[item.name] = {**inherited, **own}
        elif item.name not in _OWN and own is None:
            values[item.name] = inherited
    if file.messages is None and base.messages is None:
        values["shorthand"] = {**base.shorthand, **file.shorthand}
    elif file.shorthand:
        values["messages"] = None
    return replace(file, **values)


def _messages(file: PromptFile) -> tuple[Message | Placeholder, ...]:
    if file.messages is not None:
        return file.messages
    given = (file.shorthand.get("system"), file.shorthand.get("user"))
    return tuple(message for message in given if message is not None)
