"""The trials that wait for one model or target, and the workers that take them."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from llmops.errors import ProviderError
from llmops.running.limits import ModelGate
from llmops.running.runner import Progress


@dataclass(slots=True)
class Lane:
    """What waits for one model or target.

    Attributes:
        gate: The model's limits; None for a target.
        most: Workers at the most.
    """

    gate: ModelGate | None
    queue: deque[Progress] = field(default_factory=deque)
    workers: set[asyncio.Task[None]] = field(default_factory=set)
    most: int = 1


class GoneError(Exception):
    """The request that others waited for was cancelled."""


def unexpected(error: Exception) -> ProviderError:
    """A provider must say what went wrong; one that does not ends its trial, not the run."""
    words = f"the provider broke with {type(error).__name__}: {error}"[:300]
    return ProviderError(words, kind="bad_request", hint="this is a bug of the provider")
