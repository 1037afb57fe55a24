"""An attempt at a request: when it was made, and what came of it."""

from msgspec import Struct

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.domain.run import Failure


class MadeAttempt(Struct, frozen=True, kw_only=True):
    """One attempt of a trial, over.

    Attributes:
        trial: The trial's id.
        target: The suite whose target was called; empty for a model.
        number: Among the attempts at the same request, from 1.
        began: Seconds of a clock that never goes back.
        ended: Seconds of the same clock.
        request: What was sent; None for a target.
        model: Who was asked; None for a target.
        completion: What came back; None when there is a failure.
        failure: Why nothing did.
    """

    trial: str
    number: int
    began: float
    ended: float
    target: str = ""
    request: Request | None = None
    model: Model | None = None
    completion: Completion | None = None
    failure: Failure | None = None
