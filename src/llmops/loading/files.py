"""Files that other files name: read from a tree, every complaint placed where the name stands."""

import re
from io import BytesIO
from typing import BinaryIO

from llmops.domain.config import Limits
from llmops.domain.node import Node
from llmops.domain.tree import StreamingTree, Tree
from llmops.errors import Fault, InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.location import Location

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def read_file(tree: Tree, path: str, at: Location, *, limit: int | None = None) -> bytes:
    """Read a file of the project.

    Args:
        tree: Where it is.
        path: Relative to the tree's root.
        at: Where its name stands, for complaints.
        limit: The largest size allowed, in bytes; None for the tree's own limit.

    Raises:
        InvalidInputError: It cannot be read, or it is a pointer of git LFS.
    """
    try:
        data = tree.read(path, limit=limit)
    except InvalidInputError as error:
        raise InvalidInputError.of([_placed(fault, at) for fault in error.faults]) from None
    _check_pointer(data, path, at)
    return data


def open_file(tree: Tree, path: str, at: Location, *, limit: int) -> BinaryIO:
    """A file of the project, to be read piece by piece where its tree can do that, and closed.

    Raises:
        InvalidInputError: As `read_file`.
    """
    if not isinstance(tree, StreamingTree):
        return BytesIO(read_file(tree, path, at, limit=limit))
    try:
        file = tree.open(path, limit=limit)
    except InvalidInputError as error:
        raise InvalidInputError.of([_placed(fault, at) for fault in error.faults]) from None
    try:
        _check_pointer(file.read(len(_LFS_POINTER)), path, at)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def read_yaml(tree: Tree, path: str, at: Location, limits: Limits) -> Node:
    """Read a YAML or JSON file of the project.

    Raises:
        InvalidInputError: It cannot be read, or it is neither.
    """
    data = read_file(tree, path, at, limit=limits.yaml_bytes)
    if path.endswith(".json"):
        data = _PAIR.sub(_character, data)
    return parse_yaml(data, path, limits)


def _check_pointer(start: bytes, path: str, at: Location) -> None:
    if start.startswith(_LFS_POINTER):
        raise InvalidInputError(
            f"'{path}' is a pointer of git LFS, not the file itself",
            at=at,
            code="lfs-pointer",
            hint="run 'git lfs pull'",
        )


def _character(found: re.Match[bytes]) -> bytes:
    """JSON writes a character above U+FFFF as two escapes, which YAML does not know."""
    pair = found[0].decode().split("\\u")
    halves = bytes.fromhex(pair[1] + pair[2])
    return halves.decode("utf-16-be").encode()


def _placed(fault: Fault, at: Location) -> Fault:
    return Fault(code=fault.code, message=fault.message, at=fault.at or at, hint=fault.hint)
