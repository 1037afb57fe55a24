"""Runs kept as JSON lines: a header, a line a trial as it completes, a footer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from llmops.domain.compact import Offsets
from llmops.domain.frame import footer_from_json, footer_to_json, header_from_json, header_to_json
from llmops.domain.json_bytes import json_bytes
from llmops.domain.record import trial_from_json, trial_to_json
from llmops.domain.run import RunFooter, RunHeader, StoppedBy, TrialResult
from llmops.domain.verdict import Totals, Verdict, decide
from llmops.errors import InvalidInputError, UnavailableError
from llmops.location import Location
from llmops.running.keeping.batch_log import BatchEvent, event_from_json, event_to_json
from llmops.running.keeping.lines import LineFile

SCHEMA = "llmops.run/1"
_HEADER_BYTES = 2**24
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class RunWriter:
    """Appends a run to its file, a line at a time; what is shown is on disk before."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """Create the file, or go on with one.

        Raises:
            InvalidInputError: Another process is writing the run that is to be gone on with.
            UnavailableError: The file cannot be written, or a new one is there already.
        """
        self.path = path
        self._resumed = resume
        self._header: RunHeader | None = None
        self._footer: RunFooter | None = None
        self._places = Offsets()
        self._batches: list[BatchEvent] = []
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = LineFile(path, resume=resume)
        except BlockingIOError:
            raise InvalidInputError(
                f"the run {path.stem} is still under way", code="busy-run", hint="wait for its end"
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None

    def header(self, header: RunHeader) -> None:
        """Write what the run sets out to do."""
        self._line({"schema": SCHEMA, "header": header_to_json(header)})
        self._header = header

    def trial(self, index: int, trial: TrialResult) -> None:
        """Write one trial; `index` is its place in the plan."""
        begin = self._file.end
        self._line({"n": index, "trial": trial_to_json(trial)})
        self._places.put(index, begin)

    def batch(self, event: BatchEvent) -> None:
        """Write what happened to a batch."""
        self._line({"batch": event_to_json(event)})
        self._batches.append(event)

    def footer(self, footer: RunFooter) -> None:
        """Write how the run ended."""
        self._line({"footer": footer_to_json(footer)})
        self._footer = footer

    def kept(self) -> "KeptRun":
        """The run as its file holds it; one that was gone on with is read for that.

        Raises:
            InvalidInputError: The file of a run that was gone on with is broken.
            UnavailableError: It cannot be read.
        """
        if self._resumed or self._header is None:
            return read_run(self.path)
        return KeptRun(
            path=self.path,
            header=self._header,
            footer=self._footer,
            places=self._places,
            batches=self._batches,
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        try:
            line = json_bytes(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise UnavailableError(
                f"the run cannot be kept in {self.path}: {error}", hint="this is a bug of llmops"
            ) from None
        try:
            self._file.add(line)
        except OSError as error:
            raise _unwritable(self.path, error) from None


class KeptRun(Struct, frozen=True, kw_only=True):
    """A run read back from its file.

    Attributes:
        places: Plan index and byte offset of each trial's line; the last line of an index counts.
        footer: None when the run was killed.
        batches: What happened to its batches, in that order.
    """

    path: Path
    header: RunHeader
    footer: RunFooter | None
    places: Offsets
    batches: Sequence[BatchEvent] = ()

    def trials(self) -> Iterator[TrialResult]:
        """The trials in the order of the plan; may be called again.

        Raises:
            InvalidInputError: A trial cannot be read.
            UnavailableError: The file cannot be read any more.
        """
        return (trial for _index, trial in self.indexed_trials())

    def indexed_trials(self) -> Iterator[tuple[int, TrialResult]]:
        """The trials with their places in the plan; raises what `trials` raises."""
        try:
            with self.path.open("rb") as file:
                for index in self.places:
                    file.seek(self.places[index])
                    yield index, self._trial(file.readline(), self.places[index])
        except OSError as error:
            raise _unreadable(self.path, error) from None

    @property
    def stopped_by(self) -> StoppedBy | None:
        """What ended the run early; `killed` when it left no footer."""
        return "killed" if self.footer is None else self.footer.stopped_by

    def totals(self) -> Totals:
        """Counts, from the trials themselves."""
        totals = Totals(planned=self.header.planned)
        for trial in self.trials():
            totals.add(trial)
        return totals

    def verdict(self) -> Verdict:
        """The verdict, from the trials themselves."""
        return decide(self.totals(), stopped_by=self.stopped_by)

    def _trial(self, line: bytes, offset: int) -> TrialResult:
        try:
            return trial_from_json(json.loads(line)["trial"])
        except _UNREADABLE as error:
            with self.path.open("rb") as file:
                number = file.read(offset).count(b"\n") + 1
            raise _broken(self.path, number, _words_of(error)) from None


def read_run(path: Path) -> KeptRun:
    """Read a run's file. A last line that was cut off by a kill is passed over.

    Raises:
        InvalidInputError: The file is no run, or a line in its middle is broken.
        UnavailableError: It cannot be read.
    """
    reading = _Reading()
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                reading.take(line)
    except OSError as error:
        raise _unreadable(path, error) from None
    except _UNREADABLE as error:
        raise _broken(path, reading.lines, _words_of(error)) from None
    if reading.header is None:
        raise _broken(path, 1, "it has no header")
    return KeptRun(
        path=path,
        header=reading.header,
        footer=reading.footer,
        places=reading.places,
        batches=reading.batches,
    )


def read_header(path: Path) -> RunHeader | None:
    """What a run set out to do, from its file's first line; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.readline(_HEADER_BYTES))
        return header_from_json(value["header"]) if value.get("schema") == SCHEMA else None
    except (OSError, *_UNREADABLE):
        return None


class _Reading(Struct):
    """What the lines so far have said."""

    header: RunHeader | None = None
    footer: RunFooter | None = None
    places: Offsets = field(default_factory=Offsets)
    batches: list[BatchEvent] = field(default_factory=list)
    offset: int = 0
    lines: int = 0

    def take(self, line: bytes) -> None:
        """Read one more line; raises one of `_UNREADABLE` when it is none of a run's."""
        self.lines += 1
        value = json.loads(line)
        if not isinstance(value, dict):
            raise TypeError("it is not a mapping")
        if "trial" in value:
            self.places.put(_index(value["n"]), self.offset)
            self.footer = None
        elif "header" in value:
            if value.get("schema") != SCHEMA:
                raise ValueError(f"its schema is not '{SCHEMA}': another llmops wrote it")
            self.header = header_from_json(value["header"])
        elif "batch" in value:
            self.batches.append(event_from_json(value["batch"]))
            self.footer = None
        elif "footer" in value:
            self.footer = footer_from_json(value["footer"])
        self.offset += len(line)


def _index(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"'{value}' is no place in a plan")
    return value


def _words_of(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "the line is not JSON"
    return f"the line has no {error}" if isinstance(error, KeyError) else str(error)


def _broken(path: Path, number: int, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"this is not the file of a run: {what}",
        at=Location(path.as_posix(), max(number, 1)),
        code="broken-run",
        hint="delete the file; 'llmops runs' lists the others",
    )


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the run cannot be kept in {path}: {error.strerror or error}",
        hint="free some space, or run where the folder can be written",
    )


def _unreadable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"the run {path} cannot be read: {error.strerror or error}")
