"""Write reports of a run in any format, to files or to stdout."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from llmops.errors import InvalidInputError, LlmopsError
from llmops.reporting.base import Report, ReporterKind
from llmops.reporting.files import write_report
from llmops.reporting.registry import reporter_named
from llmops.reporting.run.github import append_step_summary
from llmops.running.keeping.run_names import FOLDER, find_run
from llmops.running.keeping.store import KeptRun, read_run
from llmops.workflows.opening.project import Surroundings, open_config


class ReportWish(Struct, frozen=True, kw_only=True):
    """A report that is wanted: its format, and where to; `-` is stdout."""

    kind: ReporterKind
    path: str


class Written(Struct, frozen=True, kw_only=True):
    """What became of the reports: the files, and what kept others from being written."""

    files: tuple[Path, ...]
    error: LlmopsError | None


def read_report_wishes(typed: Sequence[str]) -> list[ReportWish]:
    """Read `FORMAT` or `FORMAT=PATH` words.

    Raises:
        InvalidInputError: No such format, or a path is missing after `=`.
    """
    wishes = []
    for word in typed:
        name, equals, path = word.partition("=")
        kind = reporter_named(name)
        if equals and not path:
            raise InvalidInputError(
                f"--report '{word}' names no file", code="usage", hint=f"write {name}=PATH"
            )
        default = "-" if name == "github" else f"report{kind.suffix}"
        wishes.append(ReportWish(kind=kind, path=path or default))
    return wishes


def write_reports(
    report: Report, wishes: Sequence[ReportWish], folder: Path, environment: Mapping[str, str]
) -> Written:
    """Write reports; the `github` one adds to the step summary as well.

    One that cannot be written keeps no other from it, and leaves what was there before.
    """
    files: list[Path] = []
    errors: list[LlmopsError] = []
    for wish in wishes:
        try:
            files += _write_one(report, wish, folder, environment)
        except LlmopsError as error:
            errors.append(error)
    if errors:
        errors[0].faults = tuple(fault for error in errors for fault in error.faults)
    return Written(files=tuple(files), error=errors[0] if errors else None)


def kept_report(surroundings: Surroundings, wanted: str | None) -> tuple[KeptRun, Report]:
    """A kept run and its report.

    Raises:
        InvalidInputError: There is no such run, or its file is broken.
    """
    root, _config = open_config(surroundings)
    run = read_run(find_run(root / FOLDER, wanted))
    report = Report(header=run.header, footer=run.footer, verdict=run.verdict(), trials=run.trials)
    return run, report


def _write_one(
    report: Report, wish: ReportWish, folder: Path, environment: Mapping[str, str]
) -> list[Path]:
    if wish.kind.name == "github":
        _add_step_summary(report, environment)
    if wish.path == "-":
        wish.kind.write(report, sys.stdout)
        return []
    file = (folder / wish.path).absolute()
    write_report(file, partial(_write, report=report, kind=wish.kind), root=folder)
    return [file]


def _write(stream: TextIO, report: Report, kind: ReporterKind) -> None:
    kind.write(report, stream)


def _add_step_summary(report: Report, environment: Mapping[str, str]) -> None:
    path = environment.get("GITHUB_STEP_SUMMARY")
    if path:
        append_step_summary(report, Path(path))
