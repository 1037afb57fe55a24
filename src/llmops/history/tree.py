"""A tree: the project as it stood at a commit, read from git's objects without a checkout."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from llmops.domain.config import Limits
from llmops.errors import InvalidInputError
from llmops.history.objects import Entry, Objects


class CommitTree(Struct, frozen=True):
    """The project's files at a commit.

    Attributes:
        objects: Where they are read from.
        commit: The commit's full id.
        folder: The project inside the repository; empty when it is the repository.
        limit: What a file may have at most, in bytes, when the reader names no limit.
    """

    objects: Objects
    commit: str
    folder: str = ""
    limit: int = Limits().file_bytes

    def paths(self, under: str = "") -> list[str]:
        """Every file and link, relative to the project, sorted; submodules are left out.

        Args:
            under: A folder; only files below it are listed. None are if it is not there.
        """
        parts = _parts(under)
        entries = self._entries(parts)
        prefix = "".join(f"{part}/" for part in parts)
        return sorted(self._below(entries, prefix)) if entries is not None else []

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Raises:
            InvalidInputError: There was no such file, it is a link or a folder, it lies outside
                the project, or it is larger than the limit.
            UnavailableError: The clone does not hold it, or git failed.
        """
        entry = self._entry(path)
        most = self.limit if limit is None else limit
        data, size = self.objects.blob(entry.id, most)
        if size > most:
            raise InvalidInputError(
                f"'{path}' has {size:,} bytes, more than the {most:,} allowed",
                code="too-large",
                hint="raise the limit below 'limits:' in llmops.yaml",
            )
        return data

    def holds(self, path: str) -> bool:
        """Whether there was a file or link of that name."""
        return self.id_of(path) is not None

    def id_of(self, path: str) -> str | None:
        """The id of a file's content; None when there was no such file."""
        *folders, name = _parts(path)
        entry = (self._entries(folders) or {}).get(name)
        return entry.id if entry is not None and entry.kind != "folder" else None

    def _entry(self, path: str) -> Entry:
        *folders, name = _parts(path) or [""]
        if path.startswith("/") or ".." in (*folders, name) or not name:
            raise InvalidInputError(
                f"'{path}' is no path below the project",
                code="unsafe-path",
                hint="write it relative to the project, with forward slashes",
            )
        entry = (self._entries(folders) or {}).get(name)
        if entry is None:
            raise InvalidInputError(
                f"there is no file '{path}' at {self.commit[:12]}",
                code="missing-file",
                hint="choose another version",
            )
        if entry.kind == "link":
            raise InvalidInputError(
                f"'{path}' is a symbolic link, which is not followed in a commit",
                code="symlink",
                hint="replace the link by a copy of the file",
            )
        if entry.kind == "folder":
            message, hint = f"'{path}' is a folder", f"name a file, such as '{path}/…'"
            raise InvalidInputError(message, code="not-a-file", hint=hint)
        return entry

    def _entries(self, folders: list[str]) -> Mapping[str, Entry] | None:
        """What a folder of the project holds; None when there is no such folder."""
        entries = self.objects.root(self.commit)
        for part in [*_parts(self.folder), *folders]:
            entry = entries.get(part)
            if entry is None or entry.kind != "folder":
                return None
            entries = self.objects.folder(entry.id)
        return entries

    def _below(self, entries: Mapping[str, Entry], prefix: str) -> Iterator[str]:
        for name, entry in entries.items():
            if entry.kind == "folder":
                yield from self._below(self.objects.folder(entry.id), f"{prefix}{name}/")
            else:
                yield prefix + name


def read_ahead(objects: Objects, commits: Iterable[str], paths: Iterable[str]) -> None:
    """Read the folders that files stand in, at many commits, one level after another.

    Args:
        objects: Where they are read from, and kept.
        commits: Full ids.
        paths: Of the files, from the repository's top.
    """
    folders = {tuple(_parts(path)[:-1]) for path in paths}
    level: dict[tuple[str, tuple[str, ...]], str] = {
        (commit, ()): f"{commit}^{{tree}}" for commit in commits
    }
    for depth in range(1 + max(map(len, folders), default=0)):
        objects.read_ahead(level.values())
        below = {folder[: depth + 1] for folder in folders if len(folder) > depth}
        level = {
            (commit, folder): entry.id
            for (commit, above), id_ in level.items()
            for folder in below
            if folder[:-1] == above
            and (entry := objects.known(id_).get(folder[-1])) is not None
            and entry.kind == "folder"
        }


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
