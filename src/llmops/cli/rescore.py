"""`llmops rescore`: new assertions on old completions, free of charge."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Reports, Untrusted


def rescore(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id or its end; the newest if none."),
    ] = None,
    report: Reports = None,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Judge a kept run by the suites as they are now, free of charge.

    Nobody is asked. The exit code is that of the new verdict.

    Examples:
      llmops rescore                             the newest run
      llmops rescore 7c1e --report markdown=-
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.telling.run import tell, wished_reports
    from llmops.cli.terminal.talk import note
    from llmops.reporting.wording import plural
    from llmops.workflows.opening.project import open_project
    from llmops.workflows.report import kept_report
    from llmops.workflows.rescore import rescore as judge

    wishes = wished_reports(report, as_json=as_json)
    world = surroundings(untrusted=untrusted)
    kept, _report = kept_report(world, run)
    rescored = judge(open_project(world), kept)

    for before, after in rescored.changed:
        note(f"{after.suite}::{after.case} · {after.arm.label}: {before.status} → {after.status}")
    if rescored.unmatched:
        note(f"{plural(rescored.unmatched, 'trial')} of the run in no suite any more")
    tell(rescored.report, wishes, world, as_json=as_json)
    raise typer.Exit(rescored.report.verdict.exit_code)
