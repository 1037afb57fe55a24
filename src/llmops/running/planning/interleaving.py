"""Two plans of the same cases in, one out: cases in random order, both arms beside each other."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Final

from msgspec.structs import replace

from llmops.running.planning.plan import Plan
from llmops.running.planning.trial import PlannedTrial

_WINDOW: Final = 20_000
"""Trials of a large plan that are shuffled among each other; a smaller one is shuffled whole."""

Block = tuple[PlannedTrial, ...]
"""The trials of one case."""


def interleave(before: Plan | None, after: Plan, *, seed: int) -> Plan:
    """Make one plan of the base's and the change's.

    What changes with time, such as a provider's load, then meets both arms alike, and a run that is
    stopped early has seen a random choice of cases. Trials keep their place in reports: suite by
    suite, case by case, the base's first.

    Args:
        before: Plans no case that `after` does not, and in the same order; None for no base.
        after: The change's.
        seed: Fixes the order.
    """
    planned = after.planned + (before.planned if before is not None else 0)
    whole = list(_shuffled(before, after, seed)) if planned <= _WINDOW else None
    return Plan(
        suites=(*after.suites, *(before.suites if before is not None else ())),
        planned=planned,
        options=after.options,
        generate=lambda: _shuffled(before, after, seed),
        kept=whole,
    )


def _shuffled(before: Plan | None, after: Plan, seed: int) -> Iterator[PlannedTrial]:
    chance = Random(seed)  # noqa: S311 - the same order each time, not a secret
    window: list[Block] = []
    size = 0
    for block in _blocks(before, after):
        window.append(block)
        size += len(block)
        if size >= _WINDOW:
            yield from _drawn(window, chance)
            window, size = [], 0
    yield from _drawn(window, chance)


def _drawn(window: list[Block], chance: Random) -> Iterator[PlannedTrial]:
    """The cases in random order, round by round: first the least samples of every case."""
    chance.shuffle(window)
    rounds = max((round_of(trial) for block in window for trial in block), default=0)
    for number in range(rounds + 1):
        for block in window:
            own = tuple(trial for trial in block if round_of(trial) == number)
            yield from _alternating(own, chance)


def round_of(trial: PlannedTrial) -> int:
    """The round in which a sample is asked: 0 for the least that the suite wants.

    Every further round doubles the samples, so that few looks are taken at what they say.
    """
    least, number = trial.suite.samples.min, 0
    if trial.suite.samples.max == least:
        return 0
    while trial.sample >= least << number:
        number += 1
    return number


def _alternating(block: Block, chance: Random) -> Iterator[PlannedTrial]:
    """A case sample by sample, so that arms take turns; which one begins is drawn."""
    order = sorted(block, key=lambda trial: trial.sample)
    for _sample, trials in groupby(order, key=lambda trial: trial.sample):
        turn = list(trials)
        yield from turn if chance.random() < 0.5 else reversed(turn)


def _blocks(before: Plan | None, after: Plan) -> Iterator[Block]:
    """The trials case by case, numbered as reports show them."""
    number = 0
    first = _by_case(before.trials() if before is not None else iter(()))
    waiting = next(first, None)
    for key, trials in _by_case(after.trials()):
        block: list[PlannedTrial] = []
        if waiting is not None and waiting[0] == key:
            block += waiting[1]
            waiting = next(first, None)
        block += trials
        yield tuple(replace(trial, index=number + i) for i, trial in enumerate(block))
        number += len(block)


def _by_case(
    trials: Iterator[PlannedTrial],
) -> Iterator[tuple[tuple[str, str], Sequence[PlannedTrial]]]:
    for key, found in groupby(trials, key=lambda trial: (trial.suite.name, trial.case.id)):
        yield key, tuple(found)
