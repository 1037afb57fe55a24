"""What every provider's batches can do: be sent, found, looked at, fetched and cancelled."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from llmops.domain.completion import Completion, Request
from llmops.errors import ProviderError
from llmops.providers.direct.certainty import Call


class UnsureError(Exception):
    """Nobody knows whether a batch was accepted: no answer came, or none that says it.

    Attributes:
        error: What came instead.
    """

    def __init__(self, error: ProviderError) -> None:
        super().__init__(str(error))
        self.error = error


class Letter(Struct, frozen=True, kw_only=True):
    """One request of a batch.

    Attributes:
        id: By which its answer is told apart: 1 to 64 letters, digits, `_` and `-`.
        call: The request as it would be sent by itself.
        request: What was asked, for reading the answer.
        most: US dollars that it costs at most; None when nobody knows the price.
    """

    id: str
    call: Call
    request: Request
    most: float | None


class Tag(Struct, frozen=True, kw_only=True):
    """What a batch is marked with, so that it can be found again.

    Attributes:
        run: The run's id.
        name: The batch's, one of a kind in its run.
    """

    run: str
    name: str


class State(Struct, frozen=True, kw_only=True):
    """How far a batch is.

    Attributes:
        word: The provider's own.
        ended: Whether its results are there, as far as there will be any.
        files: Where they are, for providers that keep them in files.
        refusal: Why none of its requests was carried out; None if some may have been.
    """

    word: str
    ended: bool
    files: tuple[str, ...] = ()
    refusal: ProviderError | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """What came of one request of a batch."""

    id: str
    answer: Completion | ProviderError


class Batches(Protocol):
    """The batches of one model at one host. Every method raises `ProviderError`."""

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Send requests as one batch and return its id.

        Raises:
            ProviderError: It was not accepted.
            UnsureError: It may have been accepted.
        """
        ...

    async def find(self, tag: Tag) -> str | None:
        """The id of the batch that was marked so; None when there is none, or none can tell."""
        ...

    async def look(self, batch: str) -> State:
        """Ask how far a batch is."""
        ...

    def fetch(
        self, batch: str, state: State, asked: Mapping[str, Request]
    ) -> AsyncGenerator[Reply]:
        """Read the results of a batch that has ended, in whatever order they come.

        Lines that cannot be read, and answers to what nobody asked, are passed over.

        Args:
            batch: Its id.
            state: As it was looked at last.
            asked: What was asked, by the ids of the requests.
        """
        ...

    async def cancel(self, batch: str) -> None:
        """Ask the provider to stop; what it has answered by then is kept and paid for."""
        ...


def lost(word: str) -> ProviderError:
    """Why a request has no result, though its batch has ended.

    Args:
        word: The provider's for how the batch or the request ended.
    """
    if word == "expired":
        return ProviderError(
            "the batch expired before the request was answered: the provider gives it 24 hours",
            kind="timeout",
            hint="go on with the run by 'llmops test --resume', or ask without --batch",
        )
    if word in {"cancelled", "canceled"}:
        return ProviderError(
            "the batch was cancelled before the request was answered",
            kind="bad_request",
            hint="go on with the run by 'llmops test --resume' to ask again",
        )
    return ProviderError(
        "the results of the batch hold no answer to the request that can be read",
        kind="bad_response",
        hint="go on with the run by 'llmops test --resume' to ask again",
    )
