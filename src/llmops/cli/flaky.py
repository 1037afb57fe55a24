"""`llmops flaky`: which cases waver, by the runs that are kept."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Expression, ForPrompt, Select, Untrusted


def flaky(
    select: Select = None,
    expression: Expression = None,
    prompt: ForPrompt = None,
    runs: Annotated[
        int, typer.Option("--runs", metavar="N", min=1, help="Look through the newest N kept runs.")
    ] = 100,
    write: Annotated[
        bool, typer.Option("--write", help="Put the proposed entries into the suites' files.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--all", help="List the cases that always did the same, too.")
    ] = False,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Say which cases waver, and propose to quarantine them.

    Examples:
      llmops flaky                       what kept runs say of today's prompts and cases
      llmops flaky support/ --write      put the entries into the suites
    """
    import os
    import sys

    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.clock import clock
    from llmops.cli.terminal.talk import say_json
    from llmops.loading.quarantine_writing import entry_lines
    from llmops.reporting.flaky import print_flaky
    from llmops.reporting.terminal import make_screen
    from llmops.running.planning.selection import Selection
    from llmops.workflows.flaky import FlakyOptions
    from llmops.workflows.flaky import flaky as look
    from llmops.workflows.opening.project import open_project

    selection = Selection(selectors=tuple(select or ()), expression=expression, prompt=prompt)
    options = FlakyOptions(selection=selection, runs=runs, write=write)
    opened = open_project(surroundings(untrusted=untrusted))
    report = look(opened, options, clock().now().date())
    if as_json:
        say_json(report.as_json())
        return
    proposed = {path: entry_lines(found) for path, found in report.by_file().items()}
    print_flaky(report, make_screen(sys.stdout, os.environ), proposed, whole=whole)
