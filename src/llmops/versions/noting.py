"""A tree that remembers which files were asked for, those that are not there too."""

from collections.abc import Collection, Iterable

from msgspec import Struct, field

from llmops.domain.tree import Tree
from llmops.history.tree import CommitTree


class NotingTree(Struct, frozen=True):
    """A tree that notes which files are read.

    Attributes:
        tree: Where the files are.
        read_paths: Every path that was asked for, from the project's root.
    """

    tree: Tree
    read_paths: set[str] = field(default_factory=set)

    def paths(self, under: str = "") -> Iterable[str]:
        """Every file, as the tree lists it; nothing is noted."""
        return self.tree.paths(under)

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file, noted before it is looked for.

        Raises:
            InvalidInputError: As the tree's own `read`.
        """
        self.read_paths.add(path)
        return self.tree.read(path, limit=limit)


class FewPaths(Struct, frozen=True):
    """A tree that lists some files only; every file can be read.

    Attributes:
        tree: Where the files are.
        few: What is listed, where it is there; from the project's root.
    """

    tree: CommitTree
    few: Collection[str]

    def paths(self, under: str = "") -> list[str]:
        """Those of the few that are there, sorted."""
        prefix = f"{under}/" if under else ""
        return sorted(
            path for path in self.few if path.startswith(prefix) and self.tree.holds(path)
        )

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Raises:
            InvalidInputError: As the tree's own `read`.
        """
        return self.tree.read(path, limit=limit)
