"""Ask the canaries anew, and say whether their models answer as they did."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.assessment import assess_arms
from llmops.comparing.drift import MARGIN, Dated, drift_of, drift_rule, rate_change, take_apart
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.drift import CANARY, Apart, DriftReport, ModelDrift, decide_drift
from llmops.domain.node import Text
from llmops.domain.run import TrialResult
from llmops.domain.suite import Suite
from llmops.errors import InvalidInputError, NothingSelectedError
from llmops.location import COMMAND_LINE
from llmops.running.keeping.run_names import FOLDER, find_run, run_ids
from llmops.running.keeping.store import read_header, read_run
from llmops.running.past.histories import (
    Histories,
    History,
    history_key,
    key_of_trial,
    read_histories,
)
from llmops.running.planning.plan import make_plan
from llmops.running.planning.trial import PlannedTrial
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.execution import TestOptions, Watcher
from llmops.workflows.opening.project import OpenProject
from llmops.workflows.test import run_tests

_LOOK = "drift"
_ACCEPTED = "drift-accepted"
_USUAL = 0.95
_UNKNOWN = "unknown-ref"
_NOT_APART = "the two runs are not taken apart: they share no case, or no canary has a history"


class DriftOptions(Struct, frozen=True, kw_only=True):
    """What `llmops drift` was asked to do.

    Attributes:
        at: A ref at which prompts are asked that the suites do not pin; None for the work tree's.
        accept: Hold later looks against what is answered now.
        margin: The change of the pass rate that does not matter; None for 5 points.
        confidence: That no steady model is called drifted; None for the project's, or 0.95.
        between: Two runs whose difference is to be taken apart.
        test: How to ask, and which cases to look for canaries in.
    """

    at: str | None = None
    accept: bool = False
    margin: float | None = None
    confidence: float | None = None
    between: tuple[str, str] | None = None
    test: TestOptions = field(default_factory=TestOptions)


def drift(
    opened: OpenProject, options: DriftOptions, clock: Clock, watcher: Watcher
) -> DriftReport:
    """Look whether models drifted.

    Raises:
        InvalidInputError: Something is wrong with the files or the arguments; one of the two runs
            is not there, or was not finished.
        NothingSelectedError: No canary is selected.
        UnavailableError: Git is missing or refuses, or the run cannot be kept.
    """
    pinned = opened if options.at is None else _pinned(opened, options)
    planned = _canaries_there(pinned, options)
    labels = dict.fromkeys(trial.planned_arm.arm.answered_by for trial in planned)
    rule = _rule(options, opened, len(labels))
    runs = _two_runs(opened.root / FOLDER, options.between)
    known = _histories(opened.root / FOLDER, planned)
    plan = replace(
        options.test.plan,
        only=frozenset(trial.id for trial in planned),
        purpose=_ACCEPTED if options.accept else _LOOK,
    )
    outcome = run_tests(pinned, replace(options.test, plan=plan, fresh=True), clock, watcher)
    now = [_known_by_arm(trial) for trial in outcome.report.trials()]
    then = [(day, _known_by_arm(one)) for history in known.values() for day, one in history.kept]
    models = tuple(_of_model(label, then, now, rule) for label in labels)
    apart = _apart(runs, models, (then, now), rule)
    return DriftReport(
        models=models,
        verdict=decide_drift(models, outcome.verdict),
        run=outcome.report.header.id,
        accepted=options.accept and outcome.stopped_by is None,
        apart=apart,
        notes=(_NOT_APART,) if runs and apart is None else (),
    )


def _of_model(
    label: str,
    then: Sequence[Dated],
    now: Sequence[TrialResult],
    rule: Rule,
) -> ModelDrift:
    own = [trial for trial in now if trial.arm.answered_by == label]
    before = [dated for dated in then if dated[1].arm.answered_by == label]
    return drift_of(label, before, own, rule=rule)


def _pinned(opened: OpenProject, options: DriftOptions) -> OpenProject:
    """The project with the canaries' prompts at a ref, where a suite does not name one itself."""
    suites, ref = opened.project.suites, str(options.at)
    names = {trial.suite.name for trial in _canaries(opened, options)}
    pinned = {name: _at(suite, ref) if name in names else suite for name, suite in suites.items()}
    project = replace(opened.project, suites=pinned)
    return replace(opened, project=project)


def _at(suite: Suite, ref: str) -> Suite:
    steps = tuple(replace(step, prompt=_named(step.prompt, ref)) for step in suite.steps)
    return replace(suite, prompts=tuple(_named(p, ref) for p in suite.prompts), steps=steps)


