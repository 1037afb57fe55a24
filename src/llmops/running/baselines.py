"""Trials in, baselines out, and back: what was approved of beside what a run answered."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from llmops.domain.baseline import (
    Approval,
    ApprovedAnswer,
    ApprovedSample,
    ApprovedScore,
    Baseline,
    question_key,
)
from llmops.domain.completion import Completion, Request, output_text
from llmops.domain.run import Arm, Exchange, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.domain.suite import Suite
from llmops.location import Location
from llmops.running.planning.trial import PlannedTrial

Clean = Callable[[str], str]
"""Takes secrets out of a text."""
_WORST: Final[tuple[Status, ...]] = ("error", "unscored", "skipped", "failed", "passed")
_DECIMALS: Final = 6


class Candidate(Struct, frozen=True, kw_only=True):
    """What a run answered to one question.

    Attributes:
        title: The question in one line.
        at: Where the case stands.
        status: The worst of its samples'.
        baseline: What would be approved of; None when a sample has no verdict.
    """

    key: str
    title: str
    at: Location
    status: Status
    baseline: Baseline | None


def key_of(trial: TrialResult, suites: Mapping[str, Suite], swept: Collection[str] = ()) -> str:
    """The key of the question that a trial answers; all samples of a question have one.

    Args:
        trial: From any run.
        suites: The project's, by name; the parameters that they set belong to the question.
        swept: Names of the parameters that the command line set.
    """
    asked = _asked(trial.arm, suites.get(trial.suite), swept)
    return question_key(
        trial.suite, trial.case, trial.case_hash, trial.arm.prompt, trial.arm.model, asked
    )


def planned_key(trial: PlannedTrial) -> str:
    """The key of the question that a planned trial asks, when nothing was swept."""
    arm = trial.planned_arm.arm
    asked = _asked(arm, trial.suite, ())
    return question_key(
        trial.suite.name, trial.case.id, trial.case_hash, arm.prompt, arm.model, asked
    )


def approved_trials(
    trials: Iterable[TrialResult],
    baselines: Mapping[str, Baseline],
    suites: Mapping[str, Suite],
    swept: Collection[str] = (),
) -> Iterator[TrialResult]:
    """The approved side of a run: for each question of the trials, the samples of its baseline.

    They pair with the trials by suite, case, case hash, sample and model. A question without a
    baseline has none.

    Args:
        trials: Of the run that is to be compared.
        baselines: By key.
        suites: The project's, by name.
        swept: Names of the parameters that the command line set.
    """
    seen: set[str] = set()
    for trial in trials:
        key = key_of(trial, suites, swept)
        if key not in seen and key in baselines:
            yield from trials_of(baselines[key], suite_path=trial.suite_path, at=trial.at)
        seen.add(key)


def trials_of(
    baseline: Baseline, *, suite_path: str = "", at: Location | None = None
) -> tuple[TrialResult, ...]:
    """A baseline as trials, one a sample: outputs and scores, without cost, tokens and time."""
    return tuple(
        TrialResult(
            id=f"{baseline.key}-{number}",
            suite=baseline.suite,
            suite_path=suite_path,
            case=baseline.case,
            case_hash=baseline.case_hash,
            arm=Arm(
                prompt=baseline.prompt,
                model=baseline.model,
                version=baseline.version,
                content_hash=baseline.content_hash,
                parameters=baseline.parameters,
            ),
            sample=number,
            status=sample.status,
            at=at or Location(baseline.file),
            exchanges=tuple(_exchange_of(one, baseline.model_name) for one in sample.answers),
        )
        for number, sample in enumerate(baseline.samples)
    )


def candidates_of(
    trials: Iterable[TrialResult],
    suites: Mapping[str, Suite],
    approval: Approval,
    clean: Clean,
) -> list[Candidate]:
    """What the trials of a run would be as baselines, in the order of the run.

    Args:
        trials: Every sample of each question, in any order.
        suites: The project's, by name.
        approval: Who would approve of them.
        clean: Takes secrets out of what is kept.
    """
    questions: dict[str, list[TrialResult]] = {}
    for trial in trials:
        questions.setdefault(key_of(trial, suites), []).append(trial)
    return [
        _candidate(key, sorted(answered, key=_number), suites, approval, clean)
        for key, answered in questions.items()
    ]


def same_but_approval(kept: Baseline, now: Baseline) -> bool:
    """Whether two baselines differ in nothing but who approved of them, and when."""
    return _without_approval(kept) == _without_approval(now)


def _candidate(
    key: str,
    trials: Sequence[TrialResult],
    suites: Mapping[str, Suite],
    approval: Approval,
    clean: Clean,
) -> Candidate:
    first = trials[0]
    status = min((trial.status for trial in trials), key=_WORST.index)
    samples = tuple(sample for trial in trials if (sample := _sample(trial, clean)) is not None)
    baseline = Baseline(
        suite=first.suite,
        case=first.case,
        case_hash=first.case_hash,
        prompt=first.arm.prompt,
        model=first.arm.model,
        asked=_asked(first.arm, suites.get(first.suite), ()),
        parameters=dict(first.arm.parameters),
        version=first.arm.version,
        content_hash=first.arm.content_hash,
        model_name=_model_name(first),
        approval=approval,
        samples=samples,
    )
    return Candidate(
        key=key,
        title=baseline.title,
        at=first.at,
        status=status,
        baseline=baseline if len(samples) == len(trials) else None,
    )


def _asked(arm: Arm, suite: Suite | None, swept: Collection[str]) -> dict[str, object]:
    names = {*(suite.parameters if suite is not None else ()), *swept}
    return {name: value for name, value in arm.parameters.items() if name in names}


def _number(trial: TrialResult) -> int:
    return trial.sample


def _model_name(trial: TrialResult) -> str | None:
    found = (e.request.model for e in trial.exchanges if e.request is not None)
    return next((name for name in found if name), None)


def _sample(trial: TrialResult, clean: Clean) -> ApprovedSample | None:
    if trial.status not in {"passed", "failed"}:
        return None
    answers = tuple(_answer(exchange, clean) for exchange in trial.exchanges)
    return ApprovedSample(
        status="passed" if trial.status == "passed" else "failed", answers=answers
    )


def _answer(exchange: Exchange, clean: Clean) -> ApprovedAnswer:
    said = exchange.completion
    return ApprovedAnswer(
        output=clean(output_text(said)) if said is not None else "",
        name=exchange.name,
        model=said.model if said is not None else None,
        scores=tuple(_score(entry, clean) for entry in exchange.scores),
    )


def _score(entry: AssertionScore, clean: Clean) -> ApprovedScore:
    return ApprovedScore(
        label=clean(entry.label),
        scorer=entry.scorer,
        status=entry.score.status,
        value=round(float(entry.score.value), _DECIMALS),
        metric=entry.metric,
        weight=float(entry.weight),
        soft=entry.soft,
    )


def _exchange_of(answer: ApprovedAnswer, asked: str | None) -> Exchange:
    """What was sent is not kept, but for the name of the model that was asked."""
    return Exchange(
        name=answer.name,
        request=Request(model=asked, messages=()) if asked is not None else None,
        completion=Completion(text=answer.output, model=answer.model),
        origin="recorded",
        scores=tuple(
            AssertionScore(
                label=score.label,
                scorer=score.scorer,
                score=Score(status=score.status, value=score.value, reason=score.status),
                at=None,
                metric=score.metric,
                weight=score.weight,
                soft=score.soft,
            )
            for score in answer.scores
        ),
    )


def _without_approval(baseline: Baseline) -> tuple[object, ...]:
    return (
        baseline.key,
        baseline.version,
        baseline.content_hash,
        baseline.model_name,
        dict(baseline.parameters),
        baseline.samples,
    )
