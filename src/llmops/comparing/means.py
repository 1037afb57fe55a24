"""Pairs of cases in, means of both sides out: scores by metric, cost, latency and length."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

from llmops.comparing.assessment import QUANTITIES
from llmops.comparing.cases import Pairs
from llmops.domain.drift import MeanChange
from llmops.domain.run import TrialResult

_Read = Callable[[TrialResult], float | None]


def mean_changes(pairs: Pairs) -> Iterator[MeanChange]:
    """The mean over cases of the mean over trials, of what every case knows on both sides."""
    for name, read in {**_metrics(pairs), **QUANTITIES}.items():
        before, after = (_mean([pair[side] for pair in pairs], read) for side in (0, 1))
        if before is not None and after is not None:
            yield MeanChange(name=name, before=before, after=after)


def _mean(cases: Sequence[Sequence[TrialResult]], read: _Read) -> float | None:
    known = [[value for t in trials if (value := read(t)) is not None] for trials in cases]
    return fmean(map(fmean, known)) if known and all(known) else None


def _metrics(pairs: Pairs) -> Mapping[str, _Read]:
    trials = (trial for pair in pairs for side in pair for trial in side)
    names = dict.fromkeys(score.metric for trial in trials for score in trial.scores)
    return {name: _reader(name) for name in names if name is not None}


def _reader(name: str) -> _Read:
    def read(trial: TrialResult) -> float | None:
        values = [entry.score.value for entry in trial.scores if entry.metric == name]
        return fmean(values) if values else None

    return read
