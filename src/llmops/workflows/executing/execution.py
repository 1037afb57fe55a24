"""A plan carried out: the run's file, its sources and its runner brought together."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from llmops.domain.compact import TextSet
from llmops.domain.config import Budget
from llmops.domain.run import RunFooter, RunHeader, StoppedBy, TrialResult
from llmops.domain.verdict import Totals, Verdict, decide
from llmops.reporting.base import Report
from llmops.reporting.summary import Sum
from llmops.running.keeping.ledger import Ledger
from llmops.running.keeping.run_names import FOLDER
from llmops.running.keeping.store import RunWriter
from llmops.running.past.resume import Before
from llmops.running.planning.plan import Plan, PlanOptions
from llmops.running.runner import Asker, Runner
from llmops.running.sources import Sources
from llmops.running.stop import Stop, on_signals
from llmops.telemetry.trace import RunTrace
from llmops.workflows.executing.asking import Asking, AskLimits, Clock
from llmops.workflows.executing.batching import batched_asker
from llmops.workflows.executing.recordings import record_run
from llmops.workflows.executing.tracing import open_trace, wanted_otel
from llmops.workflows.opening.project import OpenProject

_PROBLEMS = 100
"""So many are kept at hand for reports; who wants to show more reads the run for them."""


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


class TestOptions(Struct, frozen=True, kw_only=True):
    """What `llmops test` was asked to do.

    Attributes:
        plan: What to run.
        replay: Recordings and the cache only.
        fresh: Neither recordings nor the cache.
        record: Keep all completions in the suites' recordings.
        prune: Drop recordings that no case asks for any more.
        budget: Lies over the project's own.
        concurrency: Requests under way at once, a model; None for the models' own.
        resume: The run to go on with: an id, or empty for the newest; None starts a new one.
        failed: Only trials that did not pass in the newest run.
        new: Only cases that no kept run knows.
        kept: Take what earlier runs heard where neither recordings nor the cache know.
        on: The scheduler of a cluster whose workers ask live models; None asks from here.
        otel: Whether to tell a collector of the run; None: as the project says.
        batch: Ask in batches what they can carry.
        command: As typed, for the run's header.
    """

    __test__ = False

    plan: PlanOptions = field(default_factory=PlanOptions)
    replay: bool = False
    fresh: bool = False
    record: bool = False
    prune: bool = False
    budget: Budget = field(default_factory=Budget)
    concurrency: int | None = None
    fail_fast: bool = False
    resume: str | None = None
    failed: bool = False
    new: bool = False
    kept: bool = False
    otel: bool | None = None
    seed: int = 0
    on: str | None = None
    batch: bool = False
    command: tuple[str, ...] = ()

    @property
    def limits(self) -> AskLimits:
        """Whom to ask, and how much."""
        return AskLimits(
            replay=self.replay,
            fresh=self.fresh,
            kept=self.kept,
            budget=self.budget,
            concurrency=self.concurrency,
            seed=self.seed,
            on=self.on,
        )


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a run.

    Attributes:
        path: The run's file.
        recorded: Files of recordings that were written.
    """

    report: Report
    path: Path
    recorded: tuple[Path, ...] = ()

    @property
    def stopped_by(self) -> StoppedBy | None:
        """What ended the run before all of its trials were done."""
        return self.report.footer.stopped_by if self.report.footer is not None else None

    @property
    def verdict(self) -> Verdict:
        """The one verdict behind everything that is said of the run."""
        return self.report.verdict


