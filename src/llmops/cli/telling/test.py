"""What `test` and `record` share: wishes in, a run with its reports and an exit code out."""

import gc
import sys
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from llmops.cli.telling.reached import narrowed
from llmops.cli.telling.run import relative, tell, wished_reports
from llmops.cli.terminal.clock import clock_and_progress
from llmops.cli.terminal.talk import note
from llmops.domain.config import Budget
from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.frozen import frozen
from llmops.location import COMMAND_LINE
from llmops.running.arms import ArmOptions
from llmops.running.plan import PlanOptions
from llmops.running.selection import Selection, parse_shard
from llmops.workflows.execution import TestOptions
from llmops.workflows.project import Surroundings, open_project
from llmops.workflows.report import kept_report
from llmops.workflows.test import run_tests

_OBJECTS_BETWEEN_COLLECTIONS = 200_000


@frozen
class Wishes:
    """The options of `llmops test`, as typed."""

    selectors: tuple[str, ...] = ()
    expression: str | None = None
    prompt: str | None = None
    since: str | None = None
    shard: str | None = None
    models: tuple[str, ...] = ()
    samples: int | None = None
    inputs: Mapping[str, object] = field(default_factory=dict)
    sweep: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    replay: bool = False
    fresh: bool = False
    record: bool = False
    prune: bool = False
    max_cost: float | None = None
    max_calls: int | None = None
    concurrency: int | None = None
    fail_fast: bool = False
    resume: str | None = None
    failed: bool = False
    new: bool = False
    reports: tuple[str, ...] = ()
    otel: bool | None = None
    seed: int = 0
    on: str | None = None
    batch: bool = False
    as_json: bool = False


@frozen
class Ran:
    """A run that is over: its exit code, and the files it wrote beside its own."""

    code: int
    written: tuple[Path, ...]


def run_once(wishes: Wishes, world: Surroundings) -> Ran:
    """Run, say and write everything."""
    options = options_of(wishes)
    _spare_the_collector()
    opened = open_project(world)
    reports = wished_reports(wishes.reports, as_json=wishes.as_json)
    options = replace(options, plan=narrowed(opened, options.plan))
    outcome = run_tests(opened, options, *clock_and_progress())
    written = tell(
        outcome.report, reports, world, as_json=wishes.as_json, recorded=outcome.recorded
    )
    return Ran(code=outcome.verdict.exit_code, written=(*written, *outcome.recorded))


def keep_run(world: Surroundings, wanted: str) -> int:
    """Keep a kept run's completions as recordings, and return the exit code."""
    from llmops.workflows.recordings import record_run

    run, _report = kept_report(world, wanted)
    for path in record_run(open_project(world), run, note):
        note(f"wrote {relative(path)}")
    return 0


def options_of(wishes: Wishes) -> TestOptions:
    """Turn what was typed into what workflows take.

    Raises:
        InvalidInputError: Two options contradict each other, or one cannot be read.
    """
    _check(wishes)
    return TestOptions(
        plan=PlanOptions(
            selection=Selection(
                selectors=wishes.selectors,
                expression=wishes.expression,
                prompt=wishes.prompt,
                since=wishes.since,
                shard=parse_shard(wishes.shard) if wishes.shard else None,
            ),
            arms=ArmOptions(
                models=tuple(Text(name, COMMAND_LINE) for name in wishes.models),
                sweep=wishes.sweep,
            ),
            samples=wishes.samples,
            inputs=_inputs(wishes.inputs),
        ),
        replay=wishes.replay,
        fresh=wishes.fresh,
        record=wishes.record,
        prune=wishes.prune,
        budget=Budget(max_cost=wishes.max_cost, max_calls=wishes.max_calls),
        concurrency=wishes.concurrency,
        fail_fast=wishes.fail_fast,
        resume=wishes.resume,
        failed=wishes.failed,
        new=wishes.new,
        otel=wishes.otel,
        seed=wishes.seed,
        on=wishes.on,
        batch=wishes.batch,
        command=tuple(sys.argv[1:]),
    )


def _spare_the_collector() -> None:
    """Let Python look for circles seldom: the values of a run are many, and make none."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 100)


def _check(wishes: Wishes) -> None:
    selected = (
        *wishes.selectors,
        *(word for word in (wishes.expression, wishes.prompt, wishes.shard) if word),
        *wishes.models,
        *wishes.inputs,
        *wishes.sweep,
    )
    contradictions = (
        (wishes.replay and wishes.fresh, "--replay and --fresh leave nobody to ask"),
        (
            wishes.replay and wishes.on is not None,
            "--replay asks nobody, so there is nothing for --on",
        ),
        (
            wishes.replay and wishes.batch,
            "--replay asks nobody, so there is nothing for --batch",
        ),
        (
            wishes.resume is not None
            and bool(selected or wishes.failed or wishes.new or wishes.since is not None),
            "--resume takes the selection of the run it goes on with",
        ),
    )
    for found, message in contradictions:
        if found:
            raise InvalidInputError(message, code="usage", hint="leave one of them out")


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
