"""A commit held against the work tree: what became of a file, of a model, of a label."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from msgspec.structs import replace

from llmops.domain.config import Config, Model
from llmops.errors import InvalidInputError
from llmops.history.differences import changed_since, is_within
from llmops.history.tree import CommitTree
from llmops.loading.config import CONFIG_FILE, load_config
from llmops.loading.labels import Labels, labels_path, load_labels
from llmops.versions.finder import Versions

_FOLDERS = ("prompts", "suites", "recordings")


@dataclass(frozen=True, kw_only=True)
class Since:
    """What the work tree is beside a commit; each thing is looked up once.

    Attributes:
        versions: Of the project.
        config: As it stands in the work tree.
        commit: The commit's full id.
    """

    versions: Versions
    config: Config
    commit: str
    _known: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def tree(self) -> CommitTree:
        """The project's files at the commit."""
        return self.versions.loader.tree(self.commit)

    @cached_property
    def _root(self) -> str:
        return os.path.realpath(self.versions.root)

    @cached_property
    def changes(self) -> Mapping[str, str]:
        """What became of each file that is not as it was, by its path from the project's root."""
        loader = self.versions.loader
        return changed_since(loader.repository, self.commit, loader.folder)

    @cached_property
    def before(self) -> Config | None:
        """The configuration at the commit; None when it cannot be read."""
        try:
            return load_config(self.tree)
        except InvalidInputError:
            return None

    @cached_property
    def labels(self) -> Labels | None:
        """The labels at the commit; None when they cannot be read."""
        try:
            return load_labels(self.tree, self.before or self.config)
        except InvalidInputError:
            return None

    @property
    def config_path(self) -> str:
        """The file of the configuration."""
        return self.config.path or (self.before.path if self.before else None) or CONFIG_FILE

    @property
    def labels_path(self) -> str:
        """The file of the labels."""
        return labels_path(self.config)

    def what(self, path: str) -> str | None:
        """What became of one file, in words that follow its name; None when nothing did.

        A file that git does not keep counts as changed, for nobody knows what it was. A link is
        as its target is.
        """
        if path not in self._known:
            self._known[path] = self._what(path)
        return self._known[path]

    def below(self, beginning: str) -> Iterator[str]:
        """The changed files of the project whose paths begin so."""
        inside = (path for path in self.changes if not path.startswith("../"))
        return (path for path in inside if path.startswith(beginning))

    def code(self) -> Iterator[str]:
        """The changed files of the whole repository that are Python, or submodules."""
        root = self.versions.root
        return (path for path in self.changes if path.endswith(".py") or (root / path).is_dir())

    def parts_of_config(self) -> Iterator[str]:
        """The changed parts of the configuration that concern every suite."""
        before, now = self.before, self.config
        if before is None:
            yield f"it could not be read at {self.commit[:12]}"
            return
        for name in _FOLDERS:
            if getattr(before, name) != getattr(now, name):
                yield f"the folder of {name}"
        if before.plugins != now.plugins:
            yield "the plug-ins"
        if before.limits != now.limits:
            yield "the limits"
        judge = now.judge
        if before.judge != judge or (judge and list(self.models([judge.model]))):
            yield "the judge"

    def models(self, names: Iterable[str]) -> Iterator[str]:
        """Those of the names that do not mean the model that they meant."""
        before = self.before.models if self.before is not None else {}
        now = self.config.models
        return (name for name in names if _bare(before.get(name)) != _bare(now.get(name)))

    def label_moved(self, prompt: str, label: str) -> bool:
        """Whether a label means another version than it meant."""
        if self.what(self.labels_path) is None:
            return False
        if self.labels is None:
            return True
        now = self.versions.labels.get(prompt, {}).get(label)
        before = self.labels.get(prompt, {}).get(label)
        return (now and now.text) != (before and before.text)

    def is_newer(self, commit: str) -> bool:
        """Whether a commit was not there yet when this one was made."""
        return not is_within(self.versions.loader.repository, commit, self.commit)

    def _what(self, path: str) -> str | None:
        if path in self.changes:
            return self.changes[path]
        file = f"{self._root}/{path}"
        real = os.path.realpath(file)
        if real != file and real.startswith(f"{self._root}/"):
            return self.what(real.removeprefix(f"{self._root}/"))
        if self.tree.id_of(path) is None and os.path.lexists(file):
            return "is not kept in git"
        return None


def _bare(model: Model | None) -> Model | None:
    """A model without its place, which a line above it moves."""
    return replace(model, at=None) if model is not None else None
