"""What `llmops plan` was asked for and what came of it, told on stdout."""

import math
import os
import sys

from llmops.cli.telling.reached import narrowed
from llmops.cli.terminal.clock import clock
from llmops.cli.terminal.talk import say_json
from llmops.errors import InvalidInputError
from llmops.reporting.plan import plan_to_json, print_plan
from llmops.reporting.terminal import make_screen
from llmops.workflows.executing.execution import TestOptions
from llmops.workflows.opening.project import Surroundings, open_project
from llmops.workflows.plan import ForecastOptions, foretell


def foretell_once(
    asked: TestOptions, world: Surroundings, *, detect: float | None, as_json: bool
) -> None:
    """Foretell, and say it.

    Args:
        asked: The run.
        world: The world outside.
        detect: Look for the plan that sees a drop of this share.
        as_json: Print JSON in place of text.

    Raises:
        InvalidInputError: Two options contradict each other, or something is wrong with the files.
        NothingSelectedError: No trial is left.
    """
    dollars = asked.budget.max_cost
    if detect is not None and dollars is not None:
        raise InvalidInputError(
            "--detect and --max-cost each ask for a plan of their own",
            code="usage",
            hint="leave one of them out",
        )
    _check_money(dollars)
    opened = open_project(world)
    options = ForecastOptions(
        plan=narrowed(opened, asked.plan),
        replay=asked.replay,
        fresh=asked.fresh,
        detect=detect,
        max_cost=dollars,
    )
    outlook = foretell(opened, options, clock())
    if as_json:
        say_json(plan_to_json(outlook))
        return
    print_plan(outlook, make_screen(sys.stdout, os.environ))


def _check_money(dollars: float | None) -> None:
    if dollars is not None and not math.isfinite(dollars):
        raise InvalidInputError(
            f"--max-cost {dollars} is no amount",
            code="usage",
            hint="write US dollars, such as 2.50",
        )


def share(typed: str | None) -> float | None:
    """Read `3%` or `0.03`.

    Raises:
        InvalidInputError: It is no such word, or no share above 0.
    """
    if typed is None:
        return None
    number, sign = typed.strip().removesuffix("%"), typed.strip().endswith("%")
    try:
        found = float(number) / (100 if sign else 1)
    except ValueError:
        found = math.nan
    if not 0 < found <= 1:
        raise InvalidInputError(
            f"--detect '{typed}' is no share above 0 and at most 1",
            code="usage",
            hint="write 3% or 0.03 for a drop of three points",
        )
    return found
