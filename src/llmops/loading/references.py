"""Parts of a prompt that may stand in a file of their own, named relative to the prompt."""

from msgspec import Struct

from llmops.domain.config import Limits
from llmops.domain.node import Node, Text
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError
from llmops.loading.files import read_yaml
from llmops.loading.paths import beside
from llmops.loading.readers import Faults


class Source(Struct, frozen=True, kw_only=True):
    """Where a prompt stands and what its files may be at most.

    Attributes:
        tree: The project's files.
        path: The prompt's own file, relative to the root.
        limits: For the files it names.
    """

    tree: Tree
    path: str
    limits: Limits

    def file_of(self, name: Text) -> str:
        """The path, from the root, of a file that is named relative to the prompt.

        Raises:
            InvalidInputError: The path is not allowed.
        """
        try:
            return beside(self.path, name.text)
        except InvalidInputError as error:
            fault = error.faults[0]
            raise InvalidInputError(
                fault.message, at=name.at, code=fault.code, hint=fault.hint
            ) from None

    def follow(self, node: Node, faults: Faults, *, bare: bool = False) -> Node | None:
        """What a node stands for: itself, or the content of the YAML or JSON file it names.

        Args:
            node: The part, `{file: PATH}`, or with `bare` a path alone.
            faults: The complaints.
            bare: Whether a text is a path.

        Returns:
            None when the file cannot be read; then `faults` says why.
        """
        name = reference_in(node, bare=bare)
        if name is None:
            return node
        try:
            return read_yaml(self.tree, self.file_of(name), name.at, self.limits)
        except InvalidInputError as error:
            faults += error.faults
            return None


def reference_in(node: Node, *, bare: bool = False) -> Text | None:
    """The file that `{file: PATH}` names; with `bare`, a text alone is a path too."""
    if bare and node.kind == "text":
        return node.text
    file = node.get("file") if node.kind == "mapping" and len(node.value) == 1 else None
    return file.text if file is not None and file.kind == "text" else None
