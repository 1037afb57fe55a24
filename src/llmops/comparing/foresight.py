"""How small a drop cases and samples can show, and which of them show one best, from past arms."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import fmean
from typing import Final

from msgspec import Struct

from llmops.comparing.statistics.planning import (
    Aim,
    Plan,
    Spread,
    spread_of,
    visible_drop,
)
from llmops.comparing.statistics.power import mcnemar_power

MOST_SAMPLES: Final = 10_000
"""No plan asks a case more often."""
_MOST_CASES: Final = 1_000_000
_HALVINGS: Final = 24
_ROUNDING: Final = 1 + 1e-9


class Wavering(Struct, frozen=True, kw_only=True):
    """How much verdicts of the same case differ between two arms.

    Attributes:
        spread: Where the differences come from.
        discordance: The share of pairs of answers whose verdicts differ, 0 to 1.
    """

    spread: Spread
    discordance: float


WORST: Final = Wavering(spread=Spread(between=0.5, within=0.0), discordance=0.5)
"""Half of the cases come out differently whatever is changed, and no sample more can tell."""


def wavering_of(cases: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Wavering:
    """What past arms say; one more case than was seen is taken as different, for none is certain.

    Args:
        cases: 1 for passed and 0 for failed, on both arms, for each case; one case at least.

    Raises:
        ValueError: There is no case, or one without a score on an arm.
    """
    counted = [*cases, ((1.0,), (0.0,))]
    spread = spread_of(counted)
    means = [(fmean(first), fmean(second)) for first, second in counted]
    differing = fmean(p * (1 - q) + q * (1 - p) for p, q in means)
    return Wavering(spread=spread, discordance=differing)


def drop_seen(wavering: Wavering, cases: int, samples: int, aim: Aim) -> float | None:
    """The smallest drop of the pass rate that can be seen, a share; None when not even 1 is.

    With one sample the power of McNemar's test says it, the drop coming on top of what differs
    without one. More samples lessen it as they lessen the
    standard error of the difference, but never below what is seen if every case that differs is a
    loss: a change that breaks few cases, and those always, is no plainer for being asked again.
    """
    single = _drop_of_one_sample(cases, wavering.discordance, aim)
    floor = best_drop(cases, aim)
    if single is None or floor is None:
        return single
    return max(floor, single * _lessened(wavering.spread, samples, aim))


def best_drop(cases: int, aim: Aim) -> float | None:
    """The smallest drop that can be seen if every case that differs is a loss."""
    return _drop_of_one_sample(cases, 0.0, aim)


def plan_for_drop(wavering: Wavering, drop: float, cases: int, aim: Aim) -> Plan | None:
    """The fewest trials that see a drop; None when the cases cannot.

    A case more says more than a sample more, so samples are added only when the cases have run out.

    Args:
        wavering: Of past arms.
        drop: Above 0, at most 1.
        cases: How many there are, at least 1.
        aim: How surely.
    """

    def sees(used: int, samples: int) -> bool:
        once = min(1.0, drop / _lessened(wavering.spread, samples, aim) * _ROUNDING)
        discordance = wavering.discordance
        return _sees(used, drop, 0.0, aim) and _sees(used, once, discordance, aim)

    if not sees(cases, MOST_SAMPLES):
        return None
    samples = _least(MOST_SAMPLES, lambda asked: sees(cases, asked))
    used = _least(cases, lambda counted: sees(counted, samples))
    return Plan(cases=used, samples=samples, drop=drop)


def plan_for_trials(wavering: Wavering, trials: int, cases: int, aim: Aim) -> Plan | None:
    """The plan that sees the smallest drop for at most so many trials on both arms.

    No case or sample is planned that shows nothing more.

    Args:
        wavering: Of past arms.
        trials: What may be spent, at least 0.
        cases: How many there are, at least 1.
        aim: How surely.

    Returns:
        None when so few trials cannot see any drop.
    """
    pairs = min(trials // 2, cases * MOST_SAMPLES)
    most = pairs // cases
    tried = [(min(cases, pairs), 1), (cases, most), (pairs // (most + 1), most + 1)]
    plans = [
        Plan(cases=used, samples=samples, drop=drop)
        for used, samples in tried
        if used and samples and (drop := drop_seen(wavering, used, samples, aim)) is not None
    ]
    if not plans:
        return None
    best = min(plans, key=lambda plan: (plan.drop, plan.trials))
    return plan_for_drop(wavering, best.drop, best.cases, aim)


def cases_for(wavering: Wavering, drop: float, aim: Aim) -> int | None:
    """How many cases, one sample each, would see a drop; None for more than a million."""

    def sees(cases: int) -> bool:
        return _sees(cases, drop, wavering.discordance, aim)

    return _least(_MOST_CASES, sees) if sees(_MOST_CASES) else None


def _lessened(spread: Spread, samples: int, aim: Aim) -> float:
    """What the smallest drop becomes with more samples, a share; 1 where they show nothing."""
    if not spread.within:
        return 1.0
    one, more = (visible_drop(spread, cases=1, samples=asked, aim=aim) for asked in (1, samples))
    return more / one


@lru_cache(maxsize=1024)
def _drop_of_one_sample(cases: int, discordance: float, aim: Aim) -> float | None:
    if not _sees(cases, 1.0, 0.0, aim):
        return None
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _sees(cases, middle, discordance, aim) else (middle, high)
    return high


def _sees(cases: int, drop: float, discordance: float, aim: Aim) -> bool:
    """Whether McNemar's test shows a drop that comes on top of what differs without it."""
    share = min(1.0, discordance + drop)
    return mcnemar_power(cases, drop=drop, discordance=share, alpha=aim.alpha) >= aim.power


def _least(most: int, enough: Callable[[int], bool]) -> int:
    """The least count, from 1, that is enough, when `most` is."""
    low, high = 0, 1
    while high < most and not enough(high):
        low, high = high, min(most, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
