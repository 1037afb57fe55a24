"""`llmops gate`: what CI calls to hold a change against its base."""

from typing import Annotated

import typer

from llmops.cli.options import (
    Concurrency,
    Expression,
    Fresh,
    JsonReport,
    MaxCalls,
    MaxCost,
    Models,
    Replay,
    Samples,
    Select,
    Untrusted,
)


def gate(
    select: Select = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="REF",
            help="The commit to hold the change against; found if not said.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="WHAT",
            help="Compare with 'baseline' (approved results), 'last' or a run's id, or a git revision.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="KIND",
            help="Let findings of this kind through, or 'all', after a review. Repeatable.",
        ),
    ] = None,
    expression: Expression = None,
    model: Models = None,
    samples: Samples = None,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Carry out every trial, also when the verdict is certain."),
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the order and every draw.")] = 0,
    replay: Replay = False,
    fresh: Fresh = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    first: Annotated[
        int, typer.Option("--first", metavar="N", min=0, help="Show so many outputs that broke.")
    ] = 5,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            metavar="FORMAT[=PATH]",
            help="Write markdown, json, junit or github. Repeatable.",
        ),
    ] = None,
    untrusted: Untrusted = False,
    as_json: JsonReport = False,
) -> None:
    """Hold what changed against its base, and say whether it may go in.

    Thresholds, budgets and whom to trust are taken from the base, never from the change.

    Examples:
      llmops gate --replay --report github --report markdown=gate.md
      llmops gate suites/support/reply.yaml --base main
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.telling.documents import read_documents
    from llmops.cli.telling.gate import GATE, Telling, gate_once
    from llmops.cli.telling.test import Wishes, options_of
    from llmops.workflows.gate import GateOptions

    reports = read_documents(report or (), GATE, as_json=as_json)
    wishes = Wishes(
        selectors=tuple(select or ()),
        expression=expression,
        models=tuple(model or ()),
        samples=samples,
        replay=replay,
        fresh=fresh,
        max_cost=max_cost,
        max_calls=max_calls,
        concurrency=concurrency,
        seed=seed,
    )
    options = GateOptions(
        base=base,
        against=against,
        allowed=tuple(allow or ()),
        whole=whole,
        test=options_of(wishes),
    )
    telling = Telling(reports=reports, first=first, as_json=as_json)
    raise typer.Exit(gate_once(options, telling, surroundings(untrusted=untrusted)))
