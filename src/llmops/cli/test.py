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
    record: Annotated[
        bool, typer.Option("--record", help="Keep the completions in recordings/.")
    ] = False,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", "-x", help="Stop at the first trial that does not pass.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on with a run that was stopped: an id, or last."),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what did not pass in the last run.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Only cases that no kept run knows.")] = False,
    shard: Shard = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Ask from a Dask cluster, such as tcp://host:8786."),
    ] = None,
    batch: Annotated[
        bool,
        typer.Option("--batch", help="Ask in batches: half the price, but within 24 hours."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever a file changes.")
    ] = False,
    report: Reports = None,
    otel: Annotated[
        bool | None,
        typer.Option(
            "--otel/--no-otel",
            help="Tell an OpenTelemetry collector of the run: the one that OTEL_* name.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of every random choice.")] = 0,
    untrusted: Untrusted = False,
    as_json: JsonReport = False,
) -> None:
    """Run suites, show what fails, write reports, exit by the verdict.

    Examples:
      llmops test                                  every suite; recordings, cache, then providers
      llmops test support/ -m demo/large -m demo/small --report junit=junit.xml
    """
    from llmops.cli.asked import pairs, surroundings, sweep
    from llmops.cli.telling.test import Wishes, run_once
    from llmops.cli.telling.watch import watch_and_run

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
        record=record,
        max_cost=max_cost,
        max_calls=max_calls,
        concurrency=concurrency,
        fail_fast=fail_fast,
        resume=resume,
        failed=failed,
        new=new,
        reports=tuple(report or ()),
        otel=otel,
        seed=seed,
        on=on,
        batch=batch,
        as_json=as_json,
    )
    world = surroundings(untrusted=untrusted)
    if watch:
        watch_and_run(wishes, world)
    raise typer.Exit(run_once(wishes, world).code)
