"""The work tree: a project's files on disk, read one by one, and nothing outside of it."""

import os
import stat
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from llmops.domain.config import Limits
from llmops.domain.tree import StreamingTree, Tree
from llmops.errors import InvalidInputError, did_you_mean
from llmops.loading.paths import clean_path

_SKIPPED = frozenset({".git", ".llmops", ".venv", "node_modules", "__pycache__"})
_DEFAULTS = Limits()
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class WorkTree(Struct, frozen=True):
    """A folder on disk as a tree.

    Attributes:
        root: The project's folder.
        limits: What a file may be at most when the reader names no limit of its own.
        trusted: Whether symbolic links that stay inside the project are followed.
    """

    root: Path
    limits: Limits = _DEFAULTS
    trusted: bool = True

    def paths(self, under: str = "") -> list[str]:
        """Every regular file and link to one, relative to the root, sorted.

        Folders named `.git`, `.llmops`, `.venv`, `node_modules` or `__pycache__`, folders that
        are repositories of their own, and links to folders are left out. A folder that cannot
        be listed appears with a slash at its end, so that it is not taken for an empty one.

        Args:
            under: A folder; only files below it are listed. None are if it is not there.
        """
        folder = self.root / under
        prefix = f"{under.rstrip('/')}/" if under else ""
        return sorted(_files_below(folder, prefix)) if folder.is_dir() else []

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Args:
            path: A path below the root, with forward slashes.
            limit: The largest size allowed, in bytes; None for `limits.file_bytes`.

        Raises:
            InvalidInputError: There is no such file, it lies outside the project, it is not a
                regular file, it cannot be read, or it is larger than the limit.
        """
        inside = clean_path(path)
        most = self.limits.file_bytes if limit is None else limit
        try:
            with self.open(path, limit=limit) as opened:
                size = os.fstat(opened.fileno()).st_size  # as much room is made as is read
                data = opened.read(min(size, most) + 1)
                if size < len(data) <= most:
                    data += opened.read(most + 1 - len(data))
        except OSError as error:
            raise _unreadable(inside, error) from None
        if len(data) > most:
            raise _too_large(inside, len(data), most)
        return data

    def open(self, path: str, *, limit: int | None = None) -> BinaryIO:
        """One file, to be read piece by piece and closed.

        Raises:
            InvalidInputError: As `read`.
        """
        inside = clean_path(path)
        file = self._resolved(inside)
        most = self.limits.file_bytes if limit is None else limit
        try:
            return _open_regular(file, inside, most)
        except OSError as error:
            raise _unreadable(inside, error) from None

    def _resolved(self, path: str) -> Path:
        try:
            root = self.root.resolve(strict=True)
            file = (root / path).resolve(strict=True)
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(path) from None
        except (OSError, RuntimeError) as error:
            raise _unreadable(path, error) from None
        if not self.trusted and _has_link(root, path):
            raise InvalidInputError(
                f"'{path}' is a symbolic link, which an untrusted run does not follow",
                code="symlink",
                hint="replace the link by a copy of the file",
            )
        if not file.is_relative_to(root):
            raise InvalidInputError(
                f"'{path}' is a symbolic link out of the project",
                code="symlink",
                hint="copy the file into the project",
            )
        if not stat.S_ISREG(mode):
            raise _not_a_file(path, mode)
        return file

    def _missing(self, path: str) -> InvalidInputError:
        if _has_link(self.root, path):
            hint = "point it at a file of the project"
            return InvalidInputError(f"'{path}' is a broken link", code="broken-link", hint=hint)
        folder, _, name = path.rpartition("/")
        near = did_you_mean(name, _names_in(self.root / folder))
        return InvalidInputError(
            f"there is no file '{path}'",
            code="missing-file",
            hint=near or "create it, or correct the path",
        )


class LimitedTree(Struct, frozen=True):
    """A tree with the limits that its own project sets.

    Attributes:
        tree: Where the files are.
        limits: What a file may be at most when the reader names no limit of its own.
    """

    tree: Tree
    limits: Limits

    def paths(self, under: str = "") -> list[str]:
        """Every file, as the tree lists it."""
        return list(self.tree.paths(under))

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Raises:
            InvalidInputError: As the tree's own `read`.
        """
        return self.tree.read(path, limit=self.limits.file_bytes if limit is None else limit)

    def open(self, path: str, *, limit: int | None = None) -> BinaryIO:
        """One file; piece by piece, where the tree can do that.

        Raises:
            InvalidInputError: As the tree's own `read`.
        """
        if not isinstance(self.tree, StreamingTree):
            return BytesIO(self.read(path, limit=limit))
        return self.tree.open(path, limit=self.limits.file_bytes if limit is None else limit)


def find_root(start: Path) -> Path:
    """The project that a folder belongs to.

    Returns:
        The nearest folder, from `start` upward, that holds `llmops.yaml`, a `pyproject.toml`
        with `[tool.llmops]`, or both `prompts/` and `suites/`; `start` itself if there is none.
    """
    folder = start.resolve()
    return next((parent for parent in (folder, *folder.parents) if _is_root(parent)), folder)


def _is_root(folder: Path) -> bool:
    if (folder / "llmops.yaml").is_file() or _configured(folder / "pyproject.toml"):
        return True
    return (folder / "prompts").is_dir() and (folder / "suites").is_dir()


def _configured(pyproject: Path) -> bool:
    try:
        data = pyproject.read_bytes() if pyproject.is_file() else b""
        tool = tomllib.loads(data.decode()).get("tool") if b"llmops" in data else None
    except (OSError, ValueError):
        return False
    return isinstance(tool, dict) and "llmops" in tool


def _files_below(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name not in _SKIPPED]
    except OSError:
        yield prefix or "./"
        return
    for entry in entries:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if not os.path.lexists(f"{entry.path}/.git"):
                yield from _files_below(Path(entry.path), f"{path}/")
        elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and not entry.is_dir()):
            yield path


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []


def _has_link(root: Path, path: str) -> bool:
    folder = root
    for part in path.split("/"):
        folder /= part
        if folder.is_symlink():
            return True
    return False


def _open_regular(file: Path, path: str, limit: int) -> BinaryIO:
    descriptor = os.open(file, _OPEN_FLAGS)
    opened = open(descriptor, "rb")  # noqa: PTH123, SIM115 - a descriptor has no Path; handed on
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size <= limit:
        return opened
    opened.close()
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path, status.st_mode)
    raise _too_large(path, status.st_size, limit)


def _too_large(path: str, size: int, limit: int) -> InvalidInputError:
    return InvalidInputError(
        f"'{path}' has {size:,} bytes, more than the {limit:,} allowed",
        code="too-large",
        hint="make it smaller, or raise the limit below 'limits:' in llmops.yaml",
    )


def _not_a_file(path: str, mode: int) -> InvalidInputError:
    what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
    hint = f"name a file, such as '{path}/…'" if stat.S_ISDIR(mode) else "name an ordinary file"
    return InvalidInputError(f"'{path}' is {what}", code="not-a-file", hint=hint)


def _unreadable(path: str, error: Exception) -> InvalidInputError:
    why = getattr(error, "strerror", None) or str(error)
    return InvalidInputError(
        f"'{path}' cannot be read: {why}",
        code="unreadable",
        hint="look at the file's permissions and links",
    )
