"""Batches on their way: sent once, looked at, their results handed to the trials that wait."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.batch.base import Batches, Letter, State, Tag, UnsureError, lost
from llmops.running.batch.trials import BatchTrials
from llmops.running.keeping.batch_log import BatchLog, SentBatch
from llmops.running.sources import Question
from llmops.running.stop import Stop

MOST_REQUESTS = 1000
MOST_BYTES = 32 * 2**20
_LONGEST = 26 * 3600.0
"""Seconds after which a batch that has not ended is given up: providers promise 24 hours."""
_MISSES = 20
"""So many times in a row a batch may not be reached before its trials are in error."""
_LONGEST_WAIT = 60.0
_AT_ONCE = 16
"""So many results are taken together."""


class Group(Struct, kw_only=True):
    """Requests that will be one batch."""

    model: Model
    batches: Batches
    asked: dict[str, Question] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    size: int = 0

    def has_room(self, letter: Letter) -> bool:
        """Whether one more request fits."""
        fits = self.size + len(letter.call.body) <= MOST_BYTES
        return len(self.letters) < MOST_REQUESTS and fits

    def add(self, asked: Question, letter: Letter) -> None:
        """Put a request in."""
        self.asked[letter.id] = asked
        self.letters.append(letter)
        self.size += len(letter.call.body)


class OpenBatch(Struct, kw_only=True):
    """A batch at its provider.

    Attributes:
        asked: What waits for its answers, by the ids of the requests.
        since: When this command first knew of it.
        misses: How often in a row it could not be reached.
    """

    id: str
    tag: Tag
    model: Model
    batches: Batches
    since: float
    asked: dict[str, Question]
    failed: list[str] = field(default_factory=list)
    misses: int = 0


class Post(Struct, kw_only=True):
    """Sends batches and takes what comes back.

    Attributes:
        open: Batches under way, by name.
    """

    trials: BatchTrials
    log: BatchLog
    note: Callable[[str], None]
    pause: Callable[[float], Awaitable[None]]
    monotonic: Callable[[], float]
    stop: Stop
    open: dict[str, OpenBatch] = field(default_factory=dict)

    @property
    def under_way(self) -> int:
        """Requests whose answers are not there yet."""
        return sum(len(batch.asked) for batch in self.open.values())

    async def send(self, group: Group) -> None:
        """Send a group as one batch; what is not accepted ends its trials."""
        tag = self.log.begin(list(group.asked))
        try:
            id_ = await self._sent(group, tag)
        except UnsureError as unsure:
            self._fail_all(group.asked, unsure.error)
            return
        except ProviderError as error:
            self.log.over(tag, group.asked)
            self._fail_all(group.asked, error)
            return
        self.log.sent(tag, id_)
        self._open(id_, tag, group.batches, group.model).asked.update(group.asked)
        number = len(group.letters)
        requests = "1 request" if number == 1 else f"{number} requests"
        self.note(f"sent {requests} to '{group.model.label}' as the batch {id_}")

    async def take_up(self, sent: SentBatch, batches: Batches, asked: Question) -> bool:
        """Wait for the answer to a question that an earlier command sent.

        Returns:
            Whether it was; if not, it is to be sent now.
        """
        tag = Tag(run=self.log.run, name=sent.name)
        if sent.id is None:
            try:
                sent.id = await batches.find(tag)
            except ProviderError as error:
                self.trials.fail(asked.key, error)
                return True
            if sent.id is None:
                self._forget(sent)
                return False
            self.log.sent(tag, sent.id)
        self._open(sent.id, tag, batches, asked.model).asked[asked.key] = asked
        return True

    async def look_around(self) -> bool:
        """Look at every batch once, and take the answers of those that have ended.

        Returns:
            Whether one was.
        """
        before = len(self.open)
        for batch in list(self.open.values()):
            if self.stop.reason not in {None, "budget"}:
                break
            try:
                await self._look(batch)
            except ProviderError as error:
                self._missed(batch, error)
        return len(self.open) < before

    async def cancel(self, batch: OpenBatch) -> None:
        """Ask the provider to stop; if it does not hear, the batch simply goes on."""
        try:
            await batch.batches.cancel(batch.id)
        except ProviderError as error:
            self.note(f"the batch {batch.id} was not cancelled: {error.message}")

    async def _sent(self, group: Group, tag: Tag) -> str:
        tried = 0
        while True:
            try:
                return await group.batches.send(group.letters, tag)
            except UnsureError:
                found = await self._found(group.batches, tag)
                if found is None:
                    raise
                return found
            except ProviderError as error:
                tried += 1
                if not error.retryable or tried > group.model.retries or self.stop.hurried:
                    raise
                usual = 2.0**tried if error.retry_after is None else error.retry_after
                await self.pause(min(usual, _LONGEST_WAIT))

    async def _found(self, batches: Batches, tag: Tag) -> str | None:
        """The id of a batch that may have been accepted."""
        try:
            return await batches.find(tag)
        except ProviderError:
            return None

    def _open(self, id_: str, tag: Tag, batches: Batches, model: Model) -> OpenBatch:
        if tag.name not in self.open:
            self.open[tag.name] = OpenBatch(
                id=id_, tag=tag, model=model, batches=batches, since=self.monotonic(), asked={}
            )
        return self.open[tag.name]

    def _forget(self, sent: SentBatch) -> None:
        """Nothing was sent: its requests are free to be."""
        self.log.out = {key: one for key, one in self.log.out.items() if one is not sent}

    async def _look(self, batch: OpenBatch) -> None:
        state = await batch.batches.look(batch.id)
        if state.ended:
            await self._take(batch, state)
        elif self.monotonic() - batch.since > _LONGEST:
            self._give_up(batch, _endless(state))
        batch.misses = 0

    async def _take(self, batch: OpenBatch, state: State) -> None:
        """Take the results; if they break off, what is missing is fetched anew."""
        if state.refusal is None:
            await self._fetch(batch, state)
        for identity in list(batch.asked):
            self._fail(batch, identity, state.refusal or lost(state.word))
        self.log.over(batch.tag, batch.failed)
        del self.open[batch.tag.name]

    async def _fetch(self, batch: OpenBatch, state: State) -> None:
        requests = {identity: asked.request for identity, asked in batch.asked.items()}
        answers: list[tuple[Question, Completion]] = []
        try:
            async with aclosing(batch.batches.fetch(batch.id, state, requests)) as replies:
                async for reply in replies:
                    if reply.id not in batch.asked:
                        continue
                    if isinstance(reply.answer, ProviderError):
                        self._fail(batch, reply.id, reply.answer)
                        continue
                    answers.append((batch.asked.pop(reply.id), reply.answer))
                    if len(answers) >= _AT_ONCE:
                        taken, answers = answers, []
                        await self.trials.answer(taken)
        finally:
            await self.trials.answer(answers)

    def _missed(self, batch: OpenBatch, error: ProviderError) -> None:
        """A batch could not be reached. One that is not known there will never be."""
        batch.misses += 1
        if error.kind == "not_found":
            batch.failed += batch.asked
            self.log.over(batch.tag, batch.failed)
        elif error.retryable and batch.misses <= _MISSES:
            if batch.misses == 1:
                self.note(f"the batch {batch.id} is asked for again: {error.message}")
            return
        self._give_up(batch, error)

    def _give_up(self, batch: OpenBatch, error: ProviderError) -> None:
        self._fail_all(batch.asked, error)
        del self.open[batch.tag.name]

    def _fail(self, batch: OpenBatch, identity: str, error: ProviderError) -> None:
        batch.failed.append(identity)
        self.trials.fail(batch.asked.pop(identity).key, error)

    def _fail_all(self, asked: dict[str, Question], error: ProviderError) -> None:
        for question in asked.values():
            self.trials.fail(question.key, error)


def _endless(state: State) -> ProviderError:
    return ProviderError(
        f"the batch has not ended after {_LONGEST / 3600:g} hours: it is '{state.word}'",
        kind="timeout",
        hint="go on with the run by 'llmops test --resume'",
    )
