"""The live half of the runner: one event loop, some workers a model, one request of a kind."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import Struct

from llmops.domain.completion import Completion
from llmops.domain.run import Origin
from llmops.errors import ProviderError
from llmops.running.asking.attempts import Attempt, AttemptsError, Patience
from llmops.running.asking.flights import Flights
from llmops.running.asking.lanes import GoneError, Lane, first_of, unexpected
from llmops.running.asking.limits import ModelGate
from llmops.running.asking.observing import watched
from llmops.running.asking.opened import Opened
from llmops.running.budget import BudgetSpentError, Purse
from llmops.running.observer import Observer
from llmops.running.runner import Carriers, Progress, Sink, advance, failure_of, refuse
from llmops.running.sources import Question, Sources, is_cached
from llmops.running.stop import Stop
from llmops.scoring.assess import takes_long

_QUEUED = 4096
"""So many trials wait for workers at most; the plan goes on as they are taken."""
_GRACE = 3.0
"""Seconds that requests in flight get when somebody asks to stop."""
_TARGET_WORKERS = 8


class LiveAsker(Struct, kw_only=True):
    """Asks providers, as many at a time as each model allows.

    Attributes:
        clean: Takes secrets out of a completion before anybody sees or keeps it.
        hide: The same for an error of a target; providers do it for theirs.
        in_flight: Called with the number of requests under way when it changes.
        observer: Told of trials and attempts; None where nobody follows the run.
    """

    sources: Sources
    sink: Sink
    stop: Stop
    purse: Purse
    carriers: Carriers
    seed: int
    concurrency: int | None = None
    clean: Callable[[Completion], Completion] = lambda completion: completion
    hide: Callable[[ProviderError], ProviderError] = lambda error: error
    in_flight: Callable[[int], None] = lambda _number: None
    observer: Observer | None = None

    def finish(self, waiting: Iterator[Progress]) -> None:
        """Carry every trial to its end, in one event loop."""
        asyncio.run(_Session(self).run(waiting))


class _Session:
    """One event loop's worth of asking."""

    def __init__(self, asker: LiveAsker) -> None:
        self._asker = asker
        self._lanes: dict[str, Lane] = {}
        self._opened = Opened(asker.carriers)
        self._flights: Flights[tuple[Completion, int]] = Flights()
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._queued = 0
        self._under_way = 0
        self._keeping = False
        self._patience = Patience(
            allow=self._allow,
            sleep=asyncio.sleep,
            chance=random.Random(asker.seed),  # noqa: S311 - jitter, not a secret
        )

    async def run(self, waiting: Iterator[Progress]) -> None:
        """Take trials from the plan and carry them to their ends."""
        loop = asyncio.get_running_loop()

        def end() -> None:
            if not loop.is_closed():  # a later session of the same command may be the one to hear
                loop.call_soon_threadsafe(self._stopping.set)
            if self._asker.stop.hurried and not loop.is_closed():
                loop.call_soon_threadsafe(self._hurried.set)

        self._asker.stop.listen(end)
        try:
            await self._feed(waiting)
            await self._drain()
        finally:
            self._write()
            await self._opened.close()

    @property
    def _ending(self) -> bool:
        """Whether to start nothing more; known at once, though the loop may hear of it later."""
        return self._stopping.is_set() or self._asker.stop.reason is not None

    async def _feed(self, waiting: Iterator[Progress]) -> None:
        for progress in waiting:
            if self._ending:
                return
            self._enqueue(progress)
            if self._queued % 64 == 0:
                await asyncio.sleep(0)
            while self._queued >= _QUEUED and not self._ending:
                self._room.clear()
                await first_of(self._room.wait(), self._stopping.wait())

    async def _drain(self) -> None:
        while tasks := {task for lane in self._lanes.values() for task in lane.workers}:
            stopping = asyncio.ensure_future(self._stopping.wait())
            done, _left = await asyncio.wait(
                {*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED
            )
            stopping.cancel()
            for task in done - {stopping}:
                task.result()
            if self._ending:
                await self._end(tasks)
                return

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        """Wait for what is in flight, which is paid for; a signal gives it no more than its grace."""
        for lane in self._lanes.values():
            lane.closed = True
            lane.queue.clear()
        everything = asyncio.gather(*tasks, return_exceptions=True)
        if not self._asker.stop.hurried:
            await first_of(asyncio.shield(everything), self._hurried.wait())
        done, left = await asyncio.wait(tasks, timeout=_GRACE)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for task in done:
            task.result()

    def _enqueue(self, progress: Progress) -> None:
        lane = self._lane(progress)
        self._announce(progress)
        lane.queue.append(progress)
        self._queued += 1
        if len(lane.workers) < lane.most:
            lane.hire(self._work, self._stopping.set)  # what broke is raised by `_drain`

    def _announce(self, progress: Progress) -> None:
        """Have the answer to a request kept for all who wait for it; a script is asked each time."""
        if progress.asked is not None and is_cached(progress.asked.model):
            self._flights.announce(progress.asked.key)

    def _lane(self, progress: Progress) -> Lane:
        model = progress.trial.planned_arm.model
        name = f"model {model.label}" if model else f"target {progress.trial.suite.name}"
        lane = self._lanes.get(name)
        if lane is None:
            gate = None
            if model is not None:
                self._asker.sources.ready(model)
                gate = ModelGate(
                    model,
                    clock=time.monotonic,
                    sleep=asyncio.sleep,
                    concurrency=self._asker.concurrency,
                )
            most = gate.most if gate else self._asker.concurrency or _TARGET_WORKERS
            lane = self._lanes[name] = Lane(gate=gate, most=most)
        return lane

    async def _work(self, lane: Lane) -> None:
        while lane.queue and not self._ending:
            progress = lane.queue.popleft()
            self._queued -= 1
            self._room.set()
            await self._carry_out(progress, lane)
            await asyncio.sleep(0)  # a provider that answers at once must not keep others waiting

    async def _carry_out(self, progress: Progress, lane: Lane) -> None:
        if self._asker.observer is not None:
            self._asker.observer.began(progress.trial.id)
        while progress.stage is not None:
            try:
                if not await self._exchange(progress, lane):
                    break
            except (BudgetSpentError, GoneError):
                return
        self._asker.sink(progress.trial.index, progress.result())

    async def _exchange(self, progress: Progress, lane: Lane) -> bool:
        """One request and its answer. Returns whether the trial waits for another."""
        stage = progress.stage
        if stage is None:
            return False
        try:
            completion, attempts, origin = await self._ask(progress, lane)
        except AttemptsError as failed:
            at = progress.trial.planned_arm.at
            progress.fail(stage, failure_of(failed.error, at), failed.attempts)
            return False
        if takes_long(stage.ready, completion):
            await asyncio.to_thread(progress.answer, completion, origin, attempts)
        else:
            progress.answer(completion, origin, attempts)
        waits = advance(progress, self._asker.sources)
        waits = waits and not refuse(progress, self._asker.sources)
        if waits:
            self._announce(progress)
        return waits

    async def _ask(self, progress: Progress, lane: Lane) -> tuple[Completion, int, Origin]:
        asked = progress.asked
        if asked is None or lane.gate is None:
            return await self._call_target(progress)
        asking = partial(self._ask_model, asked, lane.gate, progress)
        (completion, attempts), here = await self._flights.ask(asked.key, asking, GoneError())
        return (completion, attempts, "live") if here else (completion, 0, "cached")

    async def _ask_model(
        self, asked: Question, gate: ModelGate, progress: Progress
    ) -> tuple[Completion, int]:
        provider = await self._opened.provider(asked.model)
        tokens = asked.tokens if asked.model.tpm else 0

        async def attempt() -> Completion:
            with self._counted():
                try:
                    completion = await provider.complete(
                        asked.request, model=asked.model, sample=asked.sample
                    )
                    return self._asker.clean(completion)
                except ProviderError:
                    raise
                except Exception as error:
                    raise unexpected(error) from error

        told = self._told(attempt, progress)
        completion, attempts = await self._patience.ask(told, asked.model, gate, tokens)
        self._asker.purse.paid(completion.cost, asked.model.label)
        self._keep(asked, completion)
        return completion, attempts

    def _keep(self, asked: Question, completion: Completion) -> None:
        """Keep an answer; it is written with what else comes in this turn of the loop."""
        self._asker.sources.keep(asked, completion)
        if not self._keeping:
            self._keeping = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._keeping = False
        self._asker.sources.write()

    def _told(self, attempt: Attempt, progress: Progress) -> Attempt:
        """An attempt, told to whoever follows the run."""
        observer = self._asker.observer
        return watched(attempt, observer, progress, lambda: self._ending) if observer else attempt

    async def _call_target(self, progress: Progress) -> tuple[Completion, int, Origin]:
        target = self._opened.target(progress.trial.suite)
        self._allow()
        try:
            with self._counted():
                call = partial(target.call, progress.trial.case.inputs)
                completion = self._asker.clean(await self._told(call, progress)())
        except ProviderError as error:
            raise AttemptsError(self._asker.hide(error), 1) from None
        self._asker.purse.paid(completion.cost, progress.trial.suite.name)
        return completion, 1, "live"

    def _allow(self) -> None:
        if self._ending:
            raise BudgetSpentError
        self._asker.purse.start()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count one request while it is under way."""
        self._under_way += 1
        self._asker.in_flight(self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1
            self._asker.in_flight(self._under_way)
