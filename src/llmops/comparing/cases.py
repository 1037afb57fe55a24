"""The trials of two arms in, the trials of each case that both have out."""

from collections.abc import Iterable, Sequence

from llmops.domain.run import TrialResult

Pairs = Sequence[tuple[Sequence[TrialResult], Sequence[TrialResult]]]
"""The trials of each case that both arms have: the first arm's, and the second's."""


def paired_cases(before: Iterable[TrialResult], after: Iterable[TrialResult]) -> Pairs:
    """The trials of each case that both arms have, by suite, case and what the case asks."""
    sides = _by_case(before), _by_case(after)
    return [(sides[0][key], sides[1][key]) for key in sides[0] if key in sides[1]]


def with_even_sides(pairs: Pairs) -> Pairs:
    """Both sides of each case with the same number of samples, the first ones.

    A mean of one sample and a mean of twenty differ in how they scatter, so that their difference
    leans to one side where nothing changed, and a test of signs would take that for a loss.
    """
    return [_even(*sides) for sides in pairs]


def _even(
    before: Sequence[TrialResult], after: Sequence[TrialResult]
) -> tuple[Sequence[TrialResult], Sequence[TrialResult]]:
    if len(before) == len(after):
        return before, after
    number = min(len(before), len(after))
    first, second = (
        sorted(side, key=lambda trial: (trial.sample, trial.arm.model))[:number]
        for side in (before, after)
    )
    return first, second


def _by_case(trials: Iterable[TrialResult]) -> dict[tuple[str, ...], list[TrialResult]]:
    found: dict[tuple[str, ...], list[TrialResult]] = {}
    for trial in trials:
        if trial.status != "skipped":
            found.setdefault((trial.suite, trial.case, trial.case_hash), []).append(trial)
    return found
