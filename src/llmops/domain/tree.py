"""A tree: the project's files as they stand in the work tree or at a commit."""

from collections.abc import Iterable
from typing import BinaryIO, Protocol, runtime_checkable


class Tree(Protocol):
    """Two methods are all that reading a project takes; nothing is ever checked out."""

    def paths(self, under: str = "") -> Iterable[str]:
        """Every file, relative to the root, with forward slashes, sorted.

        Args:
            under: A folder; only files below it are listed. None are if it is not there.
        """
        ...

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Args:
            path: A path below the root, with forward slashes.
            limit: The largest size allowed, in bytes; None for the tree's own limit.

        Raises:
            InvalidInputError: There is no such file (with the code `missing-file`), it lies
                outside the project, it is not a regular file, or it is larger than the limit.
        """
        ...


@runtime_checkable
class StreamingTree(Tree, Protocol):
    """A tree whose files can be read piece by piece."""

    def open(self, path: str, *, limit: int | None = None) -> BinaryIO:
        """One file, to be read from its start and closed; it can be gone back in.

        Raises:
            InvalidInputError: As `read`.
        """
        ...
