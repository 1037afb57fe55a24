"""`llmops compare`: models, versions and parameters on the same cases."""

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

_Arms = Annotated[
    list[str],
    typer.Argument(
        metavar="ARM ARM…",
        help="MODEL, NAME@REF or NAME@REF+MODEL, and parameters: fast,temperature=0.7.",
    ),
]
_Metric = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="Judge this metric too. Repeatable."),
]
_Margin = Annotated[
    float | None,
    typer.Option(metavar="SHARE", min=0, max=1, help="A loss of so much does not matter."),
]
_Seed = Annotated[int, typer.Option(metavar="N", help="Of every random draw.")]
_First = Annotated[
    int,
    typer.Option("--first", metavar="N", min=0, help="Show so many outputs that differ."),
]


def compare(
    arms: _Arms,
    suite: Cases = None,
    expression: Expression = None,
    samples: Samples = None,
    metric: _Metric = None,
    margin: _Margin = None,
    confidence: Confidence = None,
    seed: _Seed = 0,
    replay: Replay = False,
    fresh: Fresh = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    first: _First = 5,
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
    from msgspec.structs import replace

    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.compare import ARMS, compare_once
    from llmops.cli.telling.documents import Telling, read_documents
    from llmops.workflows.compare import CompareOptions

    reports = read_documents(report or (), ARMS, as_json=as_json)
    plan = planned(chosen(suite, expression), samples=samples)
    limits = limits_of(max_cost, max_calls, concurrency, replay=replay, fresh=fresh, seed=seed)
    options = CompareOptions(
        arms=tuple(arms),
        margin=margin,
        confidence=confidence,
        metrics=tuple(metric or ()),
        test=replace(options_of(plan, limits), kept=True),
    )
    telling = Telling(reports=reports, first=first, as_json=as_json, paged=not no_pager)
    raise typer.Exit(compare_once(options, telling, surroundings(untrusted=untrusted)))
