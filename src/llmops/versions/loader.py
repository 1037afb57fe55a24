"""Prompts as they stood at commits, each content read once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.config import Config
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.history.changes import (
    Commit,
    moved_since,
    names_of,
    renamed_between,
)
from llmops.history.objects import Objects
from llmops.history.refs import merge_base
from llmops.history.repository import Repository
from llmops.history.tree import CommitTree
from llmops.loading.paths import clean_path
from llmops.loading.project import load_config, load_prompt
from llmops.location import Location
from llmops.rendering.canonical import content_hash
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.noting import FewPaths, NotingTree
from llmops.versions.version import PromptVersion

_SUFFIXES = (".yaml", ".yml")
_SHORT = 12
_LONGEST = 1000
_LFS = "keep prompts out of LFS: a commit holds the pointer only"
_CONFIG_FILES = ("llmops.yaml", "llmops.yml", "pyproject.toml")


class AtCommit(Struct, frozen=True, kw_only=True):
    """A prompt at a commit, read or not.

    Attributes:
        name: Its name at that commit.
        version: The prompt as it stood; None when it cannot be read.
        faults: Why it cannot be read.
    """

    name: str
    version: PromptVersion | None
    faults: tuple[Fault, ...]

    @property
    def claimed(self) -> str | None:
        """The version that the author claims."""
        version = self.version.prompt.version if self.version is not None else None
        return str(version) if version is not None else None

    @property
    def content_hash(self) -> str | None:
        """12 hex digits; None when it cannot be read."""
        return self.version.content_hash if self.version is not None else None


class Loaded(AtCommit, frozen=True, kw_only=True):
    """What reading a prompt at a commit came to.

    Attributes:
        files: The files that were read for it, from the project's root, with their ids; None for
            one that was not there.
    """

    files: Mapping[str, str | None]


class VersionLoader(Struct, kw_only=True):
    """Reads prompts at commits.

    Attributes:
        repository: Asked from its top folder.
        folder: The project inside the repository; empty when it is the repository.
        config: Of the work tree; read in place of a commit's own where that is wrong.
    """

    repository: Repository
    objects: Objects
    folder: str
    config: Config
    _configs: dict[tuple[str | None, ...], Config] = field(default_factory=dict)
    _loaded: dict[tuple[str, str | None], list[Loaded]] = field(default_factory=dict)
    _names: dict[tuple[str, str], tuple[tuple[str, ...], Sequence[Commit]]] = field(
        default_factory=dict
    )
    _seen: set[str] = field(default_factory=set)

    def tree(self, commit: str) -> CommitTree:
        """The project's files at a commit."""
        return CommitTree(self.objects, commit, self.folder, self.config.limits.file_bytes)

    def config_at(self, commit: str) -> Config:
        """The project's configuration at a commit; the work tree's where that one is wrong."""
        tree = self.tree(commit)
        key = tuple(tree.id_of(path) for path in _CONFIG_FILES)
        if key not in self._configs:
            try:
                self._configs[key] = load_config(tree)
            except InvalidInputError:
                self._configs[key] = self.config
        return self._configs[key]

    def load(self, path: str, commit: str) -> Loaded | None:
        """Read the prompt whose file had this path.

        Args:
            path: From the project's root.
            commit: The commit's full id.

        Returns:
            None when there was no such file.
        """
        tree = self.tree(commit)
        own = tree.id_of(path)
        if own is None:
            return None
        kept = self._loaded.setdefault((path, own), [])
        for one in kept:
            if all(tree.id_of(file) == id_ for file, id_ in one.files.items()):
                return _moved(one, commit, tree)
        fresh = self._read(path, commit, tree)
        if fresh.version is not None:
            kept.append(fresh)
        return fresh

    def paths_of(self, name: str, commit: str | None = None) -> list[str]:
        """The files that may hold a prompt of this name, from the project's root."""
        folder = (self.config_at(commit) if commit else self.config).prompts
        return [f"{folder}/{name}{suffix}" for suffix in _SUFFIXES if _is_path(name)]

    def names(self, name: str, start: str) -> tuple[str, ...]:
        """All paths a prompt's file had, back from a commit; the newest first."""
        return self.touching(name, start)[0]

    def touching(self, name: str, start: str) -> tuple[tuple[str, ...], Sequence[Commit]]:
        """All paths a prompt's file had, back from a commit, and the commits that touched them."""
        if (name, start) not in self._names:
            asked = [*self.paths_of(name), *self.paths_of(name, start)]
            now = [self.in_repository(path) for path in dict.fromkeys(asked)]
            found, commits = (
                names_of(self.repository, self.objects, start, now) if now else ((), ())
            )
            self._names[name, start] = (tuple(self.in_project(found)), commits)
        return self._names[name, start]

    def path_at(self, name: str, commit: str, start: str | None) -> str | None:
        """What a prompt's file was called at a commit; None when it was not there.

        Args:
            name: What the prompt is called now, or was called then.
            commit: The commit's full id.
            start: The commit that is checked out, from which renames are followed.
        """
        tree = self.tree(commit)
        own = self._first(tree, self.paths_of(name, commit))
        if own is not None or start is None:
            return own
        older = self._first(tree, self.names(name, start))
        if older is not None:
            return older
        return self._first(tree, self._moved_to(name, commit, start))

    def name_of(self, path: str, commit: str) -> str:
        """What the prompt of a file was called at a commit."""
        return path.removeprefix(f"{self.config_at(commit).prompts}/").rpartition(".")[0]

    def in_repository(self, path: str) -> str:
        """A path from the project's root as one from the repository's top."""
        return f"{self.folder}/{path}" if self.folder else path

    def in_project(self, paths: Iterable[str]) -> Iterator[str]:
        """Paths from the repository's top as ones from the project's root; others are left out."""
        prefix = f"{self.folder}/" if self.folder else ""
        return (path.removeprefix(prefix) for path in paths if path.startswith(prefix))

    def _moved_to(self, name: str, commit: str, start: str) -> Iterator[str]:
        """What the file of `start` may be called where another branch, or one commit, moved it."""
        base = merge_base(self.repository, start, commit)
        if base not in {None, commit}:
            known = [*self.paths_of(name, base), *self.names(name, start)]
            path = self._first(self.tree(str(base)), known)
            if path is not None:
                then = self.in_repository(path)
                yield from self.in_project([moved_since(self.repository, str(base), commit, then)])
        now = [path for path in self.paths_of(name, start) if self.tree(start).holds(path)]
        asked = [self.in_repository(path) for path in now]
        yield from self.in_project(renamed_between(self.repository, start, commit, asked))

    def _first(self, tree: CommitTree, paths: Iterable[str]) -> str | None:
        return next((path for path in paths if tree.holds(path)), None)

    def _read(self, path: str, commit: str, tree: CommitTree) -> Loaded:
        """Read a prompt, and list the other prompts only where it does not load without them."""
        stem = path.rpartition(".")[0]
        self._seen |= {f"{stem}{suffix}" for suffix in _SUFFIXES}
        loaded = self._read_in(FewPaths(tree, self._seen), path, commit, tree)
        if loaded.version is None:
            loaded = self._read_in(tree, path, commit, tree)
        stems = [file.rpartition(".")[0] for file in loaded.files if file.endswith(_SUFFIXES)]
        self._seen |= {f"{one}{suffix}" for one in stems for suffix in _SUFFIXES}
        return loaded

    def _read_in(self, listing: Tree, path: str, commit: str, tree: CommitTree) -> Loaded:
        config = self.config_at(commit)
        name = self.name_of(path, commit)
        noting = NotingTree(listing)
        version = None
        faults: tuple[Fault, ...] = ()
        try:
            prompt = load_prompt(noting, config, name)
            version = PromptVersion(
                name=name,
                prompt=prompt,
                renderer=PromptRenderer(tree, config.prompts),
                content_hash=content_hash(prompt, noting),
                tree=tree,
                commit=commit,
            )
        except InvalidInputError as error:
            faults = tuple(_at_commit(error.faults, commit))
        files = {file: tree.id_of(file) for file in (path, *sorted(noting.read_paths))}
        return Loaded(name=name, version=version, faults=faults, files=files)


def _is_path(name: str) -> bool:
    """Whether a file can be called so; no other name is shown to git."""
    try:
        return clean_path(name) == name and name.isprintable() and len(name) <= _LONGEST
    except InvalidInputError:
        return False


def _moved(loaded: Loaded, commit: str, tree: CommitTree) -> Loaded:
    """The same content at another commit."""
    if loaded.version is None:
        return loaded
    return replace(loaded, version=replace(loaded.version, commit=commit, tree=tree))


def _at_commit(faults: Sequence[Fault], commit: str) -> Iterator[Fault]:
    """Places in a commit's files, as git writes them: `a1b2c3d4e5f6:prompts/reply.yaml:3:1`."""
    for fault in faults:
        at = fault.at or Location("llmops.yaml")
        place = Location(f"{commit[:_SHORT]}:{at.path}", at.line, at.column)
        hint = _LFS if fault.code == "lfs-pointer" else fault.hint
        yield replace(fault, at=place if fault.at else None, hint=hint)
