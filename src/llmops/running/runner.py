"""A plan carried out: what is known is scored at once, what is not is asked of providers."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.domain.run import Exchange, Failure, Origin, TrialResult
from llmops.domain.suite import Target
from llmops.errors import LlmopsError, ProviderError
from llmops.location import Location
from llmops.providers.base import Provider, TargetProvider
from llmops.providers.recorded import missing_recording
from llmops.running.planning.plan import Plan
from llmops.running.planning.trial import BrokenStage, PlannedTrial, Stage
from llmops.running.sources import Found, Question, Sources, question
from llmops.running.stop import Stop
from llmops.scoring.assess import assess

_CHUNK = 256
"""So many trials are looked up at a time."""

Sink = Callable[[int, TrialResult], None]
"""Takes each finished trial, with its place in the plan; keeps it before anybody sees it."""


class Asker(Protocol):
    """Asks providers for what is not known: the live half of the runner."""

    def finish(self, waiting: Iterator["Progress"]) -> None:
        """Carry every trial to its end, and hand it to the sink."""
        ...


class Carriers(Struct, frozen=True, kw_only=True):
    """Opens what carries requests; each is opened once, when it is first needed.

    Attributes:
        provider: Opens the provider of a model.
        target: Opens a suite's target.
    """

    provider: Callable[[Model], Provider]
    target: Callable[[Target], TargetProvider]


class Progress(Struct, kw_only=True):
    """A trial under way.

    Attributes:
        done: The exchanges so far.
        asked: The request that waits for an answer; None when a target is to be called.
    """

    trial: PlannedTrial
    done: list[Exchange] = field(default_factory=list)
    asked: Question | None = None

    @property
    def stage(self) -> Stage | None:
        """The stage that is next; None when the trial has come to its end."""
        if self.done and self.done[-1].failure is not None:
            return None
        number = len(self.done)
        return self.trial.stages[number] if number < len(self.trial.stages) else None

    def result(self) -> TrialResult:
        """The trial as it ended."""
        return self.trial.result(self.done)

    def prepare(self) -> bool:
        """Make the next request.

        Returns:
            Whether there is something to ask; if not, the trial has come to its end.
        """
        stage = self.stage
        self.asked = None
        if stage is None:
            return False
        if isinstance(stage, BrokenStage):
            self.done.append(Exchange(name=stage.name, failure=stage.failure))
            return False
        model = self.trial.planned_arm.model
        if model is None:
            return True
        try:
            request = stage.request(self.done)
        except LlmopsError as error:
            self.fail(stage, _of_fault(error))
            return False
        if request is not None:
            self.asked = question(self.trial.suite.name, request, self.trial.sample, model)
        return True

    def answer(self, completion: Completion, origin: Origin, attempts: int = 0) -> None:
        """Take the answer to what was asked, and score it."""
        stage = self.stage
        if stage is None:
            return
        case = self.trial.case
        self.done.append(
            Exchange(
                name=stage.name,
                digest=self.asked.digest if self.asked else "",
                request=self.asked.request if self.asked else None,
                inputs=stage.inputs(),
                completion=completion,
                origin=origin,
                scores=assess(stage.ready, completion, case.inputs, case.row),
                attempts=attempts,
            )
        )

    def fail(self, stage: Stage, failure: Failure, attempts: int = 0) -> None:
        """Take the failure of what was asked; the trial ends with it."""
        self.done.append(
            Exchange(
                name=stage.name,
                digest=self.asked.digest if self.asked else "",
                request=self.asked.request if self.asked else None,
                inputs=stage.inputs(),
                failure=failure,
                attempts=attempts,
            )
        )


class Runner(Struct, kw_only=True):
    """Carries out plans.

    Attributes:
        asker: Made only when something has to be asked, for it is heavy.
    """

    sources: Sources
    sink: Sink
    stop: Stop
    asker: Callable[[], Asker]

    def run(self, plan: Plan, finished: Callable[[str], bool] = lambda _id: False) -> None:
        """Carry out every trial that is not finished yet.

        Args:
            plan: What to do.
            finished: Whether the trial of an id was carried out before, in a run that is resumed.
        """
        todo = (trial for trial in plan.trials() if not finished(trial.id))
        waiting = self._known(todo)
        first = next(waiting, None)
        if first is not None:
            self.asker().finish(_with(first, waiting))

    def _known(self, trials: Iterator[PlannedTrial]) -> Iterator[Progress]:
        """Finish what needs nobody; yield the rest."""
        while chunk := list(islice(trials, _CHUNK)):
            if self.stop.reason is not None:
                return
            yield from self._look_up([Progress(trial=trial) for trial in chunk])

    def _look_up(self, chunk: Sequence[Progress]) -> Iterator[Progress]:
        open_ = [progress for progress in chunk if progress.prepare()]
        asked = [progress for progress in open_ if progress.asked is not None]
        found = self.sources.find_many([p.asked for p in asked if p.asked is not None])
        known = {id(p): f for p, f in zip(asked, found, strict=True) if f is not None}
        for progress in chunk:
            if self.stop.reason is not None:
                return
            if id(progress) in known:
                first = known[id(progress)]
                progress.answer(first.completion, first.origin)
                waits = advance(progress, self.sources)
            else:
                waits = progress.stage is not None
            if waits and not refuse(progress, self.sources):
                yield progress
                continue
            self.sink(progress.trial.index, progress.result())


def advance(progress: Progress, sources: Sources) -> bool:
    """Go on through the stages as far as recordings and the cache know the answers.

    Returns:
        Whether the trial waits for somebody to be asked.
    """
    while progress.prepare():
        if progress.asked is None:
            return True
        found: Found | None = sources.find_many([progress.asked])[0]
        if found is None:
            return True
        progress.answer(found.completion, found.origin)
    return False


def refuse(progress: Progress, sources: Sources) -> bool:
    """End a trial whose request is not recorded, if nobody may be asked for it.

    Returns:
        Whether it was ended.
    """
    stage, asked = progress.stage, progress.asked
    if stage is None:
        return False
    if asked is None:
        if not sources.replay:
            return False
        progress.fail(stage, _no_target(progress.trial.planned_arm.at))
        return True
    if not sources.replay and asked.model.via != "recorded":
        return False
    error = missing_recording(sources.recordings(asked.suite), asked.request, asked.sample)
    progress.fail(stage, failure_of(error, progress.trial.planned_arm.at))
    return True


def failure_of(error: ProviderError, at: Location) -> Failure:
    """A provider's error as a trial keeps it, placed where the user named the model."""
    fault = error.faults[0]
    return Failure(
        kind=error.kind,
        message=error.message,
        status=error.status,
        at=fault.at or at,
        hint=error.hint,
    )


def _no_target(at: Location) -> Failure:
    return Failure(
        kind="no_recording",
        message="a target is not recorded, so it cannot be replayed",
        at=at,
        hint="leave out --replay, or deselect the suite",
    )


def _of_fault(error: LlmopsError) -> Failure:
    fault = error.faults[0]
    return Failure(kind=fault.code, message=fault.message, at=fault.at, hint=fault.hint)


def _with(first: Progress, rest: Iterator[Progress]) -> Iterator[Progress]:
    yield first
    yield from rest
