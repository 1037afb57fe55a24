"""A tree that remembers which files were asked for, those that are not there too."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from llmops.domain.tree import Tree


@dataclass(frozen=True, slots=True)
class NotingTree:
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
