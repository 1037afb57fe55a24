"""Trials, attempts and a run in, OpenTelemetry's spans out."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from llmops.domain.attempt import MadeAttempt
from llmops.domain.run import Failure, RunHeader
from llmops.telemetry.attributes import (
    Attributes,
    Clean,
    of_attempt,
    of_run,
    of_score,
    of_trial,
    of_verdict,
    redacted,
)
from llmops.telemetry.content import content_of
from llmops.telemetry.trace import Ended, Over


def trace_id_of(run: str) -> int:
    """The trace's id of a run: the first 128 bits of the SHA-256 of the run's id."""
    return int.from_bytes(hashlib.sha256(run.encode()).digest()[:16])


@dataclass(slots=True, kw_only=True)
class SpanMaker:
    """Makes the spans of one run.

    Attributes:
        began: The clock's seconds when the run began.
        epoch: Turns the clock's seconds into nanoseconds since 1970.
        clean: Takes secrets out of a text.
        content: Whether the words of prompts and completions are wanted.
    """

    header: RunHeader
    resource: Resource
    began: float
    epoch: Callable[[float], int]
    clean: Clean
    content: bool = False
    _made: int = 0
    _root: SpanContext = field(init=False)
    _scope: InstrumentationScope = field(init=False)

    def __post_init__(self) -> None:
        self._root = self._context()
        self._scope = InstrumentationScope("llmops", self.header.versions.get("llmops"))

    def of_run(self, over: Over) -> ReadableSpan:
        """The span of the whole run, which all others stand below."""
        verdict = over.verdict
        green = verdict is not None and verdict.exit_code in {0, 1}
        return self._span(
            _Frame(name="run", context=self._root, began=self.began, ended=over.ended),
            {**of_run(self.header), **(of_verdict(verdict) if verdict is not None else {})},
            status=Status() if green else Status(StatusCode.ERROR),
        )

    def of_trial(self, ended: Ended) -> Iterator[ReadableSpan]:
        """The spans of a trial and of each attempt in it."""
        context = self._root
        trial = ended.trial
        if trial is not None:
            context = self._context()
            failure = trial.failure
            scores = tuple(
                Event(
                    "gen_ai.evaluation.result",
                    redacted(of_score(score, content=self.content), self.clean),
                    self.epoch(ended.ended),
                )
                for score in trial.scores
            )
            yield self._span(
                _Frame(
                    name=f"trial {trial.suite}",
                    context=context,
                    parent=self._root,
                    began=ended.began,
                    ended=ended.ended,
                ),
                of_trial(trial),
                status=Status() if failure is None else self._error(failure),
                events=scores,
            )
        for attempt in ended.attempts:
            yield self._of_attempt(attempt, context)

    def _of_attempt(self, attempt: MadeAttempt, parent: SpanContext) -> ReadableSpan:
        attributes = of_attempt(attempt)
        if self.content:
            attributes |= content_of(attempt)
        model = attributes.get("gen_ai.request.model")
        return self._span(
            _Frame(
                name=f"chat {model}" if model is not None else f"target {attempt.target}",
                context=self._context(),
                parent=parent,
                began=attempt.began,
                ended=attempt.ended,
            ),
            attributes,
            kind=SpanKind.CLIENT,
            status=Status() if attempt.failure is None else self._error(attempt.failure),
        )

    def _error(self, failure: Failure) -> Status:
        """What a provider says may quote what it was sent, so without content only the kind."""
        words = f"{failure.kind}: {failure.message}" if self.content else failure.kind
        return Status(StatusCode.ERROR, self.clean(words))

    def _context(self) -> SpanContext:
        """The next span's ids; a run that is gone on with makes none of them again."""
        self._made += 1
        seed = f"{self.header.id} {self.epoch(self.began)} {self._made}"
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(trace_id_of(self.header.id), number, is_remote=False, trace_flags=flags)

    def _span(
        self,
        frame: "_Frame",
        attributes: Attributes,
        *,
        status: Status,
        kind: SpanKind = SpanKind.INTERNAL,
        events: tuple[Event, ...] = (),
    ) -> ReadableSpan:
        return ReadableSpan(
            name=self.clean(frame.name),
            context=frame.context,
            parent=frame.parent,
            resource=self.resource,
            attributes=redacted(attributes, self.clean),
            events=events,
            kind=kind,
            status=status,
            start_time=self.epoch(frame.began),
            end_time=self.epoch(frame.ended),
            instrumentation_scope=self._scope,
        )


class _Frame(Struct, frozen=True, kw_only=True):
    """Which span it is, and where it stands; its seconds are the clock's."""

    name: str
    context: SpanContext
    parent: SpanContext | None = None
    began: float
    ended: float
