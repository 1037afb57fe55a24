"""What `test` and `record` share: options in, a run with its reports and an exit code out."""

import gc
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from llmops.cli.telling.reached import narrowed
from llmops.cli.telling.run import relative, tell, wished_reports
from llmops.cli.terminal.clock import clock_and_progress
from llmops.cli.terminal.talk import note
from llmops.errors import InvalidInputError
from llmops.loading.collector import collector_paused
from llmops.workflows.executing.execution import TestOptions
from llmops.workflows.opening.project import Surroundings, open_project
from llmops.workflows.report import kept_report
from llmops.workflows.test import run_tests


class Wishes(Struct, frozen=True, kw_only=True):
    """A run, and how it is told.

    Attributes:
        options: The run.
        reports: What to write, as typed.
        as_json: Print JSON in place of text.
    """

    options: TestOptions
    reports: tuple[str, ...] = ()
    as_json: bool = False


class Ran(Struct, frozen=True, kw_only=True):
    """A run that is over: its exit code, and the files it wrote beside its own."""

    code: int
    written: tuple[Path, ...]


def run_once(wishes: Wishes, world: Surroundings) -> Ran:
    """Run, say and write everything.

    Raises:
        InvalidInputError: Two options contradict each other, or something is wrong with the files.
        LlmopsError: The run, or a report, came to nothing.
    """
    options = wishes.options
    _check(options)
    with collector_paused():
        opened = open_project(world)
        gc.freeze()
    reports = wished_reports(wishes.reports, as_json=wishes.as_json)
    options = replace(options, plan=narrowed(opened, options.plan))
    outcome = run_tests(opened, options, *clock_and_progress())
    written = tell(
        outcome.report, reports, world, as_json=wishes.as_json, recorded=outcome.recorded
    )
    return Ran(code=outcome.verdict.exit_code, written=(*written, *outcome.recorded))


def keep_run(world: Surroundings, wanted: str) -> int:
    """Keep a kept run's completions as recordings, and return the exit code."""
    from llmops.workflows.executing.recordings import record_run

    run, _report = kept_report(world, wanted)
    for path in record_run(open_project(world), run, note):
        note(f"wrote {relative(path)}")
    return 0


def _check(options: TestOptions) -> None:
    contradictions = (
        (
            options.replay and options.on is not None,
            "--replay asks nobody, so there is nothing for --on",
        ),
        (
            options.replay and options.batch,
            "--replay asks nobody, so there is nothing for --batch",
        ),
        (
            options.resume is not None and _selects(options),
            "--resume takes the selection of the run it goes on with",
        ),
    )
    for found, message in contradictions:
        if found:
            raise InvalidInputError(message, code="usage", hint="leave one of them out")


def _selects(options: TestOptions) -> bool:
    selection, arms = options.plan.selection, options.plan.arms
    said = (
        selection.selectors,
        selection.expression,
        selection.prompt,
        selection.shard,
        arms.models,
        arms.sweep,
        options.plan.inputs,
        options.failed,
        options.new,
    )
    return any(said) or selection.since is not None
