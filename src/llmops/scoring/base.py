"""What a scorer is: a frozen dataclass whose fields are its YAML arguments.

To add one: a class in the module of its kind, `@scorer("name", …)` above it, its manual page
as docstring, its arguments as fields, its judgement in `score`. Nothing else knows of it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.domain.suite import Assertion
from llmops.errors import CannotScoreError
from llmops.location import Location


class PickError(Exception):
    """What `on` names is not in the completion: the claim fails, for the model did not give it."""


def _nothing_else(on: str) -> "Subject":
    raise PickError(f"there is no '{on}' to judge")


class Subject(Struct, frozen=True, kw_only=True):
    """What a scorer judges: a completion, or the part of it that `on` picks.

    Attributes:
        completion: The whole completion.
        picked: What `on` picked: text, a JSON value, tool calls as a list, a number.
        on: The assertion's own word for it; empty where a combinator hands the choice on.
        inputs: The case's inputs.
        row: The dataset's row, if there is one.
        part: Gives the subject for another `on` of the same completion; raises `PickError` when
            the completion has no such part.
    """

    completion: Completion
    picked: object
    on: str = "text"
    inputs: Mapping[str, object] = field(default_factory=dict)
    row: Mapping[str, object] | None = None
    part: Callable[[str], "Subject"] = _nothing_else

    @property
    def text(self) -> str:
        """What is judged, as text: JSON with sorted keys for what is no text.

        Raises:
            CannotScoreError: It has no form in JSON.
        """
        if isinstance(self.picked, str):
            return self.picked
        try:
            return json.dumps(self.picked, ensure_ascii=False, sort_keys=True)
        except (TypeError, ValueError, RecursionError) as error:
            raise CannotScoreError(f"what is judged cannot be written as JSON: {error}") from None


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
    """A scorer, built and ready."""

    @property
    def slow(self) -> bool:
        """Whether judging may take long enough to hold others up (patterns, user code)."""
        ...

    def score(self, subject: Subject) -> Score:
        """Judge.

        Raises:
            CannotScoreError: It cannot judge; that is no failing score.
            PickError: What it judges is not there.
        """
        ...


class ScorerExample(Struct, frozen=True, kw_only=True):
    """An example of a scorer's manual page; it is run as a test.

    Attributes:
        arguments: What stands under the scorer's key, as YAML.
        output: The output that is judged.
        passes: Whether the claim holds; None where it cannot be judged.
        completion: Further fields of the completion, such as its latency.
    """

    arguments: str
    output: str
    passes: bool | None
    completion: Mapping[str, object] = field(default_factory=dict)


class ScorerKind(Struct, frozen=True, kw_only=True):
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
        on: What it judges when the assertion does not say: `text` for most, empty for a
            combinator, which leaves it to the scorers inside. Only scorers of `text`, `json` and
            combinators can be told to judge something else.
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
    """Enter a dataclass into the registry under its YAML name.

    Raises:
        ValueError: Another scorer has that name.
    """

    def register(cls: C) -> C:
        taken = KINDS.get(name)
        if taken and _identity(taken.cls) != _identity(cls):
            raise ValueError(f"the scorer '{name}' is there already, in {taken.cls.__module__}")
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


def _identity(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


class Bindable(Protocol):
    """A scorer that needs files, functions or other scorers before it can judge."""

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Return the scorer with all it needs.

        Raises:
            InvalidInputError: What it needs is not there.
            ArgumentError: Its arguments make no sense.
        """
        ...
