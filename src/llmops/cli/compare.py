"""`llmops compare`: models, versions and parameters on the same cases."""

from dataclasses import replace
from typing import Annotated

import typer

from llmops.cli.options import (
    Cases,
    Concurrency,
    Confidence,
    Expression,
    Fresh,
    JsonReport,
    MaxCalls,
    MaxCost,
    NoPager,
    Replay,
    Samples,
    TwoReports,
    Untrusted,
)


def compare(
    arms: Annotated[
        list[str],
        typer.Argument(
            metavar="ARM ARM…",
            help="MODEL, NAME@REF or NAME@REF+MODEL, and parameters: fast,temperature=0.7.",
        ),
    ],
    suite: Cases = None,
    expression: Expression = None,
    samples: Samples = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Judge this metric too. Repeatable."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(metavar="SHARE", min=0, max=1, help="A loss of so much does not matter."),
    ] = None,
    confidence: Confidence = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of every random draw.")] = 0,
    replay: Replay = False,
    fresh: Fresh = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    first: Annotated[
        int,
        typer.Option("--first", metavar="N", min=0, help="Show so many outputs that differ."),
    ] = 5,
    report: TwoReports = None,
    no_pager: NoPager = False,
    untrusted: Untrusted = False,
    as_json: JsonReport = False,
) -> None:
    """Compare models, versions or parameters, and say how sure it is.

    Examples:
      llmops compare demo/large demo/small
      llmops compare support/reply@1.0.0 support/reply support/reply+demo/small
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.telling.compare import ARMS, compare_once
    from llmops.cli.telling.documents import Telling, read_documents
    from llmops.cli.telling.test import Wishes, options_of
    from llmops.workflows.compare import CompareOptions

    reports = read_documents(report or (), ARMS, as_json=as_json)
    wishes = Wishes(
        selectors=tuple(suite or ()),
        expression=expression,
        samples=samples,
        replay=replay,
        fresh=fresh,
        max_cost=max_cost,
        max_calls=max_calls,
        concurrency=concurrency,
        seed=seed,
    )
    options = CompareOptions(
        arms=tuple(arms),
        margin=margin,
        confidence=confidence,
        metrics=tuple(metric or ()),
        test=replace(options_of(wishes), kept=True),
    )
    telling = Telling(reports=reports, first=first, as_json=as_json, paged=not no_pager)
    raise typer.Exit(compare_once(options, telling, surroundings(untrusted=untrusted)))
