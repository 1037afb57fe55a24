"""`NAME@REF` in, a version out: by what its author claimed, by a label, or by a git revision."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError
from llmops.history.objects import Objects
from llmops.history.refs import resolve_ref
from llmops.history.repository import open_repository
from llmops.loading.labels import Labels, load_labels, unknown_label
from llmops.loading.prompts import prompt_paths, unknown_prompt
from llmops.rendering.canonical import content_hash
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.complaints import (
    Meaning,
    ambiguous,
    no_commit,
    no_repository,
    not_there,
    two_contents,
    unknown_ref,
)
from llmops.versions.loader import VersionLoader
from llmops.versions.timeline import Entry, read_timeline
from llmops.versions.version import PromptVersion

VERSION = re.compile(
    r"\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
_SHORT = 12
_NOT_ASKED = "?"


class Versions(Struct, kw_only=True):
    """The versions of a project's prompts.

    Attributes:
        root: The project's folder.
        tree: The work tree.
        config: As it stands in the work tree.
        read_prompt: Reads a prompt of the work tree by its name.
    """

    root: Path
    tree: Tree
    config: Config
    read_prompt: Callable[[Text], Prompt]
    renderer: PromptRenderer
    _loader: VersionLoader | None = None
    _labels: Labels | None = None
    _timelines: dict[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)
    _head_id: str | None = _NOT_ASKED

    @property
    def loader(self) -> VersionLoader:
        """Reads prompts at commits.

        Raises:
            InvalidInputError: The project is in no git repository.
            UnavailableError: Git is missing or refuses.
        """
        if self._loader is None:
            self._loader = self._opened()
        return self._loader

    @property
    def labels(self) -> Labels:
        """The labels of the work tree.

        Raises:
            InvalidInputError: The file of labels is wrong.
        """
        if self._labels is None:
            self._labels = load_labels(self.tree, self.config)
        return self._labels

    @property
    def head(self) -> str:
        """The id of the commit that is checked out.

        Raises:
            InvalidInputError: There is none yet, or no repository.
        """
        commit = self._head()
        if commit is None:
            raise no_commit()
        return commit

    def find(self, text: Text) -> PromptVersion:
        """The version that a name means, with or without `@REF`.

        Raises:
            InvalidInputError: There is no such prompt or ref, the ref could be two things, the
                claimed version has two contents, or the prompt cannot be read there.
            UnavailableError: Git is missing or refuses.
        """
        name, at_sign, ref = text.text.partition("@")
        if not at_sign:
            return self.in_work_tree(text)
        commit = self._commit_meant(name, ref, text)
        return replace(self.at(name, commit, text), name=text.text)

    def in_work_tree(self, text: Text) -> PromptVersion:
        """A prompt as it stands in the work tree.

        Raises:
            InvalidInputError: There is no such prompt.
        """
        prompt = self.read_prompt(text)
        return PromptVersion(
            name=text.text,
            prompt=prompt,
            renderer=self.renderer,
            content_hash=content_hash(prompt, self.tree),
            tree=self.tree,
        )

    def at(self, name: str, commit: str, asked: Text | None = None) -> PromptVersion:
        """A prompt as it stood at a commit; renames are followed.

        Args:
            name: What it is called now, or was called then.
            commit: The commit's full id.
            asked: What the user wrote, for complaints.

        Raises:
            InvalidInputError: It was not there, or cannot be read.
        """
        path = self.loader.path_at(name, commit, self._head())
        loaded = self.loader.load(path, commit) if path is not None else None
        if loaded is None:
            raise not_there(name, commit, asked, self.names(), submodule=self._submodule())
        if loaded.version is None:
            raise InvalidInputError.of(loaded.faults)
        return loaded.version

    def names(self) -> list[str]:
        """The names of the prompts in the work tree, sorted."""
        folder = self.config.prompts
        return list(prompt_paths(self.tree.paths(folder), folder))

    def commit_of(self, ref: Text) -> str:
        """The commit that a git revision means.

        Raises:
            InvalidInputError: It means none, or there is no repository.
            UnavailableError: Git is missing or refuses.
        """
        commit = resolve_ref(self.loader.repository, ref.text)
        if commit is None:
            raise self._unknown(ref.text, ref)
        return commit

    def project_tree(self, commit: str) -> Tree:
        """The project's files at a commit, given by its full id."""
        return self.loader.tree(commit)

    @property
    def shallow(self) -> bool:
        """Whether the clone lacks older commits.

        Raises:
            InvalidInputError: There is no repository.
            UnavailableError: Git is missing or refuses.
        """
        return self.loader.repository.shallow

    def timeline(self, name: str, start: str | None = None) -> tuple[Entry, ...]:
        """Every commit in the history of another, or of what is checked out, that touched a prompt.

        Args:
            name: The prompt's.
            start: The commit's full id; None for what is checked out.

        Returns:
            Children first; those that cannot be read are there too. Empty when no commit
            holds a prompt of that name.

        Raises:
            InvalidInputError: There is no commit yet, or no repository.
            UnavailableError: Git is missing or refuses.
        """
        commit = start or self.head
        if (name, commit) not in self._timelines:
            self._timelines[name, commit] = read_timeline(self.loader, name, commit)
        return self._timelines[name, commit]

    def _commit_meant(self, name: str, ref: str, asked: Text) -> str:
        form, colon, forced = ref.partition(":")
        forms = self._forms(name, asked)
        if colon and form in forms:
            found = forms[form](forced)
            if found is None:
                raise self._unknown_as(form, name, forced, asked)
            return found.commit
        meanings = [found for meant in forms.values() if (found := meant(ref)) is not None]
        if not meanings:
            raise self._unknown_as("version", name, ref, asked)
        if len(meanings) > 1:
            raise ambiguous(name, ref, meanings, asked)
        return meanings[0].commit

    def _forms(self, name: str, asked: Text) -> dict[str, Callable[[str], Meaning | None]]:
        return {
            "version": lambda ref: self._as_version(name, ref, asked),
            "label": lambda ref: self._as_label(name, ref),
            "git": self._as_revision,
        }

    def _as_version(self, name: str, ref: str, asked: Text) -> Meaning | None:
        if not VERSION.fullmatch(ref):
            return None
        claiming = [entry for entry in self.timeline(name) if entry.claimed == ref]
        first_of = {entry.content_hash: entry.commit.id for entry in claiming}
        if len(first_of) > 1:
            raise two_contents(name, ref, reversed(first_of.values()), asked)
        if not claiming:
            return None
        commit = claiming[0].commit
        words = f"the version of {commit.date[:10]} ({commit.id[:_SHORT]})"
        return Meaning("version", words, commit.id)

    def _as_label(self, name: str, ref: str) -> Meaning | None:
        labelled = self.labels.get(name, {}).get(ref)
        if labelled is None:
            return None
        target = Text(f"{name}@{labelled}", labelled.at, block=False)
        meant = self._as_version(name, labelled.text, target) or self._as_revision(labelled.text)
        if meant is None:
            raise self._unknown(labelled.text, target, self._claims(name), claims=True)
        return Meaning("label", f"a label of {labelled}", meant.commit)

    def _as_revision(self, ref: str) -> Meaning | None:
        commit = resolve_ref(self.loader.repository, ref)
        if commit is None:
            return None
        return Meaning("git", f"the git revision {commit[:_SHORT]}", commit)

    def _claims(self, name: str) -> list[str]:
        found = [entry.claimed for entry in self.timeline(name)] if self._head() else []
        return list(dict.fromkeys(one for one in found if one))

    def _unknown_as(self, form: str, name: str, ref: str, asked: Text) -> InvalidInputError:
        if form == "label":
            return InvalidInputError.of([unknown_label(ref, name, self.labels, asked.at)])
        if self._head() and not self.timeline(name) and name not in self.names():
            return InvalidInputError.of([unknown_prompt(name, self.names(), asked.at)])
        if form == "git":
            return self._unknown(ref, asked)
        known = [*self.labels.get(name, {}), *self._claims(name)]
        return self._unknown(ref, asked, known, claims=True)

    def _unknown(
        self, ref: str, asked: Text, known: Sequence[str] = (), *, claims: bool = False
    ) -> InvalidInputError:
        if self._head() is None:
            return no_commit()
        return unknown_ref(ref, asked, known, shallow=self.shallow, claims=claims)

    def _submodule(self) -> str | None:
        folder = self.config.prompts
        return folder if (self.root / folder / ".git").exists() else None

    def _head(self) -> str | None:
        if self._head_id == _NOT_ASKED:
            self._head_id = resolve_ref(self.loader.repository, "HEAD")
        return self._head_id

    def _opened(self) -> VersionLoader:
        repository = open_repository(self.root)
        if repository is None:
            raise no_repository()
        at_top = repository.at_top()
        inside = self.root.resolve().relative_to(repository.top.resolve()).as_posix()
        return VersionLoader(
            repository=at_top,
            objects=Objects(at_top),
            folder="" if inside == "." else inside,
            config=self.config,
        )