def _named(prompt: Text, ref: str) -> Text:
    return prompt if "@" in prompt.text else replace(prompt, text=f"{prompt.text}@{ref}")


def _canaries_there(pinned: OpenProject, options: DriftOptions) -> list[PlannedTrial]:
    """The canaries at the ref that was asked for: all, for one left out would drift unseen."""
    try:
        return _canaries(pinned, options)
    except InvalidInputError as error:
        if options.at is None:
            raise
        way = f"'llmops label NAME {options.at} VERSION' labels it; or select what is there"
        faults = [replace(f, hint=way) if f.code == _UNKNOWN else f for f in error.faults]
        raise InvalidInputError.of(faults) from None


def _canaries(opened: OpenProject, options: DriftOptions) -> list[PlannedTrial]:
    wished = replace(options.test.plan, untrusted=opened.untrusted)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, wished)
    found = [trial for trial in plan.trials() if CANARY in trial.case.tags]
    found = [trial for trial in found if trial.case.skip is None]
    if not found:
        raise NothingSelectedError(
            f"no selected case is tagged '{CANARY}'",
            hint=f"write 'tags: [{CANARY}]' at cases whose prompt and model stay the same",
        )
    return found


def _rule(options: DriftOptions, opened: OpenProject, models: int) -> Rule:
    margin = MARGIN if options.margin is None else options.margin
    confidence = options.confidence or opened.config.gate.confidence or _USUAL
    try:
        return drift_rule(margin, confidence, models)
    except ValueError:
        raise InvalidInputError(
            f"nothing can be said with a confidence of {confidence:g}",
            at=COMMAND_LINE,
            code="confidence",
            hint="write one above 0.5 and below 1, such as 0.95",
        ) from None


def _histories(folder: Path, planned: Sequence[PlannedTrial]) -> Mapping[str, History]:
    """What kept runs say of the canaries, since answers were last accepted.

    Earlier looks are left out, or a slow drift would become its own history; only a canary that
    nothing else asked is held against the first look that did.
    """
    ordinary, looks = _since_accepted(folder)
    found = dict(read_histories(folder, planned, ordinary, keep=True).by_key)
    for id_ in looks:
        new = [trial for trial in planned if not found[_planned_key(trial)].n]
        if not new:
            break
        first: Histories = read_histories(folder, new, [id_], keep=True)
        found |= first.by_key
    return found


def _since_accepted(folder: Path) -> tuple[list[str], list[str]]:
    """Ids of plain runs and of looks, the oldest first, back to the last accepted answers."""
    ordinary: list[str] = []
    looks: list[str] = []
    for id_ in reversed(run_ids(folder)):
        header = read_header(folder / f"{id_}.jsonl")
        purpose = header.options.get("purpose") if header is not None else None
        if purpose == _ACCEPTED:
            if read_run(folder / f"{id_}.jsonl").stopped_by is None:
                return [id_, *reversed(ordinary)], looks[::-1]
            purpose = _LOOK
        (looks if purpose == _LOOK else ordinary).append(id_)
    return ordinary[::-1], looks[::-1]


def _planned_key(trial: PlannedTrial) -> str:
    return history_key(trial.suite.name, trial.case.id, trial.case_hash, trial.planned_arm.arm)


def _known_by_arm(trial: TrialResult) -> TrialResult:
    """The trial of a case that is another on every arm."""
    return replace(trial, case_hash=key_of_trial(trial))


def _two_runs(folder: Path, between: tuple[str, str] | None) -> list[tuple[str, list[TrialResult]]]:
    """Both runs without their canaries; none where nobody asked."""
    found = []
    for wanted in between or ():
        run = read_run(find_run(folder, wanted))
        if run.stopped_by is not None:
            raise InvalidInputError(
                f"the run {run.header.id} was not finished",
                code="partial-run",
                hint="name one that was",
            )
        trials = [trial for trial in run.trials() if CANARY not in trial.tags]
        found.append((run.header.id, trials))
    return found


def _apart(
    runs: Sequence[tuple[str, list[TrialResult]]],
    models: Iterable[ModelDrift],
    canaries: tuple[Sequence[Dated], Sequence[TrialResult]],
    rule: Rule,
) -> Apart | None:
    if not runs:
        return None
    (first, before), (second, after) = runs
    labels = {model.model for model in models}
    both = ([t for t in side if t.arm.answered_by in labels] for side in (before, after))
    whole = assess_arms(*both, rule=rule)
    then = [trial for _, trial in canaries[0]]
    moved = rate_change(then, canaries[1], rule)
    return take_apart((first, second), whole, moved)
