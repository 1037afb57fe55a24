"""The arms of two sides in, those out that the second has beside all that the first had."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from llmops.domain.completion import canonical_json
from llmops.domain.run import Arm, TrialResult

NewArms = frozenset[tuple[str, str]]
"""Suites' names with the keys of their new arms."""

_REF: Final = re.compile(r"@\S+")
_OF_BASE: Final = " (base)"


def new_arms(before: Mapping[str, Sequence[Arm]], after: Mapping[str, Sequence[Arm]]) -> NewArms:
    """Find the arms that have no counterpart: their answers would weigh up the loss of others.

    Each arm of the first side takes the arm that is most like it: the same prompt, model and
    parameters; the same prompt and model; the same model; the same prompt; any. What is left over
    is new.

    Args:
        before: Arms by suite; a suite that is not there has nothing to compare.
        after: Arms by suite.
    """
    return frozenset(
        (suite, arm_key(arm))
        for suite, arms in after.items()
        if before.get(suite)
        for arm in _left(before[suite], arms)
    )


def arms_of_trials(trials: Iterable[TrialResult]) -> dict[str, list[Arm]]:
    """The arms that trials are of, by suite, each once and in their order."""
    found: dict[str, dict[str, Arm]] = {}
    for trial in trials:
        found.setdefault(trial.suite, {}).setdefault(arm_key(trial.arm), trial.arm)
    return {suite: list(arms.values()) for suite, arms in found.items()}


def compared(trials: Iterable[TrialResult], new: Collection[tuple[str, str]]) -> list[TrialResult]:
    """The trials whose arm has a counterpart."""
    return [trial for trial in trials if not new or not is_new(trial.suite, trial.arm, new)]


def without_counterpart(
    before: Iterable[TrialResult], after: Iterable[TrialResult], new: NewArms
) -> frozenset[str]:
    """Ids of the trials whose case or arm the first side does not have."""
    asked = {(trial.suite, trial.case, trial.case_hash) for trial in before}
    return frozenset(
        trial.id
        for trial in after
        if (trial.suite, trial.case, trial.case_hash) not in asked
        or (new and is_new(trial.suite, trial.arm, new))
    )


def is_new(suite: str, arm: Arm, new: Collection[tuple[str, str]]) -> bool:
    """Whether an arm of a suite is one of the new."""
    return (suite, arm_key(arm)) in new


def arm_key(arm: Arm) -> str:
    """What tells an arm from others of its suite."""
    return canonical_json([arm.prompt, arm.model, dict(arm.parameters)])


def _left(before: Sequence[Arm], after: Sequence[Arm]) -> list[Arm]:
    free, left = list(before), list(after)
    for likeness in (_whole, _without_parameters, _model, _prompt, _any):
        unmatched = []
        for arm in left:
            found = next((one for one in free if likeness(one) == likeness(arm)), None)
            if found is None:
                unmatched.append(arm)
            else:
                free.remove(found)
        left = unmatched
    return left


def _whole(arm: Arm) -> str:
    return canonical_json([_prompt(arm), _model(arm), dict(arm.parameters)])


def _without_parameters(arm: Arm) -> str:
    return canonical_json([_prompt(arm), _model(arm)])


def _model(arm: Arm) -> str:
    return arm.model.removesuffix(_OF_BASE)


def _prompt(arm: Arm) -> str:
    return _REF.sub("", arm.prompt)


def _any(arm: Arm) -> str:
    del arm
    return ""
