"""Trials of two sides in, those that decide something out: what is quarantined now is left out."""

from collections.abc import Iterable, Iterator

from llmops.domain.run import TrialResult

_Key = tuple[str, str, str]


def deciding(
    before: Iterable[TrialResult], after: Iterable[TrialResult]
) -> tuple[list[TrialResult], list[TrialResult]]:
    """The trials of both sides but for the cases that are quarantined on the second."""
    first, second = list(before), list(after)
    excused = {_key(trial) for trial in second if trial.quarantined is not None}
    return [t for t in first if _key(t) not in excused], [
        t for t in second if _key(t) not in excused
    ]


def excused_words(trials: Iterable[TrialResult]) -> Iterator[str]:
    """What became of each quarantined case, in a line each."""
    found: dict[_Key, list[TrialResult]] = {}
    for trial in trials:
        if trial.quarantined is not None:
            found.setdefault(_key(trial), []).append(trial)
    for (suite, case, _), own in found.items():
        passed, failed = (sum(t.status == status for t in own) for status in ("passed", "failed"))
        unknown = len(own) - passed - failed
        missing = f", {unknown:,} without a verdict" if unknown else ""
        yield (
            f"{suite}::{case} decides nothing, quarantined {own[0].quarantined}:"
            f" {passed:,} of {len(own):,} passed{missing}"
        )


def _key(trial: TrialResult) -> _Key:
    return (trial.suite, trial.case, trial.case_hash)
