"""Templates of one tree: compiled once each, rendered within limits, complaints placed."""

from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.node import Text
from llmops.domain.tree import Tree
from llmops.location import Location
from llmops.rendering.compiling import ProblemsError
from llmops.rendering.complaints import place_of, template_error
from llmops.rendering.meter import MAX_SIZE
from llmops.rendering.partials import Partials
from llmops.rendering.ready import Literal, Ready, make_ready

_KEPT = 4096
"""Templates that are kept ready; the oldest goes when one more comes."""


class Templates:
    """Compiles templates against the partials of a tree.

    Attributes:
        folder: The folder of prompts, below which partials are found.
        partials: The partials of the tree.
    """

    def __init__(self, tree: Tree, folder: str, *, max_output: int = MAX_SIZE) -> None:
        """Prepare; nothing is read yet.

        Args:
            tree: Where partials are read from.
            folder: The folder of prompts, from the project's root.
            max_output: The longest text that a template may become, in characters.
        """
        self.folder = folder.strip("/")
        self.partials = Partials(tree, self.folder, max_output)
        self._ready: dict[tuple[str, bool], Ready | Literal] = {}

    def compile(self, text: Text) -> "Template":
        """Make a template ready.

        Raises:
            TemplateError: It cannot be compiled, or a partial is wrong; all faults that are found.
        """
        try:
            return Template(text, self.ready(text.text), self.folder)
        except ProblemsError as error:
            raise template_error(error.problems, text, self.folder) from None

    def ready(self, source: str, *, value: bool = False) -> Ready | Literal:
        """A template without its place, from memory if it was made ready before.

        Args:
            source: The template.
            value: Whether one that is one expression is to give its value in place of text.

        Raises:
            ProblemsError: It cannot be compiled.
        """
        key = (source, value)
        known = self._ready.get(key)
        if known is None:
            if len(self._ready) >= _KEPT:
                del self._ready[next(iter(self._ready))]
            known = self._ready[key] = make_ready(source, self.partials, value=value)
        return known


class Template(Struct, frozen=True):
    """A template with its place in a file.

    Attributes:
        text: What the user wrote.
    """

    text: Text
    _ready: Ready | Literal
    _folder: str

    @property
    def variables(self) -> Mapping[str, Location]:
        """Each variable that is read from outside, in partials too, with its first place."""
        uses = self._ready.reach.variables.items()
        return {name: place_of(self.text, self._folder, *use) for name, use in uses}

    @property
    def partials(self) -> tuple[str, ...]:
        """The partials it comes to, named from the folder of prompts."""
        return self._ready.reach.partials

    def render(self, context: Mapping[str, object]) -> str:
        """Render with these variables. They are inserted as they are, never rendered themselves.

        Raises:
            TemplateError: A variable is not there, a limit is passed, or an operation fails.
        """
        try:
            return str(self._ready.run(context))
        except ProblemsError as error:
            raise template_error(error.problems, self.text, self._folder) from None
