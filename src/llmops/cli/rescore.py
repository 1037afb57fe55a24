"""`llmops rescore`: new assertions on old completions, free of charge."""

import os
import sys
from typing import Annotated

import typer

from llmops.cli.options import Reports, Untrusted


def rescore(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id or its end; the newest if none."),
    ] = None,
    report: Reports = None,
    untrusted: Untrusted = False,
) -> None:
    """Judge a kept run by the suites as they are now, and exit by the new verdict.

    Examples:
      llmops rescore                             the newest run
      llmops rescore 7c1e --report markdown=-
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.talk import note
    from llmops.reporting.console import print_report
    from llmops.reporting.terminal import make_screen
    from llmops.workflows.project import open_project
    from llmops.workflows.report import kept_report, read_report_wishes, write_reports
    from llmops.workflows.rescore import rescore as judge

    wishes = read_report_wishes(report or ())
    world = surroundings(untrusted=untrusted)
    kept, _report = kept_report(world, run)
    rescored = judge(open_project(world), kept)

    print_report(rescored.report, make_screen(sys.stdout, os.environ))
    for before, after in rescored.changed:
        note(f"{after.suite}::{after.case} · {after.arm.label}: {before.status} → {after.status}")
    if rescored.unmatched:
        note(f"{rescored.unmatched} trials of the run are in no suite any more")
    write_reports(rescored.report, wishes, world.folder, world.environment)
    raise typer.Exit(rescored.report.verdict.exit_code)
