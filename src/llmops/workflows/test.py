"""Run suites: plan, carry out, keep, and hand over a report with its verdict."""

import secrets
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC
from pathlib import Path

from msgspec.structs import replace

from llmops import __version__
from llmops.domain.run import RunHeader, TrialResult
from llmops.errors import InvalidInputError, NothingSelectedError, UnavailableError
from llmops.history.repository import WorkState, open_repository
from llmops.running.keeping.run_names import FOLDER, find_run, new_id, run_ids
from llmops.running.keeping.store import KeptRun, read_run
from llmops.running.past.resume import Before, options_from_json, options_to_json, read_before
from llmops.running.planning.plan import Plan, PlanOptions, make_plan
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.batching import check_batches
from llmops.workflows.executing.execution import Execution, Outcome, TestOptions, Watcher
from llmops.workflows.opening.project import OpenProject


def run_tests(opened: OpenProject, options: TestOptions, clock: Clock, watcher: Watcher) -> Outcome:
    """Run suites.

    Raises:
        InvalidInputError: Something is wrong with the files; found before the first call.
        NothingSelectedError: No trial is left.
        UnavailableError: The run cannot be kept on disk.
    """
    started = clock.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        state = pool.submit(_work_state, opened.root)
        before = _before(opened, options)
        asked = _as_begun(options, before) if before is not None else options
        asked = replace(asked, plan=_picked(opened, asked, clock))
        plan = make_plan(opened.project, opened.find_prompt, opened.resources, asked.plan)
        header = before.run.header if before else _header(opened, asked, plan, clock, state)
        _check_cluster(options.on)
        if asked.batch:
            check_batches(plan)
        execution = Execution(
            opened=opened,
            options=asked,
            plan=plan,
            header=header,
            before=before,
            clock=clock,
            watcher=watcher,
            started=started,
        )
        return execution.carry_out()


def run_plan(
    opened: OpenProject,
    options: TestOptions,
    plan: Plan,
    watching: tuple[Clock, Watcher],
    referee: Callable[[TrialResult], bool] | None = None,
) -> Outcome:
    """Carry out a plan that is made already, as a new run.

    Args:
        opened: The project.
        options: How to run it; what they say of a plan is not looked at.
        plan: What to run.
        watching: The clock, and who sees the run as it goes.
        referee: Told of each trial as it ends; says whether the rest can be left out.

    Raises:
        InvalidInputError: Recordings are broken.
        UnavailableError: The run cannot be kept on disk.
    """
    clock, watcher = watching
    started = clock.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        state = pool.submit(_work_state, opened.root)
        execution = Execution(
            opened=opened,
            options=options,
            plan=plan,
            header=_header(opened, options, plan, clock, state),
            before=None,
            clock=clock,
            watcher=watcher,
            started=started,
            referee=referee,
        )
        return execution.carry_out()


def _check_cluster(address: str | None) -> None:
    if address is not None:
        from llmops.providers.cluster.provider import check_cluster

        check_cluster(address)


def _before(opened: OpenProject, options: TestOptions) -> Before | None:
    if options.resume is None:
        return None
    folder = opened.root / FOLDER
    return read_before(find_run(folder, options.resume or None), options_from_json)


def _as_begun(options: TestOptions, before: Before) -> TestOptions:
    """A run that is gone on with has the plan it began with, and its batches are polled."""
    batch = options.batch or bool(before.run.header.options.get("batch"))
    return replace(options, plan=before.options, batch=batch)


def _header(
    opened: OpenProject,
    options: TestOptions,
    plan: Plan,
    clock: Clock,
    state: "Future[WorkState]",
) -> RunHeader:
    now = clock.now().astimezone(UTC)
    work = state.result()
    arms = [arm for suite in plan.suites for arm in suite.arms]
    return RunHeader(
        id=new_id(now, secrets.randbelow(16)),
        started=now.isoformat(timespec="seconds"),
        planned=plan.planned,
        command=options.command,
        selection=options.plan.selection.selectors,
        commit=work.commit,
        dirty=work.dirty,
        prompts={v.name: v.content_hash for arm in arms for v in arm.versions},
        suites=plan.suite_hashes(opened.project.tree),
        models=tuple(dict.fromkeys(arm.planned.arm.model for arm in arms if arm.planned.model)),
        seed=options.seed,
        versions={"llmops": __version__, "python": sys.version.split()[0]},
        untrusted=opened.untrusted,
        options=options_to_json(options.plan) | ({"batch": True} if options.batch else {}),
    )


def _work_state(root: Path) -> WorkState:
    """What is checked out; nothing is known where git is missing or refuses."""
    try:
        repository = open_repository(root)
        return repository.state() if repository else WorkState(commit=None, dirty=None)
    except UnavailableError:
        return WorkState(commit=None, dirty=None)


def _picked(opened: OpenProject, options: TestOptions, clock: Clock) -> PlanOptions:
    """The plan's options with what `--failed` and `--new` leave, on the day of the run."""
    folder = opened.root / FOLDER
    today = options.plan.today or clock.now().astimezone(UTC).date()
    plan = replace(options.plan, untrusted=opened.untrusted, today=today)
    if options.failed:
        run = read_run(find_run(folder, None))
        _check_finished(run)
        wrong = [t for t in run.trials() if t.status not in {"passed", "skipped"}]
        failed = {t.id for t in wrong if not t.excused}
        if not failed:
            raise NothingSelectedError(
                f"nothing failed in the run {run.header.id}", hint="leave out --failed"
            )
        plan = replace(_as_before(plan, run), only=frozenset(failed))
    if options.new:
        known = {t.case_hash for path in _runs(folder) for t in read_run(path).trials()}
        plan = replace(plan, known=frozenset(known))
    return plan


def _as_before(plan: PlanOptions, run: KeptRun) -> PlanOptions:
    """What the command line does not say of models, samples and inputs is as in an earlier run."""
    earlier = options_from_json(run.header.options)
    return replace(
        plan,
        arms=replace(
            plan.arms,
            models=plan.arms.models or earlier.arms.models,
            sweep=plan.arms.sweep or earlier.arms.sweep,
        ),
        samples=plan.samples or earlier.samples,
        inputs={**earlier.inputs, **plan.inputs},
    )


def _check_finished(run: KeptRun) -> None:
    if run.header.planned > len(run.places):
        raise InvalidInputError(
            f"the run {run.header.id} was not finished",
            code="partial-run",
            hint=f"finish it first: llmops test --resume {run.header.id}",
        )


def _runs(folder: Path) -> Iterator[Path]:
    return (folder / f"{id_}.jsonl" for id_ in run_ids(folder))
