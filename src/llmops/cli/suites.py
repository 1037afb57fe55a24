"""`llmops suites`: what suites and cases there are."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Expression, Models, Select, Since, Untrusted


def suites(
    select: Select = None,
    expression: Expression = None,
    since: Since = None,
    model: Models = None,
    cases: Annotated[bool, typer.Option("--cases", help="List every selected case.")] = False,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """List what a test run with the same selection would do.

    With --since, list every suite with the reasons why a change can reach it, or cannot.

    Examples:
      llmops suites --since main
      llmops suites support/ --cases -k "refund and not formal"
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, planned
    from llmops.cli.telling.reached import narrowed, say_impacts
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.opening.project import open_project
    from llmops.workflows.suites import list_suites

    plan = planned(chosen(select, expression, since=since), model=model)
    opened = open_project(surroundings(untrusted=untrusted))
    if since is not None and not cases:
        say_impacts(opened, plan, as_json=as_json)
        return
    listed = list_suites(opened, narrowed(opened, plan))

    if as_json:
        say_json([suite.as_json() for suite in listed])
    elif cases:
        rows = [[f"{s.name}::{id_}", ", ".join(tags)] for s in listed for id_, tags in s.cases]
        say_rows(("case", "tags"), rows, empty="there is no case")
    else:
        rows = [
            [s.name, s.tests, ", ".join(s.models) or "–", str(len(s.cases)), str(s.trials)]
            for s in listed
        ]
        say_rows(("suite", "tests", "models", "cases", "trials"), rows, empty="there is no suite")
