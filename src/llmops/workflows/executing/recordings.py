"""Recordings of a project: read for a suite, written from a run."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmops.domain.run import TrialResult
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError, UnavailableError
from llmops.location import Location
from llmops.providers.keys import redact, secrets_of
from llmops.providers.packed import ENDING, PACKED_ABOVE, pack, unpack
from llmops.providers.recorded import RecordedEntry, Recordings
from llmops.reporting.files import write_bytes
from llmops.reporting.wording import plural
from llmops.running.keeping.store import KeptRun
from llmops.workflows.executing.stale_recordings import Asked, asked_in, has_whole_suites, named
from llmops.workflows.opening.project import Earlier, OpenProject

_LARGEST = 2**30


def recordings_path(opened: OpenProject, suite: str) -> str:
    """The file of a suite's recordings, from the project's root; a packed one ends in `.gz` too."""
    return f"{opened.config.recordings}/{suite}.jsonl"


def read_recordings(opened: OpenProject, suite: str) -> Recordings | None:
    """A suite's recordings, those of an earlier commit included; None when it has none.

    Raises:
        InvalidInputError: A file is broken, or there is a packed one beside one that is not.
    """
    now = _read_own(opened, suite)
    then = _parsed_there(opened.earlier, suite) if opened.earlier is not None else None
    if now is None or then is None:
        return now or then
    return now.merge(then.entries.values())


def record_run(
    opened: OpenProject,
    run: KeptRun,
    note: Callable[[str], None] = lambda _words: None,
    *,
    prune: bool = False,
) -> tuple[Path, ...]:
    """Keep a run's completions in the recordings of its suites, without secrets.

    Args:
        opened: The project.
        run: Its trials' completions are taken, wherever they came from.
        note: Told which recordings no case asks for any more, where the run had whole suites.
        prune: Drop these.

    Returns:
        The files written.

    Raises:
        InvalidInputError: A file of recordings is broken.
        UnavailableError: It cannot be written.
    """
    by_suite: dict[str, list[TrialResult]] = {}
    for trial in run.trials():
        by_suite.setdefault(trial.suite, []).append(trial)
    whole = has_whole_suites(run)
    written = []
    for suite, trials in by_suite.items():
        entries = [entry for trial in trials for entry in _entries(trial)]
        if not entries:
            continue
        after = (_read_own(opened, suite) or Recordings(path="")).merge(entries)
        asked = asked_in(trials, opened.project.suites.get(suite)) if whole else None
        after = _tidied(after, asked, suite, note, prune=prune)
        _tell_of_secrets(opened, suite, entries, note)
        written.append(_write(opened, suite, after))
    return tuple(written)


def _tidied(
    recordings: Recordings,
    asked: Asked | None,
    suite: str,
    note: Callable[[str], None],
    *,
    prune: bool,
) -> Recordings:
    """The recordings without those that nobody asks for, if they are to go."""
    if asked is None or not asked.is_complete:
        if prune:
            note(f"the recordings of {suite} stay as they are: not all of its trials were answered")
        return recordings
    stale = asked.stale(recordings)
    if not stale:
        return recordings
    way_out = "dropped" if prune else "'llmops record --prune' drops them"
    note(f"{plural(len(stale), 'recording')} of {suite} that no case asks for: {way_out}")
    for line in named(stale):
        note(f"  {line}")
    if not prune:
        return recordings
    gone = {entry.digest for entry in stale}
    return recordings.keep(digest for digest in recordings.entries if digest not in gone)


def _tell_of_secrets(
    opened: OpenProject,
    suite: str,
    entries: Sequence[RecordedEntry],
    note: Callable[[str], None],
) -> None:
    secrets = secrets_of(opened.environment)
    if not secrets:
        return
    texts = (json.dumps(entry.request.as_json(), ensure_ascii=False) for entry in entries)
    number = sum(redact(text, secrets) != text for text in texts)
    if number:
        words = f"{plural(number, 'request')} of {suite} held a secret"
        note(f"{words}: it is not recorded, so the recording is not found again")


def _read_own(opened: OpenProject, suite: str) -> Recordings | None:
    path = recordings_path(opened, suite)
    there = [name for name in (path, path + ENDING) if (opened.root / name).exists()]
    if len(there) > 1:
        raise InvalidInputError(
            f"the recordings are here, and in {path} too",
            at=Location(path + ENDING),
            code="two-recordings",
            hint="keep the newer of the two files",
        )
    return _parsed(opened.project.tree, there[0]) if there else None


def _parsed_there(earlier: Earlier, suite: str) -> Recordings | None:
    for path in (f"{earlier.folder}/{suite}.jsonl", f"{earlier.folder}/{suite}.jsonl{ENDING}"):
        try:
            return _parsed(earlier.tree, path)
        except InvalidInputError as error:
            if error.faults[0].code != "missing-file":
                raise
    return None


def _parsed(tree: Tree, path: str) -> Recordings:
    data = tree.read(path, limit=_LARGEST)
    return Recordings.parse(unpack(data, path) if path.endswith(ENDING) else data, path)


def _write(opened: OpenProject, suite: str, recordings: Recordings) -> Path:
    """Write a suite's file, packed when it is large; the other form of it goes."""
    secrets = secrets_of(opened.environment)
    data = recordings.dump(lambda words: redact(words, secrets)).encode()
    plain = opened.root / recordings_path(opened, suite)
    packed = plain.with_name(plain.name + ENDING)
    large = len(data) > PACKED_ABOVE
    file, other = (packed, plain) if large else (plain, packed)
    write_bytes(file, pack(data) if large else data)
    try:
        other.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"the file {other} cannot be deleted: {error.strerror}",
            code="not-deleted",
            hint=f"delete it: {file.name} holds all of it",
        ) from None
    return file


def _entries(trial: TrialResult) -> Iterator[RecordedEntry]:
    for exchange in trial.exchanges:
        if exchange.request is not None and exchange.completion is not None:
            yield RecordedEntry(
                request=exchange.request, sample=trial.sample, completion=exchange.completion
            )
