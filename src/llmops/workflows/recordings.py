"""Recordings of a project: read for a suite, written from a run."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from llmops.domain.run import TrialResult
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError
from llmops.providers.keys import redact, secrets_of
from llmops.providers.recorded import RecordedEntry, Recordings
from llmops.reporting.files import write_report
from llmops.running.store import KeptRun
from llmops.workflows.project import Earlier, OpenProject

_LARGEST = 2**30


def recordings_path(opened: OpenProject, suite: str) -> str:
    """The file of a suite's recordings, from the project's root."""
    return f"{opened.config.recordings}/{suite}.jsonl"


def read_recordings(opened: OpenProject, suite: str) -> Recordings | None:
    """A suite's recordings, those of an earlier commit included; None when it has none.

    Raises:
        InvalidInputError: A file is broken.
    """
    path = recordings_path(opened, suite)
    now = _parsed(opened.project.tree, path) if (opened.root / path).exists() else None
    then = _parsed_there(opened.earlier, suite) if opened.earlier is not None else None
    if now is None or then is None:
        return now or then
    return now.merge(then.entries.values())


def _parsed_there(earlier: Earlier, suite: str) -> Recordings | None:
    path = f"{earlier.folder}/{suite}.jsonl"
    try:
        return _parsed(earlier.tree, path)
    except InvalidInputError as error:
        if error.faults[0].code == "missing-file":
            return None
        raise


def _parsed(tree: Tree, path: str) -> Recordings:
    return Recordings.parse(tree.read(path, limit=_LARGEST), path)


def record_run(opened: OpenProject, run: KeptRun, *, prune: bool = False) -> tuple[Path, ...]:
    """Keep a run's completions in the recordings of its suites, without secrets.

    Args:
        opened: The project.
        run: Its trials' completions are taken, wherever they came from.
        prune: Drop recordings that no trial of the run asked for.

    Returns:
        The files written.

    Raises:
        InvalidInputError: A file of recordings is broken.
        UnavailableError: It cannot be written.
    """
    by_suite: dict[str, list[RecordedEntry]] = {}
    for trial in run.trials():
        by_suite.setdefault(trial.suite, []).extend(_entries(trial))
    secrets = secrets_of(opened.environment)
    written = []
    for suite, entries in by_suite.items():
        if not entries:
            continue
        path = recordings_path(opened, suite)
        before = read_recordings(opened, suite) or Recordings(path=path)
        after = before.merge(entries)
        if prune:
            after = after.keep(entry.digest for entry in entries)
        text = after.dump(lambda words: redact(words, secrets))
        file = opened.root / path
        write_report(file, partial(_write, text=text))
        written.append(file)
    return tuple(written)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)


def _entries(trial: TrialResult) -> Iterator[RecordedEntry]:
    for exchange in trial.exchanges:
        if exchange.request is not None and exchange.completion is not None:
            yield RecordedEntry(
                request=exchange.request, sample=trial.sample, completion=exchange.completion
            )
