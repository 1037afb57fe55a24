"""Every error a user can meet: its place, its words, its code and a way out."""

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from msgspec import Struct

from llmops.location import Location

ProviderErrorKind = Literal[
    "timeout",
    "rate_limited",
    "auth",
    "bad_request",
    "not_found",
    "context_length",
    "content_filter",
    "bad_response",
    "too_large",
    "server",
    "network",
    "no_recording",
]
"""What went wrong between us and a provider, the same words for every provider."""

RETRYABLE: frozenset[ProviderErrorKind] = frozenset(
    {"timeout", "rate_limited", "bad_response", "server", "network"}
)
"""The kinds for which asking again may help."""


class Fault(Struct, frozen=True, kw_only=True):
    """One complaint about what the user wrote.

    Attributes:
        code: A word to search for, such as `unknown-key`.
        message: What was written and what is wrong with it, starting in lower case.
        at: Where it stands, if it stands in a file.
        hint: What to do about it.
        severity: `error` fails the command, `warning` is only shown.
    """

    code: str
    message: str
    at: Location | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.at}: " if self.at else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{self.message} [{self.code}]{hint}"


class LlmopsError(Exception):
    """A failure the user can mend.

    The command line prints its faults without a traceback. Anything else that escapes is our bug.

    Attributes:
        faults: What is wrong, one entry a place.
    """

    exit_code: ClassVar[int] = 2
    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        at: Location | None = None,
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        fault = Fault(code=code or self.code, message=message, at=at, hint=hint)
        self.faults: tuple[Fault, ...] = (fault,)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class InvalidInputError(LlmopsError):
    """The user's files or arguments are wrong (exit code 2)."""

    code = "invalid-input"

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> "InvalidInputError":
        """Make one error of all the faults that were found.

        Raises:
            ValueError: `faults` is empty.
        """
        if not faults:
            msg = "an error needs at least one fault"
            raise ValueError(msg)
        error = cls(faults[0].message)
        error.faults = tuple(faults)
        return error


class NothingSelectedError(LlmopsError):
    """No trial was left to run (exit code 5)."""

    exit_code = 5
    code = "nothing-selected"


class UnavailableError(LlmopsError):
    """Git, the disk or another part of the machine refused, so there is no verdict (exit code 3)."""

    exit_code = 3
    code = "unavailable"


class NoComparisonError(LlmopsError):
    """There is nothing to compare with, or what there is cannot be compared (exit code 6)."""

    exit_code = 6
    code = "no-comparison"


class TemplateError(LlmopsError):
    """A template cannot be compiled, or rendering it with these inputs failed."""

    code = "template"


class CannotScoreError(Exception):
    """A scorer could not judge; the trial is `unscored`, which is never a pass.

    Attributes:
        reason: Why, in the user's words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderError(LlmopsError):
    """A provider gave no completion.

    Attributes:
        kind: What went wrong.
        status: The HTTP status, if the provider answered with one.
        retry_after: Seconds the provider asked us to wait, if it did.
        unreached: Whether no connection came about; a broken one reached its host.
        refused: Whether nobody listens there: the connection was refused, or its host's name
            stands for nothing.
    """

    exit_code = 3
    code = "provider"

    def __init__(
        self,
        message: str,
        *,
        kind: ProviderErrorKind,
        status: int | None = None,
        retry_after: float | None = None,
        at: Location | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, at=at, hint=hint, code=kind)
        self.message = message
        self.kind: ProviderErrorKind = kind
        self.status = status
        self.retry_after = retry_after
        self.unreached = False
        self.refused = False
        self.hint = hint

    @property
    def retryable(self) -> bool:
        """Whether asking again may help."""
        return self.kind in RETRYABLE


def did_you_mean(written: str, known: Iterable[str]) -> str | None:
    """Suggest the known word nearest to what was written.

    Returns:
        A hint such as `did you mean 'contains'?`, or None when nothing is near.
    """
    words = {word.casefold(): word for word in known}
    near = difflib.get_close_matches(written.casefold(), words, n=1, cutoff=0.6)
    return f"did you mean '{words[near[0]]}'?" if near else None
