"""Reports on disk: whole or not at all, and never outside the folder they were meant for."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from llmops.errors import InvalidInputError, UnavailableError


def write_report(path: Path, write: Callable[[TextIO], None], *, root: Path | None = None) -> None:
    """Write a file by way of a temporary one, so that the old one stays until the new one is whole.

    Args:
        path: Where to; folders above it are made.
        write: Writes the text, which is UTF-8; line ends stay as they are.
        root: The project. A path below it must not leave it through a symbolic link.

    Raises:
        InvalidInputError: The path is a folder, a device or a pipe, or leads through a symbolic
            link to somewhere else.
        UnavailableError: It cannot be written: the disk is full, the folder is read-only.
    """
    _write(path, _as_text(write), root)


def write_text(path: Path, text: str, *, root: Path | None = None) -> None:
    """Write a text that is there already, as `write_report` does."""

    def write(file: TextIO) -> None:
        file.write(text)

    write_report(path, write, root=root)


def write_bytes(path: Path, data: bytes, *, root: Path | None = None) -> None:
    """Write bytes as `write_report` writes text; raises what it raises."""
    _write(path, lambda file: file.write(data), root)


def _write(path: Path, write: Callable[[BinaryIO], object], root: Path | None) -> None:
    if root is not None:
        _refuse_to_leave(path, root)
    target = _target(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, write)
    except OSError as error:
        raise UnavailableError(
            f"the file {path} cannot be written: {error.strerror or error}",
            code="report-not-written",
            hint="free some space, or choose a folder that can be written",
        ) from None


def _as_text(write: Callable[[TextIO], None]) -> Callable[[BinaryIO], None]:
    def write_text_to(file: BinaryIO) -> None:
        wrapped = TextIOWrapper(file, encoding="utf-8", newline="\n")
        write(wrapped)
        wrapped.flush()
        wrapped.detach()

    return write_text_to


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _mode(target: Path) -> int:
    """The rights of the report that was there, or those of any new file."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def _target(path: Path) -> Path:
    """The file to replace: the path, or the file beside it that it links to."""
    if path.is_symlink():
        linked = path.resolve()
        if linked.parent != path.parent.resolve():
            raise _refused(path, f"is a symbolic link that leaves its folder, to {linked}")
        path = linked
    if path.exists() and not path.is_file():
        raise _refused(path, "is there and is no file")
    return path


def _refuse_to_leave(path: Path, root: Path) -> None:
    whole = Path(os.path.normpath(root / path))
    if not whole.is_relative_to(root):
        return
    parent = whole.parent.resolve()
    if not parent.is_relative_to(root.resolve()):
        raise _refused(path, f"leaves the project through a symbolic link, to {parent}")


def _refused(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the report cannot go to {path}: it {why}",
        code="report-path",
        hint="name a regular file",
    )
