"""Runs kept as JSON lines: a header, a line a trial as it completes, a footer."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from llmops.domain.record import (
    footer_from_json,
    footer_to_json,
    header_from_json,
    header_to_json,
    trial_from_json,
    trial_to_json,
)
from llmops.domain.run import RunFooter, RunHeader, StoppedBy, TrialResult
from llmops.domain.verdict import Totals, Verdict, decide
from llmops.errors import InvalidInputError, UnavailableError, did_you_mean
from llmops.location import Location

SCHEMA = "llmops.run/1"
FOLDER = ".llmops/runs"


class RunWriter:
    """Appends a run to its file, a line at a time; what is shown is on disk before."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """Create the file, or go on with one.

        Raises:
            UnavailableError: The file cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if resume:
                _drop_broken_end(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file: IO[bytes] = os.fdopen(descriptor, "ab", buffering=0)
        except OSError as error:
            raise _unwritable(path, error) from None

    def header(self, header: RunHeader) -> None:
        """Write what the run sets out to do."""
        self._line({"schema": SCHEMA, "header": header_to_json(header)})

    def trial(self, index: int, trial: TrialResult) -> None:
        """Write one trial; `index` is its place in the plan."""
        self._line({"n": index, "trial": trial_to_json(trial)})

    def footer(self, footer: RunFooter) -> None:
        """Write how the run ended."""
        self._line({"footer": footer_to_json(footer)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        data = text.encode("utf-8", errors="surrogatepass") + b"\n"
        try:
            self._file.write(data)
        except OSError as error:
            raise _unwritable(self.path, error) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run read back from its file.

    Attributes:
        places: Plan index and byte offset of each trial's line; the last line of an index counts.
        footer: None when the run was killed.
    """

    path: Path
    header: RunHeader
    footer: RunFooter | None
    places: Mapping[int, int]

    def trials(self) -> Iterator[TrialResult]:
        """The trials in the order of the plan; may be called again."""
        return (trial for _index, trial in self.indexed_trials())

    def indexed_trials(self) -> Iterator[tuple[int, TrialResult]]:
        """Each trial with its place in the plan, in that order."""
        with self.path.open("rb") as file:
            for index in sorted(self.places):
                file.seek(self.places[index])
                yield index, trial_from_json(_parse(file.readline(), self.path, 0)["trial"])

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


def read_run(path: Path) -> KeptRun:
    """Read a run's file. A last line that was cut off by a kill is passed over.

    Raises:
        InvalidInputError: The file is no run, or a line in its middle is broken.
        UnavailableError: It cannot be read.
    """
    header: RunHeader | None = None
    footer: RunFooter | None = None
    places: dict[int, int] = {}
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                value = _parse(line, path, number)
                if "trial" in value:
                    places[value["n"]] = offset
                    footer = None
                elif "header" in value:
                    header = header_from_json(value["header"])
                elif "footer" in value:
                    footer = footer_from_json(value["footer"])
                offset += len(line)
    except OSError as error:
        raise UnavailableError(f"the run {path} cannot be read: {error.strerror}") from None
    except (KeyError, TypeError) as error:
        raise _broken(path, 1, f"it has no {error}") from None
    if header is None:
        raise _broken(path, 1, "it has no header")
    return KeptRun(path=path, header=header, footer=footer, places=places)


def run_ids(folder: Path) -> list[str]:
    """The ids of the runs in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def find_run(folder: Path, wanted: str | None) -> Path:
    """The file of a run.

    Args:
        folder: The folder of kept runs.
        wanted: An id, its beginning or its end, or a path; None for the newest.

    Raises:
        InvalidInputError: No run or several runs are meant.
    """
    ids = run_ids(folder)
    if wanted is not None and wanted.endswith(".jsonl") and Path(wanted).is_file():
        return Path(wanted)
    if wanted in {None, "last"}:
        if not ids:
            raise InvalidInputError(
                "no run is kept yet", code="unknown-run", hint="run 'llmops test' first"
            )
        return folder / f"{ids[-1]}.jsonl"
    word = str(wanted)
    matching = [id_ for id_ in ids if id_.startswith(word) or id_.endswith(word)]
    if len(matching) == 1:
        return folder / f"{matching[0]}.jsonl"
    raise _not_one(word, matching, ids)


def _not_one(word: str, matching: Sequence[str], ids: Sequence[str]) -> InvalidInputError:
    if matching:
        message = f"'{word}' could be {' or '.join(matching[:5])}"
        return InvalidInputError(message, code="ambiguous-run", hint="write more of the id")
    hint = did_you_mean(word, ids) or "'llmops runs' lists them"
    return InvalidInputError(f"no run is called '{word}'", code="unknown-run", hint=hint)


def _parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8", errors="surrogatepass"))
    except (ValueError, RecursionError):
        raise _broken(path, number, "the line is not JSON") from None
    if not isinstance(value, dict):
        raise _broken(path, number, "the line is not a mapping")
    return value


def _broken(path: Path, number: int, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"this is not the file of a run: {what}",
        at=Location(path.as_posix(), max(number, 1)),
        code="broken-run",
        hint="delete the file; 'llmops runs' lists the others",
    )


def _drop_broken_end(path: Path) -> None:
    """Cut off a last line that a kill left unfinished, so that the next one starts afresh."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        position = size
        while position > 0:
            step = min(65_536, position)
            file.seek(position - step)
            cut = file.read(step).rfind(b"\n")
            if cut >= 0:
                position = position - step + cut + 1
                break
            position -= step
        if position < size:
            file.truncate(position)


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the run cannot be kept in {path}: {error.strerror or error}",
        hint="free some space, or run where the folder can be written",
    )
