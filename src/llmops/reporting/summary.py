"""A run's trials added up in one pass: counts by suite and arm, means by metric, what went wrong."""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct, field

from llmops.domain.completion import as_text
from llmops.domain.run import Arm, Status, TrialResult
from llmops.domain.score import AssertionScore
from llmops.reporting.problems import Problem, parameters_text, problem_of

_WRONG: Final[tuple[Status, ...]] = ("failed", "error", "unscored")
_ArmKey = tuple[str, str, str]
_K = TypeVar("_K")
_P = TypeVar("_P", bound="_Place")


class Tally(Struct, kw_only=True):
    """Trials of one suite and one arm, by status; the quarantined ones by themselves."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    unscored: int = 0
    skipped: int = 0
    quarantined: int = 0

    @property
    def asked(self) -> int:
        """Trials that count and were not skipped."""
        return self.passed + self.failed + self.error + self.unscored

    @property
    def unknown(self) -> int:
        """Trials of which nobody knows whether they pass."""
        return self.error + self.unscored

    def add(self, trial: TrialResult) -> None:
        """Count one trial."""
        name = "quarantined" if trial.excused else trial.status
        setattr(self, name, getattr(self, name) + 1)


class Mean(Struct, kw_only=True):
    """A metric's mean score with one arm.

    Attributes:
        total: Sum of the scores, each from 0 to 1.
        count: Scores.
        unscored: Assertions that could not be judged; they are in neither of the others.
    """

    total: float = 0.0
    count: int = 0
    unscored: int = 0

    def add(self, entry: AssertionScore) -> None:
        """Take one score in."""
        if entry.score.status == "unscored":
            self.unscored += 1
            return
        self.count += 1
        self.total += entry.score.value

    def bounds(self) -> tuple[float, float]:
        """The mean if all unscored were 0, and if all were 1."""
        whole = self.count + self.unscored
        return self.total / whole, (self.total + self.unscored) / whole


class SuiteSummary(Struct, frozen=True, kw_only=True):
    """One suite's counts.

    Attributes:
        arms: Labels with counts, in the order of the plan. A label tells the arms of this suite
            apart and says no more than that: mostly it is the model.
    """

    name: str
    path: str
    arms: tuple[tuple[str, Tally], ...]

    @property
    def status(self) -> Status:
        """The worst that happened: failed, error, unscored, else passed; skipped if nothing ran."""
        worst: tuple[Status, ...] = (*_WRONG, "passed")
        for status in worst:
            if any(getattr(tally, status) for _, tally in self.arms):
                return status
        return "skipped"


class Summary(Struct, frozen=True, kw_only=True):
    """What there is to say about a run without listing its trials.

    Attributes:
        suites: In the order of the plan.
        metrics: Means by metric and arm label, in order of appearance.
        problems: Failed ones first, then errors, then unscored; only as many as were asked for.
        excused: Failures of quarantined cases, which fail nothing; as many as were asked for.
        soft_failures: Soft assertions that do not hold; they never fail a trial.
    """

    suites: tuple[SuiteSummary, ...]
    metrics: Mapping[str, Mapping[str, Mean]]
    problems: tuple[Problem, ...]
    excused: tuple[Problem, ...]
    soft_failures: int
    _labels: Mapping[tuple[str, _ArmKey], str]

    def label(self, suite: str, arm: Arm) -> str:
        """An arm as its suite calls it."""
        return self._labels[suite, _key(arm)]

    def title(self, problem: Problem) -> str:
        """The problem's trial: suite, case, arm, and the sample's number if it is not 0."""
        sample = f" · sample {problem.sample}" if problem.sample else ""
        label = self.label(problem.suite, problem.arm)
        return f"{problem.suite} › {problem.case} › {label}{sample}"


def summarise(trials: Iterable[TrialResult], *, keep: int) -> Summary:
    """Add up trials.

    Args:
        trials: Read once.
        keep: Problems to keep at most.
    """
    added = Sum(keep=keep)
    for index, trial in enumerate(trials):
        added.add(index, trial)
    return added.summary(keep)


def arm_labels(arms: Sequence[Arm]) -> list[str]:
    """Name arms so that they can be told apart, in as few words as that takes."""
    several = len({arm.prompt for arm in arms}) > 1
    names = [arm.label if several or not arm.model else arm.model for arm in arms]
    return [_label(arm, name, arms, names) for arm, name in zip(arms, names, strict=True)]


class _Place(Struct, kw_only=True):
    """Where something was first met: the least index of its trials."""

    index: int

    def met(self, index: int) -> None:
        self.index = min(self.index, index)


class _Suite(_Place, kw_only=True):
    path: str
    arms: dict[_ArmKey, "_OfArm"] = field(default_factory=dict)


class _OfArm(_Place, kw_only=True):
    arm: Arm
    tally: Tally = field(default_factory=Tally)


class _OfMetric(_Place, kw_only=True):
    mean: Mean = field(default_factory=Mean)


class Sum(Struct, kw_only=True):
    """Trials added up one by one, in whatever order they come.

    Attributes:
        keep: Problems that can be told at most.
    """

    keep: int
    _suites: dict[str, _Suite] = field(default_factory=dict)
    _means: dict[tuple[str, str, _ArmKey], _OfMetric] = field(default_factory=dict)
    _problems: dict[Status, list[tuple[int, Problem]]] = field(
        default_factory=lambda: {status: [] for status in _WRONG}
    )
    _excused: list[tuple[int, Problem]] = field(default_factory=list)
    _soft_failures: int = 0

    def add(self, index: int, trial: TrialResult) -> None:
        """Take one trial in; `index` is its place in the plan."""
        key = _key(trial.arm)
        suite = self._suites.get(trial.suite)
        if suite is None:
            suite = self._suites[trial.suite] = _Suite(index=index, path=trial.suite_path)
        of_arm = suite.arms.get(key)
        if of_arm is None:
            of_arm = suite.arms[key] = _OfArm(index=index, arm=trial.arm)
        suite.met(index)
        of_arm.met(index)
        of_arm.tally.add(trial)
        for entry in trial.scores:
            if entry.metric is not None:
                self._measure((entry.metric, trial.suite, key), index, entry)
            if entry.soft and entry.score.status == "failed":
                self._soft_failures += 1
        self._note(index, trial)

    def _measure(self, key: tuple[str, str, _ArmKey], index: int, entry: AssertionScore) -> None:
        measured = self._means.setdefault(key, _OfMetric(index=index))
        measured.met(index)
        measured.mean.add(entry)

    def _note(self, index: int, trial: TrialResult) -> None:
        """Keep the trial as a problem, if it is one of the first."""
        if trial.excused and trial.status == "passed":
            return
        kept = self._excused if trial.excused else self._problems.get(trial.status)
        if kept is None or (len(kept) >= self.keep and (not kept or index > kept[-1][0])):
            return
        insort(kept, (index, problem_of(trial)), key=_first)
        del kept[self.keep :]

    def summary(self, keep: int) -> Summary:
        """What they come to, with so many problems; no more than `self.keep`."""
        suites = []
        labels: dict[tuple[str, _ArmKey], str] = {}
        for name, suite in _in_order(self._suites):
            ordered = _in_order(suite.arms)
            words = arm_labels([one.arm for _key, one in ordered])
            arms = tuple(
                (word, one.tally) for word, (_key, one) in zip(words, ordered, strict=True)
            )
            labels |= {(name, key): word for word, (key, _one) in zip(words, ordered, strict=True)}
            suites.append(SuiteSummary(name=name, path=suite.path, arms=arms))
        problems = [problem for kept in self._problems.values() for _index, problem in kept[:keep]]
        return Summary(
            suites=tuple(suites),
            metrics=self._metrics(labels),
            problems=tuple(problems[:keep]),
            excused=tuple(problem for _index, problem in self._excused[:keep]),
            soft_failures=self._soft_failures,
            _labels=labels,
        )

    def _metrics(self, labels: Mapping[tuple[str, _ArmKey], str]) -> dict[str, dict[str, Mean]]:
        metrics: dict[str, dict[str, Mean]] = {}
        for (metric, suite, key), measured in _in_order(self._means):
            mean = measured.mean
            whole = metrics.setdefault(metric, {}).setdefault(labels[suite, key], Mean())
            whole.total += mean.total
            whole.count += mean.count
            whole.unscored += mean.unscored
        return metrics


def _in_order(found: Mapping[_K, _P]) -> list[tuple[_K, _P]]:
    """What was met, in the order of the plan."""
    return sorted(found.items(), key=lambda item: item[1].index)


def _first(kept: tuple[int, Problem]) -> int:
    return kept[0]


def _key(arm: Arm) -> _ArmKey:
    return arm.label, arm.content_hash or "", parameters_text(arm.parameters)


def _label(arm: Arm, name: str, arms: Sequence[Arm], names: Sequence[str]) -> str:
    alike = [other for other, its in zip(arms, names, strict=True) if its == name]
    if len(alike) == 1:
        return name
    told = {
        key: value
        for key, value in arm.parameters.items()
        if len({as_text(other.parameters.get(key)) for other in alike}) > 1
    }
    hashes = {other.content_hash for other in alike}
    parts = [arm.content_hash or "no hash"] if len(hashes) > 1 else []
    parts += [parameters_text(told)] if told else []
    return f"{name} ({', '.join(parts)})" if parts else name
