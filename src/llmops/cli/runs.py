"""`llmops runs`: the runs that are kept."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson


def runs(
    limit: Annotated[
        int, typer.Option("-n", metavar="N", min=1, help="So many, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List kept runs with their verdicts.

    Examples:
      llmops runs
      llmops runs -n 1 --json | jq -r '.[0].id'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_faults, say_json, say_rows
    from llmops.workflows.runs import list_runs

    listed, faults = list_runs(surroundings(), limit)
    say_faults(faults)
    if as_json:
        say_json([run.as_json() for run in listed])
        raise typer.Exit(2 if faults else 0)
    rows = [
        [run.id, run.status, f"{run.passed}/{run.planned}", f"${run.spent:.4f}", run.command]
        for run in listed
    ]
    empty = "no run can be read" if faults else "no run is kept yet"
    say_rows(("run", "verdict", "passed", "spent", "command"), rows, empty=empty)
    raise typer.Exit(2 if faults else 0)