class Execution(Struct, kw_only=True):
    """One run under way.

    Attributes:
        before: The run that is gone on with; None for a new one.
        started: The clock's monotonic seconds when the command began.
        in_flight: Requests under way.
        referee: Told of each trial as it ends; says whether the rest can be left out.
    """

    opened: OpenProject
    options: TestOptions
    plan: Plan
    header: RunHeader
    before: Before | None
    clock: Clock
    watcher: Watcher
    started: float
    stop: Stop = field(default_factory=Stop)
    in_flight: int = 0
    referee: Callable[[TrialResult], bool] | None = None
    _trace: RunTrace | None = None
    _added: Sum = field(default_factory=lambda: Sum(keep=_PROBLEMS))

    def carry_out(self) -> Outcome:
        """Carry out every trial, and hand over the report."""
        path = self.opened.root / FOLDER / f"{self.header.id}.jsonl"
        totals = Totals(planned=self.plan.planned)
        with ExitStack() as stack:
            stack.callback(self.watcher.stop)
            self._follow(stack)
            writer = RunWriter(path, resume=self.before is not None)
            stack.callback(writer.close)
            ledger = self._ledger(writer, totals)
            sources = self._asking().sources()
            if sources.cache is not None:
                stack.callback(sources.cache.close)
            self._run(writer, ledger, sources)
            verdict = decide(totals, stopped_by=self.stop.reason)
            if self._trace is not None:
                self._trace.close(verdict)
        run = writer.kept()
        report = Report(
            header=run.header,
            footer=run.footer,
            verdict=verdict,
            trials=run.trials,
            added=self._added if self.before is None else None,
        )
        recorded: tuple[Path, ...] = ()
        if self.options.record:
            recorded = record_run(self.opened, run, self.watcher.note, prune=self.options.prune)
        return Outcome(report=report, path=path, recorded=recorded)

    def _run(self, writer: RunWriter, ledger: Ledger, sources: Sources) -> None:
        finished = self._finished(ledger)
        self.watcher.start(self.plan.planned)
        with on_signals(self.stop):
            if self.before is None:
                writer.header(self.header)
            runner = Runner(
                sources=sources,
                sink=ledger.take,
                stop=self.stop,
                asker=lambda: self._asker(sources, ledger),
            )
            runner.run(self.plan, finished)
            footer = RunFooter(
                finished=self.clock.now().isoformat(timespec="seconds"),
                duration=self.clock.monotonic() - self.started,
                stopped_by=self.stop.reason,
            )
            writer.footer(footer)

    def _ledger(self, writer: RunWriter, totals: Totals) -> Ledger:
        return Ledger(
            writer=writer,
            totals=totals,
            stop=self.stop,
            show=self._show if self._trace is None else self._show_and_tell(self._trace),
            fail_fast=self.options.fail_fast,
            referee=self.referee,
        )

    def _show(self, index: int, trial: TrialResult) -> None:
        self._added.add(index, trial)
        self.watcher.trial(trial, self.in_flight)

    def _show_and_tell(self, trace: RunTrace) -> Callable[[int, TrialResult], None]:
        def show(index: int, trial: TrialResult) -> None:
            self._show(index, trial)
            trace.ended(trial)

        return show

    def _follow(self, stack: ExitStack) -> None:
        """Tell a collector of the run, if somebody wants that."""
        otel = wanted_otel(self.opened, asked=self.options.otel)
        if otel is not None:
            clock = (self.clock, self.started)
            self._trace = open_trace(self.opened, otel, self.header, clock, self.watcher.note)
            stack.callback(self._trace.close)

    def _asker(self, sources: Sources, ledger: Ledger) -> Asker:
        asking = self._asking()
        if not self.options.batch:
            return asking.asker(sources, ledger.take, self._count)
        return batched_asker(asking, sources, ledger, self._count, self.before)

    def _asking(self) -> Asking:
        return Asking(
            opened=self.opened,
            limits=self.options.limits,
            clock=self.clock,
            note=self.watcher.note,
            stop=self.stop,
            observer=self._trace,
        )

    def _count(self, number: int) -> None:
        self.in_flight = number

    def _finished(self, ledger: Ledger) -> Callable[[str], bool]:
        if self.before is None:
            return lambda _id: False
        done = TextSet()
        for trial in self.before.finished(self.plan):
            ledger.count(trial)
            done.add(trial.id)
        return done.__contains__
