"""`llmops report`: a kept run in any format again."""

import os
import sys
from typing import Annotated

import typer

from llmops.cli.options import Reports


def report(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id, its end, or a file; the newest if none."),
    ] = None,
    report_: Reports = None,
    first: Annotated[
        int | None, typer.Option("--first", min=0, help="Show so many failures; all if not given.")
    ] = None,
) -> None:
    """Report a kept run, and exit by its verdict.

    Examples:
      llmops report                              the newest run, with every failure
      llmops report 7c1e --report junit=junit.xml --report markdown=-
    """
    from llmops.cli.asked import surroundings
    from llmops.reporting.console import print_report
    from llmops.reporting.terminal import make_screen
    from llmops.workflows.report import kept_report, read_report_wishes, write_reports

    wishes = read_report_wishes(report_ or ())
    world = surroundings()
    _kept, made = kept_report(world, run)
    write_reports(made, wishes, world.folder, world.environment)
    if not wishes:
        print_report(made, make_screen(sys.stdout, os.environ), shown=first)
    raise typer.Exit(made.verdict.exit_code)
