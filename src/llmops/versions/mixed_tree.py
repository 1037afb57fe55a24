"""A tree of the second version with some files as the first version has them."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from llmops.domain.tree import Tree

LENT: Final = ".before"
"""A folder that is in no project: what is asked for in it is read from the other tree."""


class MixedTree(Struct, frozen=True, kw_only=True):
    """A tree, a few files of which are others.

    Attributes:
        tree: Where files are read from.
        texts: The files that are others, by path.
        lender: Where files are read from whose path goes through the folder `.before`.
    """

    tree: Tree
    texts: Mapping[str, bytes]
    lender: Tree

    def paths(self, under: str = "") -> Iterable[str]:
        """Every file, those of the other tree left out."""
        prefix = f"{under}/" if under else ""
        own = {path for path in self.texts if path.startswith(prefix)}
        return sorted(own | set(self.tree.paths(under)))

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Raises:
            InvalidInputError: As the trees' own `read`.
        """
        if path in self.texts:
            return self.texts[path]
        parts = path.split("/")
        if LENT in parts:
            parts.remove(LENT)
            return self.lender.read("/".join(parts), limit=limit)
        return self.tree.read(path, limit=limit)
