"""What `test` and `record` share: wishes in, a run with its reports and an exit code out."""

import gc
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer

from llmops.cli.talk import note
from llmops.domain.config import Budget
from llmops.domain.node import Text
from llmops.errors import InvalidInputError, LlmopsError
from llmops.reporting.progress import make_progress
from llmops.running.arms import ArmOptions
from llmops.running.plan import PlanOptions
from llmops.running.resume import COMMAND_LINE
from llmops.running.selection import Selection, parse_shard
from llmops.workflows.execution import Clock, Outcome, TestOptions
from llmops.workflows.project import Surroundings, open_project
from llmops.workflows.report import read_report_wishes, write_reports
from llmops.workflows.test import run_tests

_POLL_SECONDS = 0.5
_OBJECTS_BETWEEN_COLLECTIONS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of `llmops test`, as typed."""

    selectors: tuple[str, ...] = ()
    expression: str | None = None
    prompt: str | None = None
    shard: str | None = None
    models: tuple[str, ...] = ()
    samples: int | None = None
    inputs: Mapping[str, object] = field(default_factory=dict)
    sweep: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    replay: bool = False
    fresh: bool = False
    record: bool = False
    max_cost: float | None = None
    max_calls: int | None = None
    concurrency: int | None = None
    fail_fast: bool = False
    resume: str | None = None
    failed: bool = False
    new: bool = False
    reports: tuple[str, ...] = ()
    seed: int = 0
    as_json: bool = False


def run_once(wishes: Wishes, world: Surroundings) -> int:
    """Run, say and write everything, and return the exit code."""
    options = options_of(wishes)
    _spare_the_collector()
    opened = open_project(world)
    reports = read_report_wishes(wishes.reports)
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    progress = make_progress(sys.stderr, os.environ, clock=time.monotonic)
    outcome = run_tests(opened, options, clock, progress)
    written = write_reports(outcome.report, reports, world.folder, world.environment)
    _say(outcome, written, as_json=wishes.as_json)
    return outcome.verdict.exit_code


def watch_and_run(wishes: Wishes, world: Surroundings) -> NoReturn:
    """Run, and run again whenever a file of the project changes, until interrupted."""
    from llmops.cli.talk import say_faults
    from llmops.reporting.terminal import in_ci
    from llmops.workflows.watch import snapshot

    if in_ci(world.environment):
        raise InvalidInputError(
            "--watch never ends, so it is not for CI", code="usage", hint="leave it out"
        )
    code = 0
    while True:
        before = snapshot(world)
        try:
            code = run_once(wishes, world)
        except LlmopsError as error:
            say_faults(error.faults)
            code = error.exit_code
        note("watching for changes; Ctrl-C ends it")
        try:
            while snapshot(world) == before:
                time.sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            raise typer.Exit(code) from None


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
        budget=Budget(max_cost=wishes.max_cost, max_calls=wishes.max_calls),
        concurrency=wishes.concurrency,
        fail_fast=wishes.fail_fast,
        resume=wishes.resume,
        failed=wishes.failed,
        new=wishes.new,
        seed=wishes.seed,
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
            wishes.resume is not None and bool(selected or wishes.failed or wishes.new),
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


def _say(outcome: Outcome, written: tuple[Path, ...], *, as_json: bool) -> None:
    if as_json:
        from llmops.reporting.json import write_json

        write_json(outcome.report, sys.stdout)
        return
    from llmops.reporting.console import print_report
    from llmops.reporting.terminal import make_screen

    names = [_relative(path) for path in (*written, *outcome.recorded)]
    print_report(outcome.report, make_screen(sys.stdout, os.environ), written=names)


def _relative(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def keep_run(world: Surroundings, wanted: str) -> int:
    """Keep a kept run's completions as recordings, and return the exit code."""
    from llmops.workflows.recordings import record_run
    from llmops.workflows.report import kept_report

    run, _report = kept_report(world, wanted)
    for path in record_run(open_project(world), run):
        note(f"wrote {_relative(path)}")
    return 0
