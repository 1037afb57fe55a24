"""`llmops test`: run suites, print failures, write reports, exit by the verdict."""

from typing import Annotated

import typer

from llmops.cli.options import (
    Concurrency,
    Expression,
    ForPrompt,
    Fresh,
    JsonReport,
    MaxCalls,
    MaxCost,
    Models,
    Replay,
    Reports,
    Samples,
    Select,
    SetInputs,
    Shard,
    Since,
    Sweep,
    Untrusted,
)

_Record = Annotated[bool, typer.Option("--record", help="Keep the completions in recordings/.")]
_FailFast = Annotated[
    bool, typer.Option("--fail-fast", "-x", help="Stop at the first trial that does not pass.")
]
_Resume = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Go on with a run that was stopped: an id, or last."),
]
_Failed = Annotated[bool, typer.Option("--failed", help="Only what did not pass in the last run.")]
_New = Annotated[bool, typer.Option("--new", help="Only cases that no kept run knows.")]
_On = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Ask from a Dask cluster, such as tcp://host:8786."),
]
_Batch = Annotated[
    bool,
    typer.Option("--batch", help="Ask in batches: half the price, but within 24 hours."),
]
_Watch = Annotated[bool, typer.Option("--watch", help="Run again whenever a file changes.")]
_Otel = Annotated[
    bool | None,
    typer.Option(
        "--otel/--no-otel",
        help="Tell an OpenTelemetry collector of the run: the one that OTEL_* name.",
        show_default=False,
    ),
]
_Seed = Annotated[int, typer.Option(metavar="N", help="Of every random choice.")]


def test(
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
    record: _Record = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    fail_fast: _FailFast = False,
    resume: _Resume = None,
    failed: _Failed = False,
    new: _New = False,
    shard: Shard = None,
    on: _On = None,
    batch: _Batch = False,
    watch: _Watch = False,
    report: Reports = None,
    otel: _Otel = None,
    seed: _Seed = 0,
    untrusted: Untrusted = False,
    as_json: JsonReport = False,
) -> None:
    """Run suites, show what fails, write reports, exit by the verdict.

    Examples:
      llmops test                                  every suite; recordings, cache, then providers
      llmops test support/ -m demo/large -m demo/small --report junit=junit.xml
    """
    from msgspec.structs import replace

    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import chosen, limits_of, options_of, planned
    from llmops.cli.telling.test import Wishes, run_once
    from llmops.cli.telling.watch import watch_and_run

    cases = chosen(select, expression, prompt=prompt, since=since, shard=shard)
    plan = planned(cases, model=model, samples=samples, set_=set_, param=param)
    limits = limits_of(max_cost, max_calls, concurrency, replay=replay, fresh=fresh, seed=seed)
    options = replace(
        options_of(plan, limits), resume=resume, failed=failed, new=new, record=record
    )
    options = replace(options, fail_fast=fail_fast, on=on, batch=batch, otel=otel)
    wishes = Wishes(options=options, reports=tuple(report or ()), as_json=as_json)
    world = surroundings(untrusted=untrusted)
    if watch:
        watch_and_run(wishes, world)
    raise typer.Exit(run_once(wishes, world).code)
