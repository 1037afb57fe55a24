"""`NAME@REF` in, a version out: by what its author claimed, by a label, or by a git revision."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.history.objects import Objects
from llmops.history.refs import is_shallow, resolve_ref
from llmops.history.repository import open_repository
from llmops.loading.labels import Labels, load_labels, unknown_label
from llmops.loading.prompts import prompt_paths, unknown_prompt
from llmops.rendering.canonical import content_hash
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.loader import VersionLoader
from llmops.versions.timeline import Entry, read_timeline
from llmops.versions.version import PromptVersion

VERSION = re.compile(
    r"\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
_SHORT = 12
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class _Meaning:
    """One thing that a ref can mean."""

    form: str
    words: str
    commit: str


@dataclass(slots=True, kw_only=True)
class Versions:
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
    _timelines: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

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
            raise InvalidInputError(
                "the repository has no commit yet", code="no-commit", hint="commit your files first"
            )
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
            raise InvalidInputError(
                f"there is no prompt '{name[:_SHOWN]}' at {commit[:_SHORT]}",
                at=asked.at if asked else None,
                code="unknown-prompt",
                hint=did_you_mean(name, self.names())
                or f"'llmops log {name[:_SHOWN]}' lists its versions",
            )
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
            raise self._unknown(ref.text, ref, ())
        return commit

    def project_tree(self, commit: str) -> Tree:
        """The project's files at a commit, given by its full id."""
        return self.loader.tree(commit)

    def timeline(self, name: str) -> tuple[Entry, ...]:
        """Every commit in the history of what is checked out that touched a prompt.

        Returns:
            Children first; those that cannot be read are there too. Empty when no commit
            holds a prompt of that name.

        Raises:
            InvalidInputError: There is no commit yet, or no repository.
            UnavailableError: Git is missing or refuses.
        """
        if name not in self._timelines:
            self._timelines[name] = read_timeline(self.loader, name, self.head)
        return self._timelines[name]

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
            raise _ambiguous(name, ref, meanings, asked)
        return meanings[0].commit

    def _forms(self, name: str, asked: Text) -> dict[str, Callable[[str], _Meaning | None]]:
        return {
            "version": lambda ref: self._as_version(name, ref, asked),
            "label": lambda ref: self._as_label(name, ref),
            "git": self._as_revision,
        }

    def _as_version(self, name: str, ref: str, asked: Text) -> _Meaning | None:
        if not VERSION.fullmatch(ref):
            return None
        claiming = [entry for entry in self.timeline(name) if entry.claimed == ref]
        contents = {entry.content_hash: entry.commit.id for entry in reversed(claiming)}
        if len(contents) > 1:
            raise _two_contents(name, ref, contents.values(), asked)
        if not claiming:
            return None
        commit = claiming[0].commit
        words = f"the version of {commit.date[:10]} ({commit.id[:_SHORT]})"
        return _Meaning("version", words, commit.id)

    def _as_label(self, name: str, ref: str) -> _Meaning | None:
        labelled = self.labels.get(name, {}).get(ref)
        if labelled is None:
            return None
        target = Text(f"{name}@{labelled}", labelled.at, block=False)
        meant = self._as_version(name, labelled.text, target) or self._as_revision(labelled.text)
        if meant is None:
            raise self._unknown(labelled.text, target, ())
        return _Meaning("label", f"a label of {labelled}", meant.commit)

    def _as_revision(self, ref: str) -> _Meaning | None:
        commit = resolve_ref(self.loader.repository, ref)
        if commit is None:
            return None
        return _Meaning("git", f"the git revision {commit[:_SHORT]}", commit)

    def _known(self, name: str) -> list[str]:
        claims = [entry.claimed for entry in self.timeline(name)] if self._head() else []
        return [*self.labels.get(name, {}), *dict.fromkeys(one for one in claims if one)]

    def _unknown_as(self, form: str, name: str, ref: str, asked: Text) -> InvalidInputError:
        if form == "label":
            return InvalidInputError.of([unknown_label(ref, name, self.labels, asked.at)])
        if self._head() and not self.timeline(name) and name not in self.names():
            return InvalidInputError.of([unknown_prompt(name, self.names(), asked.at)])
        return self._unknown(ref, asked, self._known(name) if form == "version" else ())

    def _unknown(self, ref: str, asked: Text, known: Iterable[str]) -> InvalidInputError:
        names = list(known)
        hint = did_you_mean(ref, names) or (f"known are {', '.join(names[:8])}" if names else None)
        if is_shallow(self.loader.repository):
            hint = "the clone is shallow and may lack it: 'git fetch --unshallow'"
        shown = ref[:_SHOWN].encode("unicode_escape").decode()
        return InvalidInputError(
            f"'{shown}' is no version, label or commit" if names else f"'{shown}' is no commit",
            at=asked.at,
            code="unknown-ref",
            hint=hint or "name a branch, a tag or a commit that 'git log' shows",
        )

    def _head(self) -> str | None:
        return resolve_ref(self.loader.repository, "HEAD")

    def _opened(self) -> VersionLoader:
        repository = open_repository(self.root)
        if repository is None:
            raise InvalidInputError(
                "the project is in no git repository, so it has no versions",
                code="no-repository",
                hint="'git init', then commit your files",
            )
        at_top = repository.at_top()
        inside = self.root.resolve().relative_to(repository.top.resolve()).as_posix()
        return VersionLoader(
            repository=at_top,
            objects=Objects(at_top),
            folder="" if inside == "." else inside,
            config=self.config,
        )


def _ambiguous(name: str, ref: str, meanings: Iterable[_Meaning], asked: Text) -> InvalidInputError:
    found = list(meanings)
    listing = " and ".join(meaning.words for meaning in found)
    ways = " or ".join(f"'{name}@{meaning.form}:{ref}'" for meaning in found)
    return InvalidInputError(
        f"'{ref[:_SHOWN]}' could be {listing}",
        at=asked.at,
        code="ambiguous-ref",
        hint=f"write {ways}",
    )


def _two_contents(name: str, ref: str, commits: Iterable[str], asked: Text) -> InvalidInputError:
    listing = " and ".join(commit[:_SHORT] for commit in commits)
    return InvalidInputError.of(
        [
            Fault(
                code="version-reused",
                message=f"'{name}' has more than one content called {ref}: {listing}",
                at=asked.at,
                hint="name one by its commit, and give the later one a version of its own",
            )
        ]
    )
