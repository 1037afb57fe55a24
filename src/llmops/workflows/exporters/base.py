"""What an exporter is, and what it can be asked."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from llmops.domain.node import Text
from llmops.versions.finder import Versions


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What the user asked for.

    Attributes:
        names: `NAME` or `NAME@REF`.
        labels: Of versions.
        dirty: Whether content that is in no commit may go out.
        inputs: Values as they were typed.
        model: In place of the prompt's own.
    """

    names: tuple[Text, ...] = ()
    labels: tuple[Text, ...] = ()
    dirty: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


class Exporter(Struct, frozen=True, kw_only=True):
    """One form that prompts can leave in.

    Attributes:
        name: What it is called on the command line.
        summary: What it is, in a few words.
        options: The fields of `ExportOptions`, beside `names`, that mean something to it.
        write: Makes the text.
    """

    name: str
    summary: str
    options: frozenset[str]
    write: Callable[[Versions, ExportOptions], str]
