"""A planned trial: one case × one arm × one sample number, ready to be carried out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.domain.run import Arm, Exchange, Failure, Status, TrialResult
from llmops.domain.suite import Case, Suite
from llmops.location import Location
from llmops.scoring.assess import ReadyAssertion


class Stage(Protocol):
    """One request of a trial: the whole of it, a turn of a conversation, or a step of a chain.

    Attributes:
        name: The turn or step; empty for a trial of one request.
        ready: What is asserted of the answer.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - said above

    @property
    def ready(self) -> tuple[ReadyAssertion, ...]: ...  # noqa: D102 - said above

    def request(self, done: Sequence[Exchange]) -> Request | None:
        """What to ask, given what was said before; None when a target is called.

        Raises:
            LlmopsError: It cannot be made from what was said before.
        """
        ...

    def inputs(self) -> Mapping[str, object] | None:
        """What to call a target with; None for a model."""
        ...


class Single(Struct, frozen=True, kw_only=True, gc=False):  # nothing it holds leads back to it
    """The only request of a trial, rendered before the first call."""

    whole: Request
    ready: tuple[ReadyAssertion, ...]
    name: str = ""

    def request(self, done: Sequence[Exchange]) -> Request:
        """The request itself."""
        del done
        return self.whole

    def inputs(self) -> None:
        """A model is asked, no target."""


class TurnStage(Struct, frozen=True, kw_only=True):
    """A turn: all that was said so far, and what the user says now."""

    opening: Request
    user: str
    ready: tuple[ReadyAssertion, ...]
    name: str

    def request(self, done: Sequence[Exchange]) -> Request:
        """The opening messages, every exchange before, and this turn's words."""
        messages = list(self.opening.messages)
        if done and done[-1].request is not None and done[-1].completion is not None:
            messages = list(done[-1].request.messages)
            messages.append({"role": "assistant", "content": done[-1].completion.text})
        messages.append({"role": "user", "content": self.user})
        return with_messages(self.opening, messages)

    def inputs(self) -> None:
        """A model is asked, no target."""


class StepStage(Struct, frozen=True, kw_only=True):
    """A step of a chain; its prompt is rendered when the steps before it have answered."""

    name: str
    ready: tuple[ReadyAssertion, ...]
    render: Callable[[Sequence[Exchange]], Request]

    def request(self, done: Sequence[Exchange]) -> Request:
        """The step's prompt with the outputs before it as inputs."""
        return self.render(done)

    def inputs(self) -> None:
        """A model is asked, no target."""


class TargetStage(Struct, frozen=True, kw_only=True):
    """A call of the application under test."""

    values: Mapping[str, object]
    ready: tuple[ReadyAssertion, ...]
    name: str = ""

    def request(self, done: Sequence[Exchange]) -> None:
        """A target is called, no model."""

    def inputs(self) -> Mapping[str, object]:
        """The case's inputs."""
        return self.values


class BrokenStage(Struct, frozen=True, kw_only=True):
    """A request that cannot be made; the trial ends as an error and the next one runs."""

    failure: Failure
    name: str = ""
    ready: tuple[ReadyAssertion, ...] = ()

    def request(self, done: Sequence[Exchange]) -> None:
        """There is none."""

    def inputs(self) -> None:
        """There are none."""


class PlannedArm(Struct, frozen=True, kw_only=True):
    """An arm with the model that answers for it.

    Attributes:
        model: None for a target.
        at: Where the model, or the target, is named.
    """

    arm: Arm
    model: Model | None
    at: Location


class PlannedTrial(Struct, frozen=True, kw_only=True, gc=False):  # as above
    """One case × one arm × one sample number.

    Attributes:
        index: The place in the plan, from 0; reports keep this order.
        id: 16 hex digits, the same for the same suite, case, arm and sample in every run.
        case_hash: 12 hex digits of what the case asks.
        stages: At least one, or none for a case that is skipped.
        quarantined: Until when and why a failure is excused; None: it is not.
    """

    index: int
    id: str
    suite: Suite
    case: Case
    case_hash: str
    planned_arm: PlannedArm
    sample: int
    stages: tuple[Stage, ...]
    quarantined: str | None = None

    def result(self, exchanges: Sequence[Exchange]) -> TrialResult:
        """The trial as it ended with these exchanges."""
        return TrialResult(
            id=self.id,
            suite=self.suite.name,
            suite_path=self.suite.path,
            case=self.case.id,
            case_hash=self.case_hash,
            arm=self.planned_arm.arm,
            sample=self.sample,
            status=status_of(exchanges, skipped=self.case.skip is not None),
            at=self.case.at,
            inputs=self.case.inputs,
            tags=self.case.tags,
            exchanges=tuple(exchanges),
            reason=self.case.skip,
            cluster=self.case.cluster,
            quarantined=self.quarantined,
        )


def status_of(exchanges: Sequence[Exchange], *, skipped: bool = False) -> Status:
    """How a trial ended.

    A hard failure outweighs a score that is missing. A trial that nothing hard was asserted of is
    unscored: it must not look like a pass.
    """
    if skipped:
        return "skipped"
    if not exchanges or any(exchange.failure is not None for exchange in exchanges):
        return "error"
    statuses = {
        score.score.status for exchange in exchanges for score in exchange.scores if not score.soft
    }
    if "failed" in statuses:
        return "failed"
    return "passed" if statuses == {"passed"} else "unscored"


def with_messages(request: Request, messages: Sequence[Mapping[str, object]]) -> Request:
    """The same request with other messages."""
    return Request(
        model=request.model,
        messages=tuple(messages),
        parameters=request.parameters,
        tools=request.tools,
        tool_choice=request.tool_choice,
        response_format=request.response_format,
    )
