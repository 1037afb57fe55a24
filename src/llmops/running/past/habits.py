"""What kept runs say of models and cases: how long answers are, and how much verdicts differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from llmops.domain.completion import canonical_json
from llmops.domain.run import Exchange, TrialResult
from llmops.domain.tokens import estimated_tokens
from llmops.running.past.answers import recent_runs

_FEWEST: Final = 10
"""Fewer cases on both arms say too little of how much cases differ."""
_ENOUGH: Final = 40_000
_NEWEST: Final = 6
"""So many arms of a suite on a model are held against each other."""
CaseScores = tuple[tuple[float, ...], tuple[float, ...]]
"""Passed (1) or failed (0), each sample of a case, on either arm."""


class Habits(Struct, frozen=True, kw_only=True):
    """What a model's kept completions are like.

    Attributes:
        output_tokens: The mean of an answer; None when nobody counted.
        latency: Seconds, the mean; None when nobody measured.
        input_ratio: Tokens that the provider counted for each that we had estimated.
    """

    output_tokens: float | None = None
    latency: float | None = None
    input_ratio: float = 1.0


class TwoArms(Struct, frozen=True, kw_only=True):
    """Two arms of kept runs on the same cases.

    Attributes:
        runs: The ids of the runs that they were last asked in; one for both, or two.
        cases: The scores on both arms, for each case.
    """

    runs: tuple[str, ...]
    cases: tuple[CaseScores, ...]


class Past(Struct, frozen=True, kw_only=True):
    """What kept runs say.

    Attributes:
        habits: By the model's label.
        pairs: By suite and the label of the model of both arms; under an empty label two arms of
            different models.
    """

    habits: Mapping[str, Habits]
    pairs: Mapping[tuple[str, str], TwoArms]

    def arms_of(self, suite: str, model: str) -> TwoArms | None:
        """Two arms of a suite: two contents on a model, else two models."""
        return self.pairs.get((suite, model)) or self.pairs.get((suite, ""))

    def arms_together(self, suites: Sequence[str], model: str) -> TwoArms | None:
        """Two arms of several suites together; None unless there are two of each."""
        found = [self.arms_of(suite, model) for suite in suites]
        known = [arms for arms in found if arms is not None]
        if not found or len(known) < len(found):
            return None
        return TwoArms(
            runs=tuple(dict.fromkeys(run for arms in known for run in arms.runs)),
            cases=tuple(case for arms in known for case in arms.cases),
        )


def past_of(folder: Path, *, enough: int = _ENOUGH) -> Past:
    """Read what kept runs say; the newest of them, and only those of trusted files.

    Two arms differ in the prompt's content, the model or the parameters; they may be of one run or
    of two. What is quarantined, or was claimed otherwise then, is not held against each other.

    Args:
        folder: The folder of kept runs.
        enough: Once so many trials were read, no older run is.
    """
    counts: dict[str, _Counts] = {}
    arms: dict[tuple[str, str, str], _Arm] = {}
    read = 0
    for id_, trials in recent_runs(folder):
        for trial in trials:
            for exchange in trial.exchanges:
                counts.setdefault(trial.arm.model, _Counts()).add(exchange)
            if trial.status in {"passed", "failed"} and trial.quarantined is None:
                key = (trial.suite, trial.arm.model, _content(trial))
                arms.setdefault(key, _Arm(run=id_)).add(id_, trial)
        read += len(trials)
        if read >= enough:
            break
    pairs: dict[tuple[str, str], TwoArms] = {}
    for suite in dict.fromkeys(key[0] for key in arms):
        own = [(model, arm) for (name, model, _), arm in arms.items() if name == suite]
        pairs |= {(suite, model): two for model, two in _pairs(own)}
    return Past(habits={label: made.habits() for label, made in counts.items()}, pairs=pairs)


class _Counts(Struct):
    """Sums over the completions of a model."""

    written: list[int] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    read: int = 0
    estimated: int = 0

    def add(self, exchange: Exchange) -> None:
        """Count one completion."""
        completion = exchange.completion
        if completion is None:
            return
        if completion.usage.output is not None:
            self.written.append(completion.usage.output)
        if completion.latency > 0:
            self.waited.append(completion.latency)
        if completion.usage.input is not None and exchange.request is not None:
            self.read += completion.usage.input
            self.estimated += estimated_tokens(exchange.request.messages)

    def habits(self) -> Habits:
        """What the sums say."""
        return Habits(
            output_tokens=_mean(self.written),
            latency=_mean(self.waited),
            input_ratio=self.read / self.estimated if self.read and self.estimated else 1.0,
        )


class _Arm(Struct):
    """How an arm did, in the newest run that asked each case.

    Attributes:
        run: The newest run that it was in.
        samples: By case, and by sample number.
        asked_in: The run that the samples of a case are from.
    """

    run: str
    samples: dict[str, dict[int, float]] = field(default_factory=dict)
    asked_in: dict[str, str] = field(default_factory=dict)

    def add(self, run: str, trial: TrialResult) -> None:
        """Take in a trial, unless a newer run has asked its case; newer runs come first."""
        case = _claimed(trial)
        if self.asked_in.setdefault(case, run) == run:
            own = self.samples.setdefault(case, {})
            own[trial.sample] = float(trial.status == "passed")

    def beside(self, other: "_Arm") -> TwoArms:
        """Both arms on the cases that they share, the older one first."""
        older, newer = sorted((self, other), key=lambda arm: arm.run)
        cases = tuple(
            (tuple(samples.values()), tuple(newer.samples[case].values()))
            for case, samples in older.samples.items()
            if case in newer.samples
        )
        return TwoArms(runs=tuple(dict.fromkeys((older.run, newer.run))), cases=cases)


def _content(trial: TrialResult) -> str:
    arm = trial.arm
    return canonical_json([arm.content_hash or arm.prompt, dict(arm.parameters)])


def _claimed(trial: TrialResult) -> str:
    """What two trials must share to be of one case: what is asked, and what is asserted of it."""
    claims = [[[s.label, s.weight, s.soft] for s in e.scores] for e in trial.exchanges]
    return canonical_json([trial.case, trial.case_hash, claims])


def _pairs(arms: Sequence[tuple[str, _Arm]]) -> Iterator[tuple[str, TwoArms]]:
    """For each model two arms on it, and under an empty label two on different models."""
    newest = sorted(arms, key=lambda named: named[1].run, reverse=True)
    for model in dict.fromkeys(name for name, _ in newest):
        own = [arm for name, arm in newest if name == model][:_NEWEST]
        yield from _largest(model, (one.beside(other) for one, other in combinations(own, 2)))
    mixed = combinations(newest[:_NEWEST], 2)
    yield from _largest("", (one[1].beside(two[1]) for one, two in mixed if one[0] != two[0]))


def _largest(model: str, pairs: Iterable[TwoArms]) -> Iterator[tuple[str, TwoArms]]:
    """The pair with most cases, the newest of several; none when they are too few."""
    best = max(pairs, key=lambda pair: len(pair.cases), default=None)
    if best is not None and len(best.cases) >= _FEWEST:
        yield model, best


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
