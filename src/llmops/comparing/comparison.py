"""Trials of two arms in, their comparison out: pairs, and what each side came to."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median

from llmops.comparing.pairing import output_of, pair_of, pair_trials
from llmops.domain.comparison import ArmTotals, Comparison, MetricMean
from llmops.domain.completion import Completion
from llmops.domain.run import TrialResult


def compare_trials(before: Iterable[TrialResult], after: Iterable[TrialResult]) -> Comparison:
    """Compare the trials of two arms.

    The totals are of the trials in pairs alone, and what completions cost, took and scored is of
    the pairs that both sides answered, so that both sides speak of the same cases.
    """
    matched, unpaired = pair_trials(before, after)
    answered = [pair for pair in matched if all(trial.completion for trial in pair)]
    first, second = (
        totals_of([pair[side] for pair in matched], [pair[side] for pair in answered])
        for side in (0, 1)
    )
    return Comparison(
        pairs=tuple(map(pair_of, matched)), unpaired=tuple(unpaired), before=first, after=second
    )


def totals_of(trials: Sequence[TrialResult], answered: Sequence[TrialResult]) -> ArmTotals:
    """What one side came to.

    Args:
        trials: All that were asked: their statuses are counted.
        answered: Those whose cost, latency, tokens and scores are summed up.
    """
    said = [completion for trial in answered for completion in _said(trial)]
    costs = [one.cost for one in said if one.cost is not None]
    counted = [one.usage for one in said if one.usage.output is not None]
    lengths = [len(output_of(trial) or "") for trial in answered]
    values = [trial.value for trial in answered if trial.value is not None]
    return ArmTotals(
        **_statuses(trials),
        completions=sum(len(_said(trial)) for trial in trials),
        answered=len(answered),
        cost=sum(costs) if costs else None,
        unpriced=len(said) - len(costs),
        latency=_latency(answered),
        input_tokens=sum(usage.input or 0 for usage in counted) if counted else None,
        output_tokens=sum(usage.output or 0 for usage in counted) if counted else None,
        uncounted=len(said) - len(counted),
        length=fmean(lengths) if lengths else None,
        value=fmean(values) if values else None,
        metrics=_metrics(answered),
    )


def _statuses(trials: Iterable[TrialResult]) -> dict[str, int]:
    found = dict.fromkeys(("passed", "failed", "error", "unscored", "skipped"), 0)
    for trial in trials:
        found[trial.status] += 1
    return found


def _latency(trials: Iterable[TrialResult]) -> float | None:
    all_waits = [[one.latency for one in said] for trial in trials if (said := _said(trial))]
    waits = [sum(each) for each in all_waits if all(each)]  # of an answer in a batch none is known
    return median(waits) if waits else None


def _said(trial: TrialResult) -> list[Completion]:
    return [e.completion for e in trial.exchanges if e.completion is not None]


def _metrics(trials: Iterable[TrialResult]) -> Mapping[str, MetricMean]:
    values: dict[str, list[float]] = {}
    unscored: dict[str, int] = {}
    for trial in trials:
        for entry in trial.scores:
            if entry.metric is None:
                continue
            found = values.setdefault(entry.metric, [])
            if entry.score.status == "unscored":
                unscored[entry.metric] = unscored.get(entry.metric, 0) + 1
            else:
                found.append(entry.score.value)
    return {
        metric: MetricMean(
            mean=fmean(found) if found else None,
            count=len(found),
            unscored=unscored.get(metric, 0),
        )
        for metric, found in values.items()
    }
