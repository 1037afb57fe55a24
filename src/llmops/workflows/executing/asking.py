"""Whom a command asks for completions, and how much: sources, providers and a purse."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.config import Budget
from llmops.domain.run import TrialResult
from llmops.errors import ProviderError
from llmops.providers.keys import secrets_of, without_secrets
from llmops.providers.refusals import without_secrets_in
from llmops.running.budget import Purse
from llmops.running.cache.base import CompletionCache
from llmops.running.keeping.run_names import FOLDER
from llmops.running.observer import Observer
from llmops.running.past.answers import KeptAnswers
from llmops.running.planning.plan import Plan, PlanOptions
from llmops.running.planning.trial import PlannedTrial
from llmops.running.runner import Asker, Runner, Sink
from llmops.running.sources import Sources
from llmops.running.stop import Stop
from llmops.workflows.executing.recordings import read_recordings
from llmops.workflows.opening.caches import CacheWorld, open_cache
from llmops.workflows.opening.project import OpenProject

Number = TypeVar("Number", int, float)


class Clock(Struct, frozen=True, kw_only=True):
    """The time, handed in.

    Attributes:
        now: The present moment, with its time zone.
        monotonic: Seconds that never go back, for durations.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


class AskLimits(Struct, frozen=True, kw_only=True):
    """Whom to ask, and how much.

    Attributes:
        replay: Recordings and the cache only.
        fresh: Neither recordings nor the cache.
        kept: Take what earlier runs heard where neither recordings nor the cache know.
        budget: Lies over the project's own.
        concurrency: Requests under way at once, a model; None for the models' own.
        seed: Of the pauses between attempts.
        on: The scheduler of a cluster whose workers ask live models; None asks from here.
    """

    replay: bool = False
    fresh: bool = False
    kept: bool = False
    budget: Budget = field(default_factory=Budget)
    concurrency: int | None = None
    seed: int = 0
    on: str | None = None


class Asking(Struct, kw_only=True):
    """Makes what asks, as a project and a command line want it.

    Attributes:
        note: Told what the user should know.
        observer: Follows what is asked; None where nobody does.
        read_only: Look answers up, and leave no trace of it in the cache.
    """

    opened: OpenProject
    limits: AskLimits
    clock: Clock
    note: Callable[[str], None]
    stop: Stop
    observer: Observer | None = None
    read_only: bool = False
    _purse: Purse | None = None

    @property
    def purse(self) -> Purse:
        """What may be spent, by all that asks here together."""
        if self._purse is None:
            asked, allowed = self.limits.budget, self.opened.config.budget
            budget = Budget(
                max_cost=_least(asked.max_cost, allowed.max_cost),
                max_calls=_least(asked.max_calls, allowed.max_calls),
            )
            self._purse = Purse(budget, lambda: self.stop.ask("budget"), self._unpriced)
        return self._purse

    def sources(self) -> Sources:
        """Recordings, the cache and kept runs; the cache must be closed."""
        return Sources(
            load=lambda suite: read_recordings(self.opened, suite),
            cache=self._cache(),
            fresh=self.limits.fresh,
            replay=self.limits.replay,
            kept=KeptAnswers(self.opened.root / FOLDER) if self.limits.kept else None,
        )

    def asker(self, sources: Sources, sink: Sink, in_flight: Callable[[int], None]) -> Asker:
        """What asks providers.

        Args:
            sources: Where answers are kept.
            sink: Takes each finished trial.
            in_flight: Told how many requests are under way.
        """
        from llmops.running.asking.live import LiveAsker
        from llmops.workflows.opening.carriers import carriers_of, on_cluster

        carriers = carriers_of(self.opened)
        if self.limits.on is not None:
            carriers = on_cluster(carriers, self.limits.on, self.note)
        return LiveAsker(
            sources=sources,
            sink=sink,
            stop=self.stop,
            purse=self.purse,
            carriers=carriers,
            seed=self.limits.seed,
            concurrency=self.limits.concurrency,
            clean=self.clean(),
            hide=self.hide,
            in_flight=in_flight,
            observer=self.observer,
        )

    def hide(self, error: ProviderError) -> ProviderError:
        """The same error without the secrets of this environment."""
        return without_secrets_in(error, secrets_of(self.opened.environment))

    def clean(self) -> Callable[[Completion], Completion]:
        """What takes the secrets of this environment out of a completion."""
        secrets = secrets_of(self.opened.environment)
        return lambda completion: without_secrets(completion, secrets)

    def _cache(self) -> CompletionCache:
        world = CacheWorld(
            root=self.opened.root,
            environment=self.opened.environment,
            untrusted=self.opened.untrusted,
            now=lambda: self.clock.now().timestamp(),
            warn=self.note,
        )
        return open_cache(self.opened.config.cache, world, read_only=self.read_only)

    def _unpriced(self, whose: str) -> None:
        self.note(
            f"what '{whose}' costs is not known, so max_cost cannot count it: "
            "give its model a 'price', or set max_calls"
        )


class Prober(Struct, kw_only=True):
    """Carries out single trials that are kept in no run; used as a context."""

    asking: Asking
    _stack: ExitStack = field(default_factory=ExitStack)
    _sources: Sources | None = None

    def __enter__(self) -> "Prober":
        self._sources = self.asking.sources()
        if self._sources.cache is not None:
            self._stack.callback(self._sources.cache.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def ask(self, trials: Sequence[PlannedTrial]) -> list[TrialResult]:
        """Carry out trials; those for which the budget or a signal left no time are missing."""
        sources = self._sources or self.asking.sources()
        found: list[TrialResult] = []
        Runner(
            sources=sources,
            sink=lambda _index, result: found.append(result),
            stop=self.asking.stop,
            asker=lambda: self.asking.asker(
                sources, lambda _index, result: found.append(result), lambda _number: None
            ),
        ).run(_plan_of(trials))
        return found


def _plan_of(trials: Sequence[PlannedTrial]) -> Plan:
    return Plan(
        suites=(),
        planned=len(trials),
        options=PlanOptions(),
        generate=lambda: iter(trials),
        kept=list(trials),
    )


def _least(asked: Number | None, allowed: Number | None) -> Number | None:
    """The command line may tighten the project's cap, never loosen it."""
    known = [cap for cap in (asked, allowed) if cap is not None]
    return min(known) if known else None
