"""Run suites: plan, carry out, keep, and hand over a report with its verdict."""

import secrets
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from llmops import __version__
from llmops.domain.config import Budget
from llmops.domain.run import RunFooter, RunHeader, TrialResult
from llmops.domain.verdict import Totals, Verdict, decide
from llmops.errors import InvalidInputError, NothingSelectedError
from llmops.history.repository import WorkState, open_repository
from llmops.reporting.base import Report
from llmops.running.budget import Purse
from llmops.running.cache import Cache
from llmops.running.ledger import Ledger
from llmops.running.plan import Plan, PlanOptions, make_plan
from llmops.running.resume import Before, options_from_json, options_to_json, read_before
from llmops.running.runner import Asker, Runner
from llmops.running.sources import Sources
from llmops.running.stop import Stop, on_signals
from llmops.running.store import FOLDER, KeptRun, RunWriter, find_run, read_run, run_ids
from llmops.workflows.project import OpenProject
from llmops.workflows.recordings import read_recordings, record_run

Number = TypeVar("Number", int, float)


class Watcher(Protocol):
    """Sees a run as it goes: the live bar, or nothing."""

    def start(self, total: int) -> None:
        """The plan is made."""
        ...

    def trial(self, result: TrialResult, in_flight: int) -> None:
        """A trial ended."""
        ...

    def note(self, text: str) -> None:
        """Something that the user should know."""
        ...

    def stop(self) -> None:
        """The run has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """What `llmops test` was asked to do.

    Attributes:
        plan: What to run.
        replay: Recordings and the cache only.
        fresh: Neither recordings nor the cache.
        record: Keep all completions in the suites' recordings.
        budget: Lies over the project's own.
        concurrency: Requests under way at once, a model; None for the models' own.
        resume: The run to go on with: an id, or empty for the newest; None starts a new one.
        failed: Only trials that did not pass in the newest run.
        new: Only cases that no kept run knows.
        command: As typed, for the run's header.
    """

    __test__ = False

    plan: PlanOptions = field(default_factory=PlanOptions)
    replay: bool = False
    fresh: bool = False
    record: bool = False
    budget: Budget = field(default_factory=Budget)
    concurrency: int | None = None
    fail_fast: bool = False
    resume: str | None = None
    failed: bool = False
    new: bool = False
    seed: int = 0
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time, handed in.

    Attributes:
        now: The present moment, with its time zone.
        monotonic: Seconds that never go back, for durations.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        path: The run's file.
        recorded: Files of recordings that were written.
    """

    report: Report
    path: Path
    recorded: tuple[Path, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The one verdict behind everything that is said of the run."""
        return self.report.verdict


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
        asked = replace(options, plan=before.options) if before is not None else options
        asked = replace(asked, plan=_picked(opened, asked))
        plan = make_plan(opened.project, opened.find_prompt, opened.resources, asked.plan)
        header = before.run.header if before else _header(opened, asked, plan, clock, state)
        return _carry_out(opened, asked, plan, header, before, clock, watcher, started)


def _carry_out(  # noqa: PLR0913, PLR0917 - the one place where all parts of a run meet
    opened: OpenProject,
    options: TestOptions,
    plan: Plan,
    header: RunHeader,
    before: Before | None,
    clock: Clock,
    watcher: Watcher,
    started: float,
) -> Outcome:
    stop = Stop()
    path = before.run.path if before else opened.root / FOLDER / f"{header.id}.jsonl"
    writer = RunWriter(path, resume=before is not None)
    flying = [0]
    ledger = Ledger(
        writer=writer,
        totals=Totals(planned=plan.planned),
        stop=stop,
        show=lambda result: watcher.trial(result, flying[0]),
        fail_fast=options.fail_fast,
    )
    cache = _cache(opened, clock, watcher.note)
    sources = Sources(
        load=lambda suite: read_recordings(opened, suite),
        cache=cache,
        fresh=options.fresh,
        replay=options.replay,
    )
    budget = Budget(
        max_cost=_least(options.budget.max_cost, opened.config.budget.max_cost),
        max_calls=_least(options.budget.max_calls, opened.config.budget.max_calls),
    )
    purse = Purse(budget, lambda: stop.ask("budget"))

    def asker() -> Asker:
        from llmops.running.live import LiveAsker
        from llmops.workflows.carriers import carriers_of

        return LiveAsker(
            sources=sources,
            sink=ledger.take,
            stop=stop,
            purse=purse,
            carriers=carriers_of(opened),
            seed=options.seed,
            concurrency=options.concurrency,
            in_flight=lambda number: flying.__setitem__(0, number),
        )

    watcher.start(plan.planned)
    try:
        with on_signals(stop):
            if before is None:
                writer.header(header)
            finished = _finished(before, plan, ledger)
            Runner(sources=sources, sink=ledger.take, stop=stop, asker=asker).run(plan, finished)
            footer = RunFooter(
                finished=clock.now().isoformat(timespec="seconds"),
                duration=clock.monotonic() - started,
                stopped_by=stop.reason,
            )
            writer.footer(footer)
    finally:
        watcher.stop()
        writer.close()
        if cache is not None:
            cache.close()
    run = read_run(path)
    report = Report(
        header=run.header,
        footer=run.footer,
        verdict=decide(ledger.totals, stopped_by=stop.reason),
        trials=run.trials,
    )
    recorded = record_run(opened, run) if options.record else ()
    return Outcome(report=report, path=path, recorded=recorded)


def _before(opened: OpenProject, options: TestOptions) -> Before | None:
    if options.resume is None:
        return None
    folder = opened.root / FOLDER
    return read_before(find_run(folder, options.resume or None), options_from_json)


def _finished(before: Before | None, plan: Plan, ledger: Ledger) -> Callable[[str], bool]:
    if before is None:
        return lambda _id: False
    for trial in before.finished(plan):
        ledger.count(trial)
    done = frozenset(ledger.done)
    return lambda id_: id_ in done


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
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
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
        options=options_to_json(options.plan),
    )


def _work_state(root: Path) -> WorkState:
    repository = open_repository(root)
    return repository.state() if repository else WorkState(commit=None, dirty=None)


def _picked(opened: OpenProject, options: TestOptions) -> PlanOptions:
    """The plan's options with what `--failed` and `--new` leave."""
    folder = opened.root / FOLDER
    plan = replace(options.plan, untrusted=opened.untrusted)
    if options.failed:
        run = read_run(find_run(folder, None))
        _check_finished(run)
        failed = {t.id for t in run.trials() if t.status not in {"passed", "skipped"}}
        if not failed:
            raise NothingSelectedError(
                f"nothing failed in the run {run.header.id}", hint="leave out --failed"
            )
        plan = replace(plan, only=frozenset(failed))
    if options.new:
        known = {t.case_hash for path in _runs(folder) for t in read_run(path).trials()}
        plan = replace(plan, known=frozenset(known))
    return plan


def _check_finished(run: KeptRun) -> None:
    if run.header.planned > len(run.places):
        raise InvalidInputError(
            f"the run {run.header.id} was not finished",
            code="partial-run",
            hint=f"finish it first: llmops test --resume {run.header.id}",
        )


def _runs(folder: Path) -> Iterator[Path]:
    return (folder / f"{id_}.jsonl" for id_ in run_ids(folder))


def _cache(opened: OpenProject, clock: Clock, warn: Callable[[str], None]) -> Cache:
    config = opened.config.cache
    return Cache(
        opened.root / config.path,
        now=lambda: clock.now().timestamp(),
        warn=warn,
        ttl=config.ttl,
        read_only=opened.untrusted,
    )


def _least(asked: Number | None, allowed: Number | None) -> Number | None:
    """The command line may tighten the project's cap, never loosen it."""
    known = [cap for cap in (asked, allowed) if cap is not None]
    return min(known) if known else None
