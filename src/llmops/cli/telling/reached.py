"""What `--since` says: which suites a change can reach, and why."""

from collections.abc import Iterator, Sequence

from llmops.cli.terminal.talk import note, say_json, say_rows
from llmops.running.planning.plan import PlanOptions
from llmops.versions.impact import SuiteImpact
from llmops.workflows.impact import find_impacts, narrow
from llmops.workflows.opening.project import OpenProject

_SHOWN = 8


def narrowed(opened: OpenProject, plan: PlanOptions) -> PlanOptions:
    """A plan's options with the suites that a change reaches, each named with its reason.

    Raises:
        NothingSelectedError: No suite is reached.
        InvalidInputError: The ref means no commit, or there is no repository.
    """
    if plan.selection.since is None:
        return plan
    impacts = find_impacts(opened, plan)
    for line in _talk(impacts):
        note(line)
    return narrow(plan, impacts)


def say_impacts(opened: OpenProject, plan: PlanOptions, *, as_json: bool) -> None:
    """List the suites on stdout, each with the reasons why it is in or out."""
    impacts = find_impacts(opened, plan)
    if as_json:
        say_json([impact.as_json() for impact in impacts])
        return
    rows = [
        [impact.suite, "in" if impact.included else "out", why]
        for impact in impacts
        for why in [*map(str, impact.reasons[:_SHOWN]), *_more(impact)] or ["nothing changed"]
    ]
    say_rows(("suite", "", "why"), _once_named(rows), empty="there is no suite")


def _talk(impacts: Sequence[SuiteImpact]) -> Iterator[str]:
    reached = [impact for impact in impacts if impact.included]
    width = max((len(impact.suite) for impact in reached), default=0)
    for impact in reached:
        others = len(impact.reasons) - 1
        more = f", and {others} more" if others else ""
        yield f"in   {impact.suite:<{width}}  {impact.reasons[0]}{more}"
    left = [impact.suite for impact in impacts if not impact.included]
    if left:
        many = f", and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        yield f"out  {', '.join(left[:_SHOWN])}{many}"


def _more(impact: SuiteImpact) -> list[str]:
    others = len(impact.reasons) - _SHOWN
    return [f"and {others} more; --json lists them"] if others > 0 else []


def _once_named(rows: Sequence[list[str]]) -> list[list[str]]:
    """The rows, a suite named in its first one only."""
    before = [None, *(row[0] for row in rows)]
    return [
        ["", "", row[2]] if row[0] == name else row for row, name in zip(rows, before, strict=False)
    ]
