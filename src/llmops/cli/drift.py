"""`llmops drift`: whether models answer the canaries as they did."""

from dataclasses import replace
from typing import Annotated

import typer

from llmops.cli.options import AsJson, Expression, ForPrompt, Models, Select, Untrusted


def drift(
    select: Select = None,
    expression: Expression = None,
    prompt: ForPrompt = None,
    model: Models = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="REF", help="Ask prompts as they were there, but pinned ones."
        ),
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Hold later looks against what is answered now.")
    ] = False,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between", metavar="RUN RUN", help="What of their difference is the model's."
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=10_000, help="Ask each case so many times."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(metavar="SHARE", min=0, max=1, help="A change of so much does not matter."),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(metavar="SHARE", min=0.5, max=1, help="How sure a claim must be."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", min=0, help="Stop at so many dollars.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Stop at so many calls.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1000, help="Calls at a time, for each model."),
    ] = None,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Ask the cases tagged canary anew, and say whether the model drifted.

    Ends with 0 when it is steady, 1 when it drifted, 6 when nobody can tell.

    Examples:
      llmops drift --samples 5
      llmops drift tag:smoke --at production --max-cost 0.50
    """
    import os
    import sys
    import time
    from datetime import UTC, datetime

    from llmops.cli.asked import surroundings
    from llmops.cli.talk import say_json
    from llmops.cli.testing import Wishes, options_of
    from llmops.reporting.drift import print_drift
    from llmops.reporting.progress import make_progress
    from llmops.reporting.terminal import make_screen
    from llmops.workflows.asking import Clock
    from llmops.workflows.drift import DriftOptions
    from llmops.workflows.drift import drift as look
    from llmops.workflows.project import open_project

    wishes = Wishes(
        selectors=tuple(select or ()),
        expression=expression,
        prompt=prompt,
        models=tuple(model or ()),
        samples=samples,
        max_cost=max_cost,
        max_calls=max_calls,
        concurrency=concurrency,
    )
    options = DriftOptions(
        at=at,
        accept=accept,
        margin=margin,
        confidence=confidence,
        between=between,
        test=replace(options_of(wishes), fresh=True),
    )
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    opened = open_project(surroundings(untrusted=untrusted))
    progress = make_progress(sys.stderr, os.environ, clock=time.monotonic)
    report = look(opened, options, clock, progress)
    if as_json:
        say_json(report.as_json())
    else:
        print_drift(report, make_screen(sys.stdout, os.environ))
    raise typer.Exit(report.verdict.exit_code)
