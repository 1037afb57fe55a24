"""A kept run held against the suites as they stand: whether its results may be approved of."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.run import RunHeader, TrialResult
from llmops.domain.suite import Suite
from llmops.errors import Fault, InvalidInputError
from llmops.location import Location
from llmops.running.baselines import key_of, planned_key
from llmops.running.keeping.store import KeptRun
from llmops.running.past.sameness import same_request
from llmops.running.planning.plan import Plan
from llmops.running.planning.trial import PlannedTrial

_MOST_FAULTS: Final = 20
_JUDGED: Final = frozenset({"passed", "failed"})
_AGAIN: Final = "run 'llmops test' again, or select what has not changed"


class Questions(Struct):
    """What the suites ask now, by key.

    Attributes:
        planned: The first sample of each question.
        samples: How many samples of each question the suites want.
    """

    planned: dict[str, PlannedTrial] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)


def questions_of(plan: Plan) -> Questions:
    """Every question of a plan."""
    found = Questions()
    for trial in plan.trials():
        key = planned_key(trial)
        found.planned.setdefault(key, trial)
        found.samples[key] = found.samples.get(key, 0) + 1
    return found


def check_whole(run: KeptRun, *, allow_cached: bool) -> None:
    """Refuse a run that shows nothing of how the model answers now.

    Args:
        run: The run.
        allow_cached: Take a run that asked nobody.

    Raises:
        InvalidInputError: It was untrusted (`untrusted-run`), was not finished (`partial-run`), or
            every completion of it came from the cache (`cached-run`).
    """
    id_ = run.header.id
    if run.header.untrusted:
        message, hint = f"the run {id_} was untrusted", "review the change, and run it trusted"
        raise InvalidInputError(message, code="untrusted-run", hint=hint)
    if run.stopped_by is not None or len(run.places) < run.header.planned:
        raise InvalidInputError(
            f"the run {id_} was not finished",
            code="partial-run",
            hint=f"finish it first: llmops test --resume {id_}",
        )
    if not allow_cached and _origins(run.trials()) == {"cached"}:
        raise InvalidInputError(
            f"every completion of the run {id_} came from the cache",
            code="cached-run",
            hint="run 'llmops test --fresh', or add --allow-cached",
        )


def check_fresh(
    header: RunHeader,
    trials: Iterable[TrialResult],
    questions: Questions,
    suites: Mapping[str, Suite],
    hashes: Mapping[str, str],
) -> None:
    """Refuse results of anything but what the suites ask now.

    Args:
        header: The run's.
        trials: Those whose results are to be approved of.
        questions: What the suites ask now.
        suites: The project's, by name.
        hashes: 12 hex digits of each suite's file as it is now, by name.

    Raises:
        InvalidInputError: A prompt, a suite or a case has changed since the run, or the run asked
            something else (`stale-run`); or it asked fewer samples (`partial-run`).
    """
    faults: dict[str, Fault] = {}
    numbers: dict[str, set[int]] = {}
    for trial in trials:
        key = key_of(trial, suites)
        numbers.setdefault(key, set()).add(trial.sample)
        for fault in _stale(header, trial, questions.planned.get(key), hashes):
            faults.setdefault(fault.message, fault)
    faults = faults or {fault.message: fault for fault in _missing(header, numbers, questions)}
    if faults:
        raise InvalidInputError.of(list(faults.values())[:_MOST_FAULTS])


def _origins(trials: Iterable[TrialResult]) -> set[str]:
    exchanges = (exchange for trial in trials for exchange in trial.exchanges)
    return {exchange.origin for exchange in exchanges if exchange.completion is not None}


def _stale(
    header: RunHeader, trial: TrialResult, now: PlannedTrial | None, hashes: Mapping[str, str]
) -> Iterator[Fault]:
    run = f"the run {header.id}"
    case = f"'{trial.suite}::{trial.case}'"
    if header.suites.get(trial.suite) != hashes.get(trial.suite):
        yield _fault(
            f"the suite '{trial.suite}' has changed since {run}", Location(trial.suite_path)
        )
    elif now is None:
        yield _fault(f"{case} does not ask {trial.arm.label} what {run} asked", trial.at)
    elif trial.arm.content_hash != now.planned_arm.arm.content_hash:
        yield _fault(f"the prompt '{trial.arm.prompt}' has changed since {run}", None)
    elif trial.arm.parameters != now.planned_arm.arm.parameters or _other_model(trial, now):
        yield _fault(f"{trial.arm.label} had other settings in {run}", now.planned_arm.at)
    elif trial.status in _JUDGED and not same_request(trial, replace(now, sample=trial.sample)):
        yield _fault(f"{case} asked or asserted something else in {run}", trial.at)


def _other_model(trial: TrialResult, now: PlannedTrial) -> bool:
    model = now.planned_arm.model
    asked = {e.request.model for e in trial.exchanges if e.request is not None}
    return model is not None and bool(asked - {model.name})


def _missing(
    header: RunHeader, numbers: Mapping[str, set[int]], questions: Questions
) -> Iterator[Fault]:
    for key, found in numbers.items():
        wanted = max(questions.samples[key], max(found) + 1)
        if found != set(range(wanted)):
            trial = questions.planned[key]
            yield Fault(
                code="partial-run",
                message=f"the run {header.id} has {len(found)} of {wanted} samples of"
                f" '{trial.suite.name}::{trial.case.id}'",
                at=trial.case.at,
                hint="run 'llmops test' again, without --failed",
            )


def _fault(message: str, at: Location | None) -> Fault:
    return Fault(code="stale-run", message=message, at=at, hint=_AGAIN)
