"""The half of the runner that asks in batches: sent, polled until they have ended, then taken."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter
from llmops.providers.batch.carried import has_batches, is_interpreted
from llmops.providers.batch.office import Office
from llmops.running.batch.post import Group, OpenBatch, Post
from llmops.running.batch.trials import BatchTrials
from llmops.running.budget import BudgetSpentError, Purse
from llmops.running.keeping.batch_log import BatchLog
from llmops.running.runner import Asker, Progress, Sink, failure_of
from llmops.running.sources import Question, Sources
from llmops.running.stop import Stop

_MOST_OPEN = 100
"""So many batches are under way at once, so that memory is bounded."""
_MOST_ASIDE = 4096
"""So many trials that no batch can carry are gathered before they are asked live."""
_GRACE = 3.0
"""Seconds that a call of a batch's endpoint gets when a signal hurries."""
_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 60.0
_GROWTH = 1.5

_HELD_BACK = (
    "the rest is not sent: by what those under way may cost at most, it could pass max_cost;"
    " a lower max_tokens lowers what an answer may cost"
)

Result = TypeVar("Result")


class BatchedAsker(Struct, kw_only=True):
    """Asks in batches what they can carry, and the rest live.

    Attributes:
        environment: Where keys are looked for.
        live: Makes what asks the rest.
        log: Tells of batches, so that the run can be gone on with.
        note: Told what the user should know.
        clean: Takes secrets out of a completion before anybody sees or keeps it.
        in_flight: Called with the number of requests under way when it changes.
        pause: Waits so many seconds.
        monotonic: Seconds that never go back.
    """

    sources: Sources
    sink: Sink
    stop: Stop
    purse: Purse
    environment: Mapping[str, str]
    live: Callable[[], Asker]
    log: BatchLog
    note: Callable[[str], None]
    monotonic: Callable[[], float]
    clean: Callable[[Completion], Completion] = lambda completion: completion
    in_flight: Callable[[int], None] = lambda _number: None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    def finish(self, waiting: Iterator[Progress]) -> None:
        """Carry every trial to its end, or leave its batch with the provider."""
        with asyncio.Runner() as runner:
            session = _Session(self, runner)
            try:
                session.run(waiting)
            finally:
                runner.run(session.office.close())


class _Aside(Struct):
    """Trials that are asked live, and what was said of it already."""

    trials: list[Progress] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


