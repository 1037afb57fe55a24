"""Scorers of what a completion took: time, money, tokens, and how it ended."""

import difflib
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from llmops.domain.completion import Usage
from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.loading.shapes import Duration, entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer

Which = Literal["output", "input", "total"]

_FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")


@scorer(
    "max_latency",
    primary="limit",
    on="latency",
    examples=(
        ScorerExample(arguments="5s", output="", passes=True, completion={"latency": 1.2}),
        ScorerExample(arguments="800ms", output="", passes=False, completion={"latency": 1.2}),
        ScorerExample(arguments="2", output="", passes=True, completion={"latency": 2.0}),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxLatency:
    """Passes when the completion took no longer than the limit.

    The time is that from sending the request to its last byte, of the attempt that succeeded. For
    a completion that is recorded or cached it is the time measured when it was made, not the time
    of looking it up. A batch's is not known, so it is unscored. Write `200ms`, `5s`, `2m`, or a number of seconds.
    """

    slow: ClassVar[bool] = False

    limit: Duration = entry("The longest time that passes; more than 0.")

    def __post_init__(self) -> None:
        if self.limit <= 0:
            raise ArgumentError("nothing takes no time at all", key="limit")

    def score(self, subject: Subject) -> Score:
        """Compare."""
        took = subject.completion.latency
        if not math.isfinite(took) or took <= 0:
            raise CannotScoreError("nobody knows how long the completion took")
        return Score.of(took <= self.limit, f"took {took:.6g} s of {self.limit:g} s allowed")


@scorer(
    "max_cost",
    primary="limit",
    on="cost",
    examples=(
        ScorerExample(arguments="0.01", output="", passes=True, completion={"cost": 0.002}),
        ScorerExample(arguments="0.001", output="", passes=False, completion={"cost": 0.002}),
        ScorerExample(arguments="0", output="", passes=True, completion={"cost": 0.0}),
        ScorerExample(arguments="0.01", output="", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCost:
    """Passes when the completion cost no more than the limit, in US dollars.

    The cost is that of when the completion was made, be it recorded or cached since. A cost that
    nobody knows leaves the assertion unscored; give the model a `price` in `llmops.yaml`.
    """

    slow: ClassVar[bool] = False

    limit: float = entry("The most that passes, in US dollars.", minimum=0)

    def score(self, subject: Subject) -> Score:
        """Compare."""
        cost = subject.completion.cost
        if cost is None or not math.isfinite(cost):
            raise CannotScoreError("nobody knows what the completion cost")
        return Score.of(cost <= self.limit, f"cost ${cost:.6g} of ${self.limit:g} allowed")


@scorer(
    "max_tokens",
    primary="limit",
    on="usage",
    examples=(
        ScorerExample(
            arguments="200", output="", passes=True, completion={"usage": {"output": 120}}
        ),
        ScorerExample(
            arguments="100", output="", passes=False, completion={"usage": {"output": 120}}
        ),
        ScorerExample(
            arguments="{limit: 300, which: total}",
            output="",
            passes=False,
            completion={"usage": {"input": 200, "output": 120}},
        ),
        ScorerExample(arguments="100", output="", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxTokens:
    """Passes when the completion used no more tokens than the limit.

    `which` says which tokens: those of the output (reasoning included), of the input (cached ones
    included), or the total of both. They are as the provider counted them; where the count is our
    estimate, the reason says so. A count that nobody knows leaves the assertion unscored.
    """

    slow: ClassVar[bool] = False

    limit: int = entry("The most tokens that pass.", minimum=1)
    which: Which = entry("`output` (the default), `input` or `total`.", default="output")

    def score(self, subject: Subject) -> Score:
        """Compare."""
        usage = subject.completion.usage
        number = _tokens(usage, self.which)
        if number is None:
            raise CannotScoreError(f"nobody counted the {self.which} tokens")
        estimated = " (estimated)" if usage.source == "estimated" else ""
        words = f"{number:,} {self.which} tokens{estimated} of {self.limit:,} allowed"
        return Score.of(number <= self.limit, words)


@scorer(
    "finish_reason",
    primary="reason",
    on="finish_reason",
    examples=(
        ScorerExample(
            arguments="stop", output="", passes=True, completion={"finish_reason": "stop"}
        ),
        ScorerExample(
            arguments="stop", output="", passes=False, completion={"finish_reason": "length"}
        ),
        ScorerExample(
            arguments="[stop, tool_calls]",
            output="",
            passes=True,
            completion={"finish_reason": "tool_calls"},
        ),
        ScorerExample(arguments="stop", output="", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReason:
    """Passes when the completion ended for the reason, or for one of several.

    Reasons are `stop`, `length`, `tool_calls`, `content_filter`, or a provider's own word, compared
    without case. A word that is nearly one of these is refused as misspelt. A completion without a
    reason leaves the assertion unscored.
    """

    slow: ClassVar[bool] = False

    reason: str | tuple[str, ...] = entry("The reason, or a list of which one will do.")

    def __post_init__(self) -> None:
        if not self._reasons or not all(self._reasons):
            raise ArgumentError("no reason is given", key="reason", hint="write one such as 'stop'")
        for reason in self._reasons:
            near = difflib.get_close_matches(reason, _FINISH_REASONS, n=1, cutoff=0.8)
            if near and reason not in _FINISH_REASONS:
                message = f"'{reason}' is not a reason to finish"
                raise ArgumentError(message, key="reason", hint=f"did you mean '{near[0]}'?")

    @property
    def _reasons(self) -> tuple[str, ...]:
        given = (self.reason,) if isinstance(self.reason, str) else self.reason
        return tuple(reason.strip().casefold() for reason in given)

    def score(self, subject: Subject) -> Score:
        """Compare."""
        reason = subject.completion.finish_reason
        if not reason:
            raise CannotScoreError("the provider gave no finish reason")
        return Score.of(reason.casefold() in self._reasons, f"the finish reason is '{reason}'")


def _tokens(usage: Usage, which: Which) -> int | None:
    if which == "output":
        return usage.output
    if which == "input":
        return usage.input
    if usage.input is None or usage.output is None:
        return None
    return usage.input + usage.output
