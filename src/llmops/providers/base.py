"""The one method every provider has, and what it is given.

A provider makes one attempt and says what came of it. Waiting, repeating, deadlines,
budgets and caches belong to `running`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.domain.node import Node, Text
from llmops.domain.tree import Tree
from llmops.location import Location

Load = Callable[[str, Location], Callable[..., Any]]
"""Loads a function by its reference; raises `InvalidInputError`."""

Render = Callable[[Text | Node, Mapping[str, object]], object]
"""Renders a template, or every template inside a node, over the inputs; returns plain values."""


class Provider(Protocol):
    """Turns a request into a completion."""

    async def open(self) -> None:
        """Get ready; what takes long here is not counted as an attempt's time."""
        ...

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Make one attempt.

        Args:
            request: What to send.
            model: Host, key, timeout and price of the model.
            sample: The sample's number, from 0, for providers that tell samples apart.

        Raises:
            ProviderError: There is no completion, with the kind of failure.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...


class TargetProvider(Protocol):
    """Turns a case's inputs into a completion: an application under test."""

    async def call(self, inputs: Mapping[str, object]) -> Completion:
        """Make one attempt.

        Raises:
            ProviderError: There is no completion, with the kind of failure.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...


class ProviderContext(Struct, frozen=True, kw_only=True):
    """What a provider may look at.

    Attributes:
        tree: The project's files.
        root: The project's folder on disk, for targets that run programs.
        environment: Environment variables, handed in: providers read no other.
    """

    tree: Tree
    root: str
    environment: Mapping[str, str]
