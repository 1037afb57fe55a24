"""A run's trials added up in one pass: counts by suite and arm, means by metric, what went wrong."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from llmops.domain.completion import as_text
from llmops.domain.run import Arm, Status, TrialResult
from llmops.domain.score import AssertionScore
from llmops.reporting.problems import Problem, parameters_text, problem_of

_WRONG: Final[tuple[Status, ...]] = ("failed", "error", "unscored")
_ArmKey = tuple[str, str, str]


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
    collected = _Collected(keep=keep)
    for trial in trials:
        collected.add(trial)
    return collected.summary()


def arm_labels(arms: Sequence[Arm]) -> list[str]:
    """Name arms so that they can be told apart, in as few words as that takes."""
    several = len({arm.prompt for arm in arms}) > 1
    names = [arm.label if several or not arm.model else arm.model for arm in arms]
    return [_label(arm, name, arms, names) for arm, name in zip(arms, names, strict=True)]


class _Suite(Struct, kw_only=True):
    path: str
    arms: dict[_ArmKey, tuple[Arm, Tally]] = field(default_factory=dict)


class _Collected(Struct, kw_only=True):
    keep: int
    suites: dict[str, _Suite] = field(default_factory=dict)
    means: dict[tuple[str, str, _ArmKey], Mean] = field(default_factory=dict)
    problems: dict[Status, list[Problem]] = field(default_factory=lambda: {s: [] for s in _WRONG})
    excused: list[Problem] = field(default_factory=list)
    soft_failures: int = 0

    def add(self, trial: TrialResult) -> None:
        key = _key(trial.arm)
        suite = self.suites.setdefault(trial.suite, _Suite(path=trial.suite_path))
        suite.arms.setdefault(key, (trial.arm, Tally()))[1].add(trial)
        for entry in trial.scores:
            if entry.metric is not None:
                self.means.setdefault((entry.metric, trial.suite, key), Mean()).add(entry)
            if entry.soft and entry.score.status == "failed":
                self.soft_failures += 1
        if trial.excused and trial.status == "passed":
            return
        kept = self.excused if trial.excused else self.problems.get(trial.status)
        if kept is not None and len(kept) < self.keep:
            kept.append(problem_of(trial))

    def summary(self) -> Summary:
        suites = []
        labels: dict[tuple[str, _ArmKey], str] = {}
        for name, suite in self.suites.items():
            words = arm_labels([arm for arm, _ in suite.arms.values()])
            labels |= {(name, key): word for key, word in zip(suite.arms, words, strict=True)}
            tallies = (tally for _, tally in suite.arms.values())
            arms = tuple(zip(words, tallies, strict=True))
            suites.append(SuiteSummary(name=name, path=suite.path, arms=arms))
        problems = [problem for kept in self.problems.values() for problem in kept]
        return Summary(
            suites=tuple(suites),
            metrics=self._metrics(labels),
            problems=tuple(problems[: self.keep]),
            excused=tuple(self.excused),
            soft_failures=self.soft_failures,
            _labels=labels,
        )

    def _metrics(self, labels: Mapping[tuple[str, _ArmKey], str]) -> dict[str, dict[str, Mean]]:
        metrics: dict[str, dict[str, Mean]] = {}
        for (metric, suite, key), mean in self.means.items():
            whole = metrics.setdefault(metric, {}).setdefault(labels[suite, key], Mean())
            whole.total += mean.total
            whole.count += mean.count
            whole.unscored += mean.unscored
        return metrics


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