class _Session:
    """One command's worth of batches. The loop runs only while somebody is waited for."""

    def __init__(self, asker: BatchedAsker, runner: asyncio.Runner) -> None:
        self._asker = asker
        self._runner = runner
        self._aside = _Aside()
        self._groups: dict[tuple[str, str], Group] = {}
        self._hurried = asyncio.Event()
        self._wait = _FIRST_PAUSE
        self.office = Office(asker.environment)
        self._trials = BatchTrials(
            sources=asker.sources, sink=asker.sink, purse=asker.purse, clean=asker.clean
        )
        self._post = Post(
            trials=self._trials,
            log=asker.log,
            note=asker.note,
            pause=asker.pause,
            monotonic=asker.monotonic,
            stop=asker.stop,
        )

    def run(self, waiting: Iterator[Progress]) -> None:
        """Send what waits, ask the rest, and poll until every batch has ended."""
        loop = self._runner.get_loop()

        def hear() -> None:
            if self._asker.stop.hurried and not loop.is_closed():
                loop.call_soon_threadsafe(self._hurried.set)

        self._asker.stop.listen(hear)
        for progress in waiting:
            if self._asker.stop.reason is not None:
                break
            self._take(progress)
            while len(self._post.open) >= _MOST_OPEN and not self._leaving:
                self._round()
        self._send_all()
        while self._post.open and not self._leaving:
            self._round()
        self._leave()

    @property
    def _leaving(self) -> bool:
        """Whether to wait for no batch: a budget that is spent has paid for those under way."""
        return self._asker.stop.reason not in {None, "budget"} or self._asker.stop.hurried

    def _take(self, progress: Progress) -> None:
        asked = progress.asked
        try:
            letter = self._letter(progress)
        except ProviderError as error:
            self._refused(progress, error)
            return
        if asked is None or letter is None:
            self._put_aside(progress)
        elif not self._trials.joins(asked, progress) and not self._known(asked, letter):
            self._put(asked, letter)

    def _letter(self, progress: Progress) -> Letter | None:
        asked = progress.asked
        if asked is None or not has_batches(asked.model):
            return None
        self._asker.sources.ready(asked.model)
        if is_interpreted(asked.model):
            return self._do(self.office.interpreted(asked.request, asked.model, asked.key))
        return self.office.letter(asked.request, asked.model, asked.key)

    def _refused(self, progress: Progress, error: ProviderError) -> None:
        stage = progress.stage
        if stage is not None:
            progress.fail(stage, failure_of(error, progress.trial.planned_arm.at))
        self._asker.sink(progress.trial.index, progress.result())

    def _known(self, asked: Question, letter: Letter) -> bool:
        """Whether an earlier command has sent a question; its batch is polled then."""
        sent = self._asker.log.out.get(letter.id)
        if sent is None:
            return False
        batches = self.office.batches(letter, asked.model)
        return self._do(self._post.take_up(sent, batches, asked)) is True

    def _put(self, asked: Question, letter: Letter) -> None:
        try:
            self._trials.start(asked.key, letter.most)
        except BudgetSpentError:
            if self._asker.purse.holds_back:
                self._asker.note(_HELD_BACK)
            return
        place = (asked.model.label, letter.call.url)
        group = self._groups.get(place)
        if group is not None and not group.has_room(letter):
            self._send(self._groups.pop(place))
            group = None
        if group is None:
            batches = self.office.batches(letter, asked.model)
            group = self._groups[place] = Group(model=asked.model, batches=batches)
        group.add(asked, letter)

    def _put_aside(self, progress: Progress) -> None:
        self._tell(progress)
        self._aside.trials.append(progress)
        if len(self._aside.trials) >= _MOST_ASIDE:
            self._ask_live()

    def _tell(self, progress: Progress) -> None:
        model = progress.trial.planned_arm.model
        whose = model.label if model is not None else progress.trial.suite.name
        if whose not in self._aside.told:
            self._aside.told.add(whose)
            self._asker.note(f"{_why_live(model, whose)}, and is asked live")

    def _send(self, group: Group) -> None:
        self._do(self._post.send(group))
        self._asker.in_flight(self._post.under_way)

    def _send_all(self) -> None:
        """Send what was put together; what must be asked live is asked while batches go on."""
        while self._groups and not self._leaving:
            self._send(self._groups.popitem()[1])
        self._ask_live()

    def _ask_live(self) -> None:
        aside, self._aside.trials = self._aside.trials, []
        if aside and self._asker.stop.reason is None:
            self._asker.live().finish(iter(aside))

    def _round(self) -> None:
        """Look at every batch; send what its answers brought up, or wait a while."""
        ended = self._do(self._post.look_around())
        self._asker.in_flight(self._post.under_way)
        further, self._trials.further = self._trials.further, []
        for progress in further:
            if self._asker.stop.reason is None:
                self._take(progress)
        if further:
            self._send_all()
        if ended:
            self._wait = _FIRST_PAUSE
        elif self._post.open and not self._leaving:
            self._do(_to_its_end(self._asker.pause(self._wait)), grace=0)
            self._wait = min(_LONGEST_PAUSE, self._wait * _GROWTH)

    def _leave(self) -> None:
        left: list[OpenBatch] = list(self._post.open.values())
        if not left:
            return
        if not self._asker.stop.hurried:
            for batch in left:
                self._do(self._post.cancel(batch))
        words = "go on at the provider" if self._asker.stop.hurried else "were cancelled"
        self._asker.note(
            f"{_counted(len(left), 'batch', 'batches')} with"
            f" {_counted(self._post.under_way, 'request', 'requests')} {words};"
            f" 'llmops test --resume {self._asker.log.run}' takes the answers"
        )

    def _do(self, work: Coroutine[Any, Any, Result], grace: float = _GRACE) -> Result | None:
        """Carry something out; when a signal hurries it gets no more than its grace, in seconds."""
        return self._runner.run(self._unless_hurried(work, grace))

    async def _unless_hurried(
        self, work: Coroutine[Any, Any, Result], grace: float
    ) -> Result | None:
        task = asyncio.ensure_future(work)
        hurried = asyncio.ensure_future(self._hurried.wait())
        await asyncio.wait({task, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not task.done():
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return None
        return task.result()


async def _to_its_end(pause: Awaitable[None]) -> None:
    await pause


def _why_live(model: Model | None, whose: str) -> str:
    if model is None:
        return f"'{whose}' has a target, which no batch can carry"
    if not has_batches(model):
        return f"'{whose}' is a model whose batches are not spoken here"
    return f"'{whose}' gets a request whose form no batch is sure to carry"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
