"""A run: all trials of one invocation, with their outcomes."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from llmops.domain.completion import Completion, Request
from llmops.domain.score import AssertionScore
from llmops.location import Location

Status = Literal["passed", "failed", "error", "unscored", "skipped"]
"""How a trial ended: `error` has no completion, `unscored` has one that could not be judged."""

Origin = Literal["live", "cached", "recorded"]
"""Where a completion came from."""


class Arm(Struct, frozen=True, kw_only=True):
    """A prompt version × a model × parameters.

    Attributes:
        prompt: The prompt's name, with `@REF` when one was given; a target's label for a target.
        version: The version the author claims.
        content_hash: 12 hex digits of the prompt's content; None for a target.
        model: The model's label; empty for a target.
        parameters: As sent.
    """

    prompt: str
    model: str
    version: str | None = None
    content_hash: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The arm in one word."""
        return f"{self.prompt} × {self.model}" if self.model else self.prompt

    @property
    def answered_by(self) -> str:
        """Who answers: the model's label; the target's for a target."""
        return self.model or self.prompt


class Failure(Struct, frozen=True, kw_only=True):
    """Why a trial has no completion.

    Attributes:
        kind: A `ProviderErrorKind`, or `template` and the like for what failed before the call.
        message: In the provider's or our words.
        status: The HTTP status, if there was one.
        at: Where in the user's files to look, such as the model's line in the suite.
        hint: What to do about it.
    """

    kind: str
    message: str
    status: int | None = None
    at: Location | None = None
    hint: str | None = None


class Exchange(Struct, frozen=True, kw_only=True):
    """One request of a trial and what came of it: a turn, a step, or the whole trial.

    Attributes:
        name: The turn or step; empty for a trial of one request.
        digest: The request's digest, under which it is recorded and cached.
        request: What was sent; None for a target or when it could not be made.
        inputs: What a target was called with; None for a model.
        completion: What came back; None when there is a failure.
        origin: Where the completion came from.
        scores: One entry an assertion.
        attempts: Calls made for it now: 0 when nothing was asked of the provider.
    """

    name: str = ""
    digest: str = ""
    request: Request | None = None
    inputs: Mapping[str, object] | None = None
    completion: Completion | None = None
    origin: Origin = "live"
    scores: tuple[AssertionScore, ...] = ()
    failure: Failure | None = None
    attempts: int = 0


class TrialResult(Struct, frozen=True, kw_only=True):
    """One case × one arm × one sample number, carried out.

    Attributes:
        id: Stable: the same suite, case, arm and sample give the same id in every run.
        suite: The suite's name.
        suite_path: The suite's file.
        case: The case's id.
        case_hash: 12 hex digits of the case's inputs, by which runs are paired.
        sample: From 0.
        status: How it ended.
        at: Where the case stands.
        inputs: The case's inputs.
        reason: Why it was skipped, for a skipped one.
        cluster: Cases of one cluster count as one in statistics.
        quarantined: Until when and why a failure was excused when it ran; None: it was not.
    """

    id: str
    suite: str
    suite_path: str
    case: str
    case_hash: str
    arm: Arm
    sample: int
    status: Status
    at: Location
    inputs: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    reason: str | None = None
    cluster: str | None = None
    quarantined: str | None = None

    @property
    def excused(self) -> bool:
        """Whether it counts by itself, for it is quarantined and has a verdict.

        What has none is no waver of a model: it stays an error.
        """
        return self.quarantined is not None and self.status in {"passed", "failed"}

    @property
    def scores(self) -> tuple[AssertionScore, ...]:
        """The scores of all exchanges in order."""
        return tuple(score for exchange in self.exchanges for score in exchange.scores)

    @property
    def failure(self) -> Failure | None:
        """The first failure, if the trial has one."""
        return next((e.failure for e in self.exchanges if e.failure is not None), None)

    @property
    def completion(self) -> Completion | None:
        """The last completion, if there is one."""
        found = [e.completion for e in self.exchanges if e.completion is not None]
        return found[-1] if found else None

    @property
    def origin(self) -> Origin:
        """`live` if anything was asked for it, else where its last completion came from."""
        origins = [e.origin for e in self.exchanges if e.completion is not None or e.attempts]
        return "live" if "live" in origins or not origins else origins[-1]

    @property
    def answered(self) -> bool:
        """Whether somebody was asked for it, or it has a completion."""
        return any(e.completion is not None or e.attempts for e in self.exchanges)

    @property
    def value(self) -> float | None:
        """The weighted mean score, 0 to 1; None when nothing was scored or weighed."""
        scored = [s for s in self.scores if s.score.status != "unscored"]
        weight = sum(s.weight for s in scored)
        return sum(s.weight * s.score.value for s in scored) / weight if weight else None


class RunHeader(Struct, frozen=True, kw_only=True):
    """What a run set out to do.

    Attributes:
        id: Sortable by time: `20261121-034512-7c1e`.
        started: UTC, ISO 8601 with offset.
        planned: Trials, the skipped ones included.
        commit: The git commit checked out, if there is one.
        dirty: 12 hex digits of what differs from that commit; None for a clean tree.
        command: The arguments, as typed.
        selection: The SELECT arguments, as typed.
        prompts: Content hashes by prompt name.
        suites: SHA-256 (12 hex) of each suite's file, by name.
        models: Labels in the order of the plan.
        seed: Of every random choice.
        versions: llmops, Python and what matters else.
        untrusted: Whether the files came from somebody who must not run code here.
        options: What the plan was made from, so that the run can be resumed.
    """

    id: str
    started: str
    planned: int
    command: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    commit: str | None = None
    dirty: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    suites: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    untrusted: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


StoppedBy = Literal["budget", "fail_fast", "decided", "sigint", "sigterm", "sighup", "killed"]
"""What ended a run before all of its trials were done: `decided`, no further trial could change
what was asked of it; `killed` left no footer."""


class RunFooter(Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        finished: UTC, ISO 8601 with offset.
        duration: Seconds.
        stopped_by: None when every planned trial was carried out.
    """

    finished: str
    duration: float
    stopped_by: StoppedBy | None = None
