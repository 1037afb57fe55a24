"""`llmops diff`: two versions of a prompt side by side, on the same cases."""

from typing import Annotated

import typer

from llmops.cli.options import (
    Cases,
    Concurrency,
    Expression,
    Fresh,
    JsonReport,
    MaxCalls,
    MaxCost,
    Models,
    NoPager,
    Replay,
    Samples,
    TwoReports,
    Untrusted,
)

_Before = Annotated[
    str,
    typer.Argument(metavar="NAME[@REF]", help="The first version; NAME alone: what is in HEAD."),
]
_After = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME[@REF]",
        help="The second version, or @REF of the same prompt; the work tree if none.",
    ),
]
_SourceOnly = Annotated[
    bool, typer.Option("--source-only", help="Run nothing: the source and the messages only.")
]
_Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Revert each hunk in turn, and name the lines that broke what regressed.",
    ),
]
_MaxTrials = Annotated[
    int,
    typer.Option(
        metavar="N", min=4, max=100_000, help="Explain with so many samples of a case at most."
    ),
]
_First = Annotated[
    int, typer.Option("--first", metavar="N", min=0, help="Show the outputs of so many cases.")
]


def diff(
    before: _Before,
    after: _After = None,
    suite: Cases = None,
    expression: Expression = None,
    model: Models = None,
    samples: Samples = None,
    source_only: _SourceOnly = False,
    explain: _Explain = False,
    max_trials: _MaxTrials = 400,
    replay: Replay = False,
    fresh: Fresh = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    first: _First = 10,
    report: TwoReports = None,
    no_pager: NoPager = False,
    untrusted: Untrusted = False,
    as_json: JsonReport = False,
) -> None:
    """Compare two versions of a prompt on the same cases.

    Examples:
      llmops diff support/reply@1.0.0 @1.1.0         both versions on every suite that uses it
      llmops diff support/reply --explain            and which lines of the edit broke a case
    """
    from msgspec.structs import replace

    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.diff import DIFF, diff_once
    from llmops.cli.telling.documents import Telling, read_documents
    from llmops.errors import InvalidInputError
    from llmops.running.searching.weighing import Rule
    from llmops.workflows.diff import DiffOptions, sides_of

    if explain and source_only:
        raise InvalidInputError(
            "--explain needs a run, and --source-only forbids one",
            code="usage",
            hint="leave one of them out",
        )
    reports = read_documents(report or (), DIFF, as_json=as_json)
    names = sides_of(before, after)
    plan = planned(chosen(suite, expression), model=model, samples=samples)
    limits = limits_of(max_cost, max_calls, concurrency, replay=replay, fresh=fresh)
    options = DiffOptions(
        before=names[0],
        after=names[1],
        source_only=source_only,
        explain=Rule(most=max_trials) if explain else None,
        test=replace(options_of(plan, limits), kept=True),
    )
    telling = Telling(reports=reports, first=first, as_json=as_json, paged=not no_pager)
    raise typer.Exit(diff_once(options, telling, surroundings(untrusted=untrusted)))
