"""What `test`, `rescore` and `report` share: a report told on the streams and written to files."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from llmops.errors import InvalidInputError
from llmops.reporting.base import Report
from llmops.reporting.run.console import SHOWN_PROBLEMS, print_report
from llmops.reporting.run.json import write_json
from llmops.reporting.terminal import make_screen
from llmops.workflows.opening.project import Surroundings
from llmops.workflows.report import ReportWish, read_report_wishes, write_reports


def wished_reports(typed: Sequence[str] | None, *, as_json: bool) -> list[ReportWish]:
    """Read `--report` words.

    Raises:
        InvalidInputError: No such format, or two documents would share stdout.
    """
    wishes = read_report_wishes(typed or ())
    named = ["--json"] if as_json else []
    named += [f"--report {wish.kind.name}" for wish in wishes if wish.path == "-"]
    if len(named) > 1:
        raise InvalidInputError(
            f"{' and '.join(named)} cannot both go to stdout",
            code="usage",
            hint="write one of them to a file: --report FORMAT=PATH",
        )
    return wishes


def tell(
    report: Report,
    wishes: Sequence[ReportWish],
    world: Surroundings,
    *,
    as_json: bool,
    shown: int | None = SHOWN_PROBLEMS,
    recorded: Sequence[Path] = (),
) -> tuple[Path, ...]:
    """Write the reports, and say on stdout what came of the run.

    A document on stdout stands there alone: what people read goes to stderr then. Annotations for
    GitHub are made to stand between other lines.

    Returns:
        The files written.

    Raises:
        LlmopsError: A report could not be written; everything else was written and said before.
    """
    written = write_reports(report, wishes, world.folder, world.environment)
    if as_json:
        write_json(report, sys.stdout)
    else:
        alone = any(wish.path == "-" and wish.kind.name != "github" for wish in wishes)
        screen = make_screen(sys.stderr if alone else sys.stdout, os.environ)
        names = [relative(path) for path in (*written.files, *recorded)]
        print_report(report, screen, shown=shown, written=names)
    if written.error is not None:
        raise written.error
    return written.files


def relative(path: Path) -> str:
    """A path as seen from here."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
