"""A version: a prompt as it stands in one tree, with what renders it there."""

from collections.abc import Callable

from msgspec import Struct

from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.domain.tree import Tree
from llmops.rendering.prompt import PromptRenderer


class PromptVersion(Struct, frozen=True, kw_only=True):
    """A prompt as it stands in one tree.

    Attributes:
        name: As it was named, with `@REF` when one was given.
        prompt: As its file states it there.
        renderer: Renders it with the partials and files of the same tree.
        content_hash: 12 hex digits.
        tree: Where it stands.
        commit: The commit's full id; None for the work tree.
    """

    name: str
    prompt: Prompt
    renderer: PromptRenderer
    content_hash: str
    tree: Tree
    commit: str | None = None


FindPrompt = Callable[[Text], PromptVersion]
"""From a name as written, maybe with `@REF`, to the version it means."""
