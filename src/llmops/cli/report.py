"""`llmops report`: a kept run in any format again."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Reports


def report(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id, its end, or a file; the newest if none."),
    ] = None,
    report_: Reports = None,
    first: Annotated[
        int | None,
        typer.Option("--first", metavar="N", min=0, help="Show so many failures; all if none."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report a kept run, and exit by its verdict.

    Examples:
      llmops report                              the newest run, with every failure
      llmops report 7c1e --report junit=junit.xml --report markdown=-
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.telling.run import tell, wished_reports
    from llmops.workflows.report import kept_report

    wishes = wished_reports(report_, as_json=as_json)
    world = surroundings()
    _kept, made = kept_report(world, run)
    tell(made, wishes, world, as_json=as_json, shown=first)
    raise typer.Exit(made.verdict.exit_code)
