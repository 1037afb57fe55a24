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
    detect: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Which cases × samples see a drop of so much: 3%."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(metavar="DOLLARS", min=0, help="Which cases × samples see most for it."),
    ] = None,
    untrusted: Untrusted = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would take, cost and be able to see, without asking.

    Examples:
      llmops plan support/ --samples 3        trials, calls, tokens, cost, time, the smallest drop
      llmops plan --detect 3%                 the cheapest cases × samples that see 3 points
    """
    from llmops.cli.asked import pairs, surroundings, sweep
    from llmops.cli.telling.plan import PlanWishes, foretell_once, share
    from llmops.cli.telling.test import Wishes

    wishes = Wishes(
        selectors=tuple(select or ()),
        expression=expression,
        prompt=prompt,
        since=since,
        shard=shard,
        models=tuple(model or ()),
        samples=samples,
        inputs=pairs(set_, "--set"),
        sweep=sweep(param),
        replay=replay,
        fresh=fresh,
        max_cost=max_cost,
        as_json=as_json,
    )
    asked = PlanWishes(test=wishes, detect=share(detect))
    foretell_once(asked, surroundings(untrusted=untrusted))
