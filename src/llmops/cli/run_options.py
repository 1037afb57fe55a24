"""Options that say what to run, whom to ask and how much, turned into what workflows take."""

import sys
from collections.abc import Mapping, Sequence

from llmops.cli.asked import pairs, sweep
from llmops.domain.config import Budget
from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.location import COMMAND_LINE
from llmops.running.planning.arms import ArmOptions
from llmops.running.planning.plan import PlanOptions
from llmops.running.planning.selection import Selection, parse_shard
from llmops.workflows.executing.asking import AskLimits
from llmops.workflows.executing.execution import TestOptions


def chosen(
    select: Sequence[str] | None,
    expression: str | None,
    *,
    prompt: str | None = None,
    since: str | None = None,
    shard: str | None = None,
) -> Selection:
    """Which cases to run.

    Raises:
        InvalidInputError: The shard is no I/N.
    """
    return Selection(
        selectors=tuple(select or ()),
        expression=expression,
        prompt=prompt,
        since=since,
        shard=parse_shard(shard) if shard else None,
    )


def planned(
    selection: Selection,
    *,
    model: Sequence[str] | None = None,
    samples: int | None = None,
    set_: Sequence[str] | None = None,
    param: Sequence[str] | None = None,
) -> PlanOptions:
    """What to ask of the cases that were chosen.

    Raises:
        InvalidInputError: A word of `--set` or `--param` cannot be read.
    """
    models = tuple(Text(name, COMMAND_LINE) for name in model or ())
    return PlanOptions(
        selection=selection,
        arms=ArmOptions(models=models, sweep=sweep(param)),
        samples=samples,
        inputs=_inputs(pairs(set_, "--set")),
    )


def limits_of(
    max_cost: float | None,
    max_calls: int | None,
    concurrency: int | None,
    *,
    replay: bool = False,
    fresh: bool = False,
    seed: int = 0,
) -> AskLimits:
    """Whom to ask, and how much.

    Raises:
        InvalidInputError: Nobody is left to ask.
    """
    if replay and fresh:
        raise InvalidInputError(
            "--replay and --fresh leave nobody to ask", code="usage", hint="leave one of them out"
        )
    return AskLimits(
        replay=replay,
        fresh=fresh,
        budget=Budget(max_cost=max_cost, max_calls=max_calls),
        concurrency=concurrency,
        seed=seed,
    )


def options_of(plan: PlanOptions, limits: AskLimits) -> TestOptions:
    """A run of a plan within limits."""
    return TestOptions(
        plan=plan,
        replay=limits.replay,
        fresh=limits.fresh,
        budget=limits.budget,
        concurrency=limits.concurrency,
        seed=limits.seed,
        command=tuple(sys.argv[1:]),
    )


def _inputs(typed: Mapping[str, object]) -> dict[str, object]:
    found = {}
    for name, value in typed.items():
        section, _, key = name.partition(".")
        if section != "inputs" or not key:
            raise InvalidInputError(
                f"--set '{name}' names no input", code="usage", hint="write --set inputs.NAME=VALUE"
            )
        found[key] = value
    return found
