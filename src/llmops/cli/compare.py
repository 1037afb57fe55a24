"""`llmops compare`: models, versions and parameters on the same cases."""

from dataclasses import replace
from typing import Annotated

import typer

from llmops.cli.options import Expression, Untrusted


def compare(
    arms: Annotated[
        list[str],
        typer.Argument(
            metavar="ARM ARM…",
            help="MODEL, NAME@REF or NAME@REF+MODEL, and parameters: fast,temperature=0.7.",
        ),
    ],
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", "-s", metavar="SELECT", help="Only these cases. Repeatable."),
    ] = None,
    expression: Expression = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=10_000, help="Ask each case so many times."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Judge this metric too. Repeatable."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(metavar="SHARE", min=0, max=1, help="A loss of so much does not matter."),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(metavar="SHARE", min=0.5, max=1, help="How sure a claim must be."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of every random draw.")] = 0,
    replay: Annotated[
        bool, typer.Option("--replay", help="Recordings and the cache only; a miss is an error.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask anew: neither recordings nor the cache.")
    ] = False,
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
    first: Annotated[
        int,
        typer.Option("--first", metavar="N", min=0, help="Show so many outputs that differ."),
    ] = 5,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report", metavar="FORMAT[=PATH]", help="Write markdown or json. Repeatable."
        ),
    ] = None,
    no_pager: Annotated[bool, typer.Option("--no-pager", help="Never use a pager.")] = False,
    untrusted: Untrusted = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON report instead of text.")
    ] = False,
) -> None:
    """Compare models, versions or parameters, and say how sure it is.

    Examples:
      llmops compare demo/large demo/small
      llmops compare support/reply@1.0.0 support/reply support/reply+demo/small
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.comparing import Telling, compare_once, read_reports
    from llmops.cli.testing import Wishes, options_of
    from llmops.workflows.compare import CompareOptions

    reports = read_reports(report or (), as_json=as_json)
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
