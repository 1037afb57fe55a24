"""Trials that wait for the answers of batches, and what becomes of them."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.run import Origin
from llmops.errors import ProviderError
from llmops.running.budget import Purse
from llmops.running.runner import Progress, Sink, advance, failure_of, refuse
from llmops.running.sources import Question, Sources
from llmops.scoring.assess import takes_long

_JUDGED_AT_ONCE = 16


class BatchTrials(Struct, kw_only=True):
    """Trials by the key of what they wait for; equal questions are one.

    Attributes:
        clean: Takes secrets out of a completion before anybody sees or keeps it.
        further: Trials that have another question, found out by the answers so far.
    """

    sources: Sources
    sink: Sink
    purse: Purse
    clean: Callable[[Completion], Completion]
    further: list[Progress] = field(default_factory=list)
    _waiting: dict[str, list[Progress]] = field(default_factory=dict)
    _held: dict[str, float | None] = field(default_factory=dict)

    def joins(self, asked: Question, progress: Progress) -> bool:
        """Let a trial wait; says whether its question was on its way already."""
        waiting = self._waiting.setdefault(asked.key, [])
        waiting.append(progress)
        return len(waiting) > 1

    def start(self, key: str, most: float | None) -> None:
        """Count a question that is about to be sent, and hold back what it may cost.

        Raises:
            BudgetSpentError: It must not be sent; its trials wait no longer.
        """
        try:
            self.purse.start(most)
        except Exception:
            del self._waiting[key]
            raise
        self._held[key] = most

    async def answer(self, answers: Sequence[tuple[Question, Completion]]) -> None:
        """Take answers, keep them, and carry their trials on."""
        taken: list[tuple[Progress, Completion, Origin]] = []
        for asked, said in answers:
            completion = self.clean(said)
            self.purse.release(self._held.pop(asked.key, None))
            self.purse.paid(completion.cost, asked.model.label)
            self.sources.keep(asked, completion)
            first, *rest = self._waiting.pop(asked.key, [None])
            if first is not None:
                taken.append((first, completion, "live"))
            taken += [(one, completion, "cached") for one in rest if one is not None]
        self.sources.write()
        for start in range(0, len(taken), _JUDGED_AT_ONCE):
            some = taken[start : start + _JUDGED_AT_ONCE]
            await asyncio.gather(*(_score(*one) for one in some))
            for progress, _completion, _origin in some:
                self._go_on(progress)

    def fail(self, key: str, error: ProviderError) -> None:
        """End the trials that wait for a question."""
        self.purse.release(self._held.pop(key, None))
        for number, progress in enumerate(self._waiting.pop(key, ())):
            stage = progress.stage
            if stage is not None:
                failure = failure_of(error, progress.trial.planned_arm.at)
                progress.fail(stage, failure, 0 if number else 1)
            self.sink(progress.trial.index, progress.result())

    def _go_on(self, progress: Progress) -> None:
        if advance(progress, self.sources) and not refuse(progress, self.sources):
            self.further.append(progress)
            return
        self.sink(progress.trial.index, progress.result())


async def _score(progress: Progress, completion: Completion, origin: Origin) -> None:
    attempts = 1 if origin == "live" else 0
    stage = progress.stage
    if stage is not None and takes_long(stage.ready, completion):
        await asyncio.to_thread(progress.answer, completion, origin, attempts)
    else:
        progress.answer(completion, origin, attempts)
