"""`llmops record`: ask for what is not recorded, and keep the answers in git."""

from typing import Annotated

import typer

from llmops.cli.options import Expression, ForPrompt, MaxCost, Models, Samples, Select, Untrusted
from llmops.errors import InvalidInputError


def record(
    select: Select = None,
    expression: Expression = None,
    prompt: ForPrompt = None,
    model: Models = None,
    samples: Samples = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask for everything anew.")] = False,
    from_run: Annotated[
        str | None,
        typer.Option("--from-run", metavar="RUN", help="Take a kept run; ask nobody."),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop what no case of these suites asks for any more.")
    ] = False,
    max_cost: MaxCost = None,
    untrusted: Untrusted = False,
) -> None:
    """Run suites and keep the completions: CI needs no keys then.

    Examples:
      llmops record support/ --prune             ask for what is missing, drop what is stale
      llmops record --from-run last              keep what the newest run got
    """
    from msgspec.structs import replace

    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.test import Wishes, keep_run, run_once

    parts = any("::" in word or word.startswith("tag:") for word in select or ())
    if prune and (parts or expression or prompt or model or samples or from_run is not None):
        raise InvalidInputError(
            "--prune needs whole suites, asked as they say themselves",
            code="usage",
            hint="name suites or folders only, or leave --prune out",
        )
    world = surroundings(untrusted=untrusted)
    if from_run is not None:
        if select or expression or prompt or model or samples or fresh or max_cost is not None:
            raise InvalidInputError(
                "--from-run takes all of a run, and asks nobody",
                code="usage",
                hint="leave the other options out",
            )
        raise typer.Exit(keep_run(world, from_run))
    cases = chosen(select, expression, prompt=prompt)
    asked = options_of(
        planned(cases, model=model, samples=samples), limits_of(max_cost, None, None, fresh=fresh)
    )
    wishes = Wishes(options=replace(asked, record=True, prune=prune))
    raise typer.Exit(run_once(wishes, world).code)
