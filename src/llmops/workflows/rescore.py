"""New assertions on a kept run's completions, without asking anybody."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.run import Exchange, TrialResult
from llmops.domain.verdict import Totals, decide
from llmops.location import COMMAND_LINE
from llmops.reporting.base import Report
from llmops.running.keeping.store import KeptRun
from llmops.running.past.resume import options_from_json
from llmops.running.planning.arms import ArmOptions
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.trial import PlannedTrial, Stage, status_of
from llmops.scoring.assess import assess
from llmops.workflows.opening.project import OpenProject


class Rescored(Struct, frozen=True, kw_only=True):
    """A run judged anew.

    Attributes:
        report: With the new scores.
        changed: Trials whose status is another than before: before and after.
        unmatched: Trials of the run that the suites no longer plan; they count as errors.
    """

    report: Report
    changed: tuple[tuple[TrialResult, TrialResult], ...]
    unmatched: int


def rescore(opened: OpenProject, run: KeptRun) -> Rescored:
    """Judge a run's completions by the suites as they are now.

    Raises:
        InvalidInputError: Something is wrong with the files.
    """
    planned = _planned(opened, run)
    totals = Totals(planned=run.header.planned)
    judged: list[TrialResult] = []
    changed = []
    unmatched = 0
    for before in run.trials():
        trial = planned.get(before.id)
        if trial is None:
            unmatched += 1
            continue
        after = _judge(before, trial)
        judged.append(after)
        totals.add(after)
        if after.status != before.status:
            changed.append((before, after))
    report = Report(
        header=run.header,
        footer=run.footer,
        verdict=decide(totals, stopped_by=run.stopped_by),
        trials=lambda: iter(judged),
    )
    return Rescored(report=report, changed=tuple(changed), unmatched=unmatched)


def _planned(opened: OpenProject, run: KeptRun) -> Mapping[str, PlannedTrial]:
    options = options_from_json(run.header.options)
    models = options.arms.models or tuple(Text(name, COMMAND_LINE) for name in run.header.models)
    arms = ArmOptions(models=models, sweep=options.arms.sweep)
    wanted: PlanOptions = replace(options, arms=arms, only=None)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, wanted)
    return {trial.id: trial for trial in plan.trials()}


def _judge(before: TrialResult, trial: PlannedTrial) -> TrialResult:
    exchanges = _exchanges(before.exchanges, trial.stages, trial)
    return replace(
        before,
        exchanges=exchanges,
        status=status_of(exchanges, skipped=trial.case.skip is not None),
        at=trial.case.at,
        reason=trial.case.skip,
    )


def _exchanges(
    before: Sequence[Exchange], stages: Sequence[Stage], trial: PlannedTrial
) -> tuple[Exchange, ...]:
    judged = []
    for exchange, stage in zip(before, stages, strict=False):
        if exchange.completion is None:
            judged.append(exchange)
            continue
        scores = assess(stage.ready, exchange.completion, trial.case.inputs, trial.case.row)
        judged.append(replace(exchange, scores=scores))
    return tuple(judged)
