"""What a report is given, and what a reporter is: a function under a name.

To add one: a module with a function that takes a `Report` and a stream, `@reporter("name", …)`
above it. Nothing else knows of it but the list in `registry`.
"""

from collections.abc import Callable, Iterator
from typing import TextIO, TypeVar

from msgspec import Struct

from llmops.domain.run import RunFooter, RunHeader, TrialResult
from llmops.domain.verdict import Verdict
from llmops.errors import Fault
from llmops.reporting.summary import Sum, Summary, summarise


class Report(Struct, frozen=True, kw_only=True):
    """A run, ready to be told.

    Attributes:
        header: What the run set out to do.
        footer: How it ended; None for one that was killed.
        verdict: The one source of every count, of the printed line and of the exit code.
        trials: Gives the trials from the first one each time it is called, in the plan's order.
        warnings: What the user should hear of beside the trials.
        added: The trials added up as they ended; None: they are read for that.
    """

    header: RunHeader
    footer: RunFooter | None
    verdict: Verdict
    trials: Callable[[], Iterator[TrialResult]]
    warnings: tuple[Fault, ...] = ()
    added: Sum | None = None

    def summary(self, *, keep: int) -> Summary:
        """What there is to say without listing the trials, with so many problems at most."""
        if self.added is not None and keep <= self.added.keep:
            return self.added.summary(keep)
        return summarise(self.trials(), keep=keep)


Write = Callable[[Report, TextIO], None]
"""Writes a report; the stream takes text and ends no line by itself."""


class ReporterKind(Struct, frozen=True, kw_only=True):
    """A reporter's entry in the registry.

    Attributes:
        name: As written after `--report`.
        suffix: Of a file it writes, with the dot.
        write: Writes the report.
        about: What it is for, in one line.
    """

    name: str
    suffix: str
    write: Write
    about: str


REPORTERS: dict[str, ReporterKind] = {}
"""Every reporter by name, filled by the decorator as the modules are imported."""

W = TypeVar("W", bound=Write)


def reporter(name: str, *, suffix: str, about: str) -> Callable[[W], W]:
    """Enter a function into the registry under its name."""

    def register(write: W) -> W:
        REPORTERS[name] = ReporterKind(name=name, suffix=suffix, write=write, about=about)
        return write

    return register
