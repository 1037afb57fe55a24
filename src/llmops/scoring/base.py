"""What a scorer is: a frozen dataclass whose fields are its YAML arguments.

To add one: a class in the module of its kind, `@scorer("name", …)` above it, its manual page
as docstring, its arguments as fields, its judgement in `score`. Nothing else knows of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from llmops.domain.completion import Completion
from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.domain.suite import Assertion
from llmops.location import Location


class PickError(Exception):
    """What `on` names is not in the completion: the claim fails, for the model did not give it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a scorer judges: a completion, or the part of it that `on` picks.

    Attributes:
        completion: The whole completion.
        picked: What `on` picked: text, a JSON value, tool calls as a list, a number.
        on: The assertion's own word for it.
        inputs: The case's inputs.
        row: The dataset's row, if there is one.
        prompt_schema: The schema the prompt asks for, if it does.
    """

    completion: Completion
    picked: object
    on: str = "text"
    inputs: Mapping[str, object] = field(default_factory=dict)
    row: Mapping[str, object] | None = None

    @property
    def text(self) -> str:
        """What is judged, as text: JSON for what is no text."""
        if isinstance(self.picked, str):
            return self.picked
        return json.dumps(self.picked, ensure_ascii=False, sort_keys=True)


class Resources(Protocol):
    """What a scorer may ask for while it is built, before any model is paid."""

    def read(self, path: str, at: Location) -> bytes:
        """Read a file of the project.

        Raises:
            InvalidInputError: The file is not there or must not be read.
        """
        ...

    def function(self, reference: str, at: Location) -> Callable[..., Any]:
        """Load `file.py:function`, `package.module:function` or an entry point's name.

        Raises:
            InvalidInputError: It is not there, or the run is untrusted.
        """
        ...

    def build(self, assertion: Assertion) -> "Scorer":
        """Build the scorer of a nested assertion.

        Raises:
            InvalidInputError: The assertion is wrong.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """A scorer, built and ready.

    Attributes:
        slow: Whether judging may take long enough to hold others up (patterns, user code).
    """

    slow: ClassVar[bool]

    def score(self, subject: Subject) -> Score:
        """Judge.

        Raises:
            CannotScoreError: It cannot judge; that is no failing score.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerExample:
    """An example of a scorer's manual page; it is run as a test.

    Attributes:
        arguments: What stands under the scorer's key, as YAML.
        output: The output that is judged.
        passes: Whether the claim holds.
    """

    arguments: str
    output: str
    passes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerKind:
    """A scorer's entry in the registry.

    Attributes:
        name: The key in YAML.
        cls: The dataclass. It may have `bind(self, resources, node)`, which returns the scorer
            with its files and functions loaded.
        primary: The field that a value in place of a mapping fills; None where a mapping of
            arguments is a must.
        free_form: Whether the primary value may itself be a mapping, so that a mapping whose
            keys are not all arguments is taken as that value.
        examples: For the manual page and the tests.
        extra: The optional dependency it needs, such as `sql`; None for none.
        on: What it judges when the assertion does not say: `text` for most.
    """

    name: str
    cls: type
    primary: str | None
    free_form: bool
    examples: tuple[ScorerExample, ...]
    extra: str | None = None
    on: str = "text"


class ArgumentError(Exception):
    """A scorer's arguments contradict each other or make no sense.

    Raised by `__post_init__` or `bind`; the registry adds the place.

    Attributes:
        key: The argument at fault; None for all of them.
        hint: A way out.
    """

    def __init__(self, message: str, *, key: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


KINDS: dict[str, ScorerKind] = {}
"""Every scorer by name, filled by the decorator as the modules are imported."""

C = TypeVar("C", bound=type)


def scorer(
    name: str,
    *,
    primary: str | None,
    free_form: bool = False,
    examples: tuple[ScorerExample, ...] = (),
    extra: str | None = None,
    on: str = "text",
) -> Callable[[C], C]:
    """Enter a dataclass into the registry under its YAML name."""

    def register(cls: C) -> C:
        KINDS[name] = ScorerKind(
            name=name,
            cls=cls,
            primary=primary,
            free_form=free_form,
            examples=examples,
            extra=extra,
            on=on,
        )
        return cls

    return register


class Bindable(Protocol):
    """A scorer that needs files, functions or other scorers before it can judge."""

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Return the scorer with all it needs.

        Raises:
            InvalidInputError: What it needs is not there.
            ArgumentError: Its arguments make no sense.
        """
        ...
