"""`llmops drift`: whether models answer the canaries as they did."""

from typing import Annotated

import typer

from llmops.cli.options import (
    AsJson,
    Concurrency,
    Confidence,
    Expression,
    ForPrompt,
    MaxCalls,
    MaxCost,
    Models,
    Samples,
    Select,
    Untrusted,
)

_At = Annotated[
    str | None,
    typer.Option("--at", metavar="REF", help="Ask prompts as they were there, but pinned ones."),
]
_Accept = Annotated[
    bool, typer.Option("--accept", help="Hold later looks against what is answered now.")
]
_Between = Annotated[
    tuple[str, str] | None,
    typer.Option("--between", metavar="RUN RUN", help="What of their difference is the model's."),
]
_Margin = Annotated[
    float | None,
    typer.Option(metavar="SHARE", min=0, max=1, help="A change of so much does not matter."),
]


def drift(
    select: Select = None,
    expression: Expression = None,
    prompt: ForPrompt = None,
    model: Models = None,
    at: _At = None,
    accept: _Accept = False,
    between: _Between = None,
    samples: Samples = None,
    margin: _Margin = None,
    confidence: Confidence = None,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
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

    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.terminal.clock import clock_and_progress
    from llmops.cli.terminal.talk import say_json
    from llmops.reporting.drift import print_drift
    from llmops.reporting.terminal import make_screen
    from llmops.workflows.drift import DriftOptions
    from llmops.workflows.drift import drift as look
    from llmops.workflows.opening.project import open_project

    cases = chosen(select, expression, prompt=prompt)
    plan = planned(cases, model=model, samples=samples)
    options = DriftOptions(
        at=at,
        accept=accept,
        margin=margin,
        confidence=confidence,
        between=between,
        test=options_of(plan, limits_of(max_cost, max_calls, concurrency, fresh=True)),
    )
    opened = open_project(surroundings(untrusted=untrusted))
    report = look(opened, options, *clock_and_progress())
    if as_json:
        say_json(report.as_json())
    else:
        print_drift(report, make_screen(sys.stdout, os.environ))
    raise typer.Exit(report.verdict.exit_code)
