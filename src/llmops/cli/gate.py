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

_Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF",
        help="The commit to hold the change against; found if not said.",
    ),
]
_Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="WHAT",
        help="Compare with 'baseline' (approved results), 'last' or a run's id, or a git revision.",
    ),
]
_Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="KIND",
        help="Let findings of this kind through, or 'all', after a review. Repeatable.",
    ),
]
_Whole = Annotated[
    bool,
    typer.Option("--whole", help="Carry out every trial, also when the verdict is certain."),
]
_Seed = Annotated[int, typer.Option(metavar="N", help="Of the order and every draw.")]
_First = Annotated[
    int, typer.Option("--first", metavar="N", min=0, help="Show so many outputs that broke.")
]
_Report = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT[=PATH]",
        help="Write markdown, json, junit or github. Repeatable.",
    ),
]


def gate(
    select: Select = None,
    base: _Base = None,
    against: _Against = None,
    allow: _Allow = None,
    expression: Expression = None,
    model: Models = None,
    samples: Samples = None,
    whole: _Whole = False,
    seed: _Seed = 0,
    replay: Replay = False,
    fresh: Fresh = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    first: _First = 5,
    report: _Report = None,
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
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.documents import Telling, read_documents
    from llmops.cli.telling.gate import GATE, gate_once
    from llmops.workflows.gate import GateOptions

    reports = read_documents(report or (), GATE, as_json=as_json)
    plan = planned(chosen(select, expression), model=model, samples=samples)
    limits = limits_of(max_cost, max_calls, concurrency, replay=replay, fresh=fresh, seed=seed)
    options = GateOptions(
        base=base,
        against=against,
        allowed=tuple(allow or ()),
        whole=whole,
        test=options_of(plan, limits),
    )
    telling = Telling(reports=reports, first=first, as_json=as_json, paged=False)
    raise typer.Exit(gate_once(options, telling, surroundings(untrusted=untrusted)))
