"""`llmops plan`: what a run would take, cost and be able to see; nobody is asked."""

from typing import Annotated

import typer

from llmops.cli.options import (
    AsJson,
    Expression,
    ForPrompt,
    Fresh,
    Models,
    Replay,
    Samples,
    Select,
    SetInputs,
    Shard,
    Since,
    Sweep,
    Untrusted,
)

_Detect = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Which cases × samples see a drop of so much: 3%."),
]
_MaxCost = Annotated[
    float | None,
    typer.Option(metavar="DOLLARS", min=0, help="Which cases × samples see most for it."),
]


def plan(
    select: Select = None,
    expression: Expression = None,
    prompt: ForPrompt = None,
    since: Since = None,
    model: Models = None,
    samples: Samples = None,
    set_: SetInputs = None,
    param: Sweep = None,
    replay: Replay = False,
    fresh: Fresh = False,
    shard: Shard = None,
    detect: _Detect = None,
    max_cost: _MaxCost = None,
    untrusted: Untrusted = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would take, cost and be able to see, without asking.

    Examples:
      llmops plan support/ --samples 3        trials, calls, tokens, cost, time, the smallest drop
      llmops plan --detect 3%                 the cheapest cases × samples that see 3 points
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.plan import foretell_once, share

    cases = chosen(select, expression, prompt=prompt, since=since, shard=shard)
    asked = options_of(
        planned(cases, model=model, samples=samples, set_=set_, param=param),
        limits_of(max_cost, None, None, replay=replay, fresh=fresh),
    )
    world = surroundings(untrusted=untrusted)
    foretell_once(asked, world, detect=share(detect), as_json=as_json)
