"""What went wrong with a trial, in the parts that every report shows."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Final

from msgspec import Struct

from llmops.domain.completion import as_text, output_text
from llmops.domain.run import Arm, Exchange, Failure, Status, TrialResult
from llmops.domain.score import AssertionScore
from llmops.location import Location
from llmops.reporting.encoders import one_line

_LONGEST_WORDS: Final = 2_000
_LONGEST_OUTPUT: Final = 16_000


class Complaint(Struct, frozen=True, kw_only=True):
    """One reason why a trial did not pass.

    Attributes:
        label: The assertion in short, or the kind of failure; with the turn or step before it.
        reason: Why, at most 2,000 characters.
        at: Where to look.
        hint: What to do about it.
    """

    label: str
    reason: str
    at: Location
    hint: str | None = None


class Problem(Struct, frozen=True, kw_only=True):
    """A trial that did not pass, without the weight of its messages.

    Attributes:
        complaints: Never empty.
        output: The first 16,000 characters of what was judged; None when nothing came back.
        output_length: Characters of the whole of it.
        quarantined: Until when and why it is excused; None: it counts.
    """

    status: Status
    suite: str
    case: str
    sample: int
    arm: Arm
    complaints: tuple[Complaint, ...]
    output: str | None
    output_length: int
    quarantined: str | None = None

    @property
    def at(self) -> Location:
        """Where to look first."""
        return self.complaints[0].at


def problem_of(trial: TrialResult) -> Problem:
    """Tell what went wrong with a trial that did not pass."""
    complaints = tuple(_complaints(trial)) or (_silent(trial),)
    output = judged_output(trial)
    return Problem(
        status=trial.status,
        suite=trial.suite,
        case=trial.case,
        sample=trial.sample,
        arm=trial.arm,
        complaints=complaints,
        output=None if output is None else output[:_LONGEST_OUTPUT],
        output_length=len(output or ""),
        quarantined=trial.quarantined if trial.excused else None,
    )


def rerun_command(problem: Problem) -> str:
    """The command that runs just the case of a problem, to be pasted into a shell."""
    words = ["llmops", "test", f"{problem.suite}::{problem.case}"]
    words += ["--model", problem.arm.model] if problem.arm.model else []
    return " ".join(quote(one_line(word)) for word in words)


def judged_output(trial: TrialResult) -> str | None:
    """The output of the first exchange that did not pass, or of the last one if all did.

    Returns:
        Text; None when that exchange has no completion.
    """
    wrong = (exchange for exchange in trial.exchanges if _is_wrong(exchange))
    exchange = next(wrong, trial.exchanges[-1] if trial.exchanges else None)
    if exchange is None or exchange.completion is None:
        return None
    return output_text(exchange.completion)


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Parameters in one line, such as `temperature=0.7`."""
    return ", ".join(f"{name}={as_text(value)}" for name, value in parameters.items())


def cut(text: str, limit: int = _LONGEST_WORDS) -> str:
    """At most `limit` characters; an ellipsis at the end says that there was more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_wrong(exchange: Exchange) -> bool:
    return exchange.failure is not None or any(_counts(score) for score in exchange.scores)


def _counts(entry: AssertionScore) -> bool:
    return not entry.soft and entry.score.status != "passed"


def _complaints(trial: TrialResult) -> Iterator[Complaint]:
    for exchange in trial.exchanges:
        before = f"{exchange.name}: " if exchange.name else ""
        if exchange.failure is not None:
            yield _of_failure(exchange.failure, before, trial)
        for entry in exchange.scores:
            if _counts(entry):
                yield _of_score(entry, before, trial)


def _of_failure(failure: Failure, before: str, trial: TrialResult) -> Complaint:
    status = f" ({failure.status})" if failure.status is not None else ""
    return Complaint(
        label=f"{before}{failure.kind}{status}",
        reason=cut(failure.message),
        at=failure.at or trial.at,
        hint=cut(failure.hint) if failure.hint else None,
    )


def _of_score(entry: AssertionScore, before: str, trial: TrialResult) -> Complaint:
    unscored = "could not be judged: " if entry.score.status == "unscored" else ""
    return Complaint(
        label=cut(f"{before}{entry.label}"),
        reason=cut(f"{unscored}{entry.score.reason}"),
        at=entry.at or trial.at,
    )


def _silent(trial: TrialResult) -> Complaint:
    return Complaint(label=trial.status, reason=cut(trial.reason or ""), at=trial.at)
