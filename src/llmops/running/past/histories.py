"""How the cases of a plan fared in kept runs: what was asked and claimed just as it is today."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from llmops.domain.completion import canonical_json, output_text
from llmops.domain.run import Arm, RunHeader, TrialResult
from llmops.errors import InvalidInputError
from llmops.running.keeping.store import read_header, read_run
from llmops.running.planning.trial import PlannedTrial

_JUDGED = frozenset({"passed", "failed"})
Dated = tuple[str, TrialResult]
"""The id of a run, which sorts by time, and a trial of it."""
_Claims = list[list[tuple[str, float, bool]]]


class History(Struct, kw_only=True):
    """One case on one arm over kept runs.

    Attributes:
        planned: The case as it is planned today.
        passed: Trials that passed.
        failed: Trials that failed.
        unknown: Trials in error, or unscored.
        last_seen: When the newest run with it began, ISO 8601.
        kept: Each trial that counts, with the id of its run; empty unless asked for.
    """

    planned: PlannedTrial
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    last_seen: str | None = None
    kept: list[Dated] = field(default_factory=list)
    _heard: set[str] = field(default_factory=set)
    _looked_up: dict[str, Dated] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Trials with a verdict."""
        return self.passed + self.failed

    def add(self, trial: TrialResult, header: RunHeader, *, keep: bool = False) -> None:
        """Take in a trial; an answer that was only looked up waits until all are there.

        Args:
            trial: Of a run that began after those of all earlier calls.
            header: Of that run.
            keep: Keep the trial, not only what it came to.
        """
        self.last_seen = header.started
        if trial.status not in _JUDGED:
            self.unknown += trial.status != "skipped"
        elif trial.origin == "live":
            self._heard.add(_answer(trial))
            self._count((header.id, trial), keep=keep)
        else:
            self._looked_up.setdefault(_answer(trial), (header.id, trial))

    def close(self, *, keep: bool = False) -> None:
        """Count each answer that was looked up and that no live trial is known to have heard."""
        for answer, dated in self._looked_up.items():
            if answer not in self._heard:
                self._count(dated, keep=keep)
        self._looked_up.clear()

    def _count(self, dated: Dated, *, keep: bool) -> None:
        status = dated[1].status
        setattr(self, status, getattr(self, status) + 1)
        if keep:
            self.kept.append(dated)


class Histories(Struct, kw_only=True):
    """The histories of a plan's cases, in the order of the plan.

    Attributes:
        by_key: By what identifies a case on an arm.
        runs: Runs that had any of them.
        changed: Trials left out because something else was asserted then.
        broken: Runs that could not be read, or only up to a line.
    """

    by_key: dict[str, History]
    runs: int = 0
    changed: int = 0
    broken: int = 0


def read_histories(
    folder: Path, planned: Iterable[PlannedTrial], ids: Iterable[str], *, keep: bool = False
) -> Histories:
    """Gather what kept runs say of a plan's cases.

    Runs of untrusted files are passed over, and of runs that cannot be read whatever cannot.

    Args:
        folder: The folder of kept runs.
        planned: What is planned today; the samples of a case have one history.
        ids: Of the runs to look through, the oldest first.
        keep: Keep the trials, not only what they came to.
    """
    found = Histories(by_key={})
    for trial in planned:
        key = history_key(trial.suite.name, trial.case.id, trial.case_hash, trial.planned_arm.arm)
        found.by_key.setdefault(key, History(planned=trial))
    for id_ in ids:
        _read(folder / f"{id_}.jsonl", found, keep=keep)
    for history in found.by_key.values():
        history.close(keep=keep)
    return found


def history_key(suite: str, case: str, case_hash: str, arm: Arm) -> str:
    """What two trials must share to be of one history: another wording of a prompt is another."""
    content = arm.content_hash or arm.prompt
    return canonical_json([suite, case, case_hash, content, arm.model, dict(arm.parameters)])


def key_of_trial(trial: TrialResult) -> str:
    """The key of the history that a trial belongs to."""
    return history_key(trial.suite, trial.case, trial.case_hash, trial.arm)


def same_claims(trial: TrialResult, now: PlannedTrial) -> bool:
    """Whether what was asserted of a trial, as far as it came, is asserted today."""
    then: _Claims = [[(s.label, s.weight, s.soft) for s in e.scores] for e in trial.exchanges]
    today = [
        [(r.label, r.assertion.weight, r.assertion.soft) for r in stage.ready]
        for stage in now.stages
    ]
    return then == today[: len(then)]


def _read(path: Path, found: Histories, *, keep: bool) -> None:
    header = read_header(path)
    if header is None or header.untrusted:
        found.broken += header is None
        return
    seen = False
    for trial, history in _known(path, found):
        if trial.status in _JUDGED and not same_claims(trial, history.planned):
            found.changed += 1
            continue
        history.add(trial, header, keep=keep)
        seen = True
    found.runs += seen


def _known(path: Path, found: Histories) -> Iterator[tuple[TrialResult, History]]:
    try:
        for trial in read_run(path).trials():
            history = found.by_key.get(key_of_trial(trial))
            if history is not None:
                yield trial, history
    except InvalidInputError:
        found.broken += 1


def _answer(trial: TrialResult) -> str:
    said = [output_text(e.completion) if e.completion else None for e in trial.exchanges]
    return canonical_json([trial.sample, [e.digest for e in trial.exchanges], said])
