from collections.abc import Sequence
from itertools import pairwise
from math import comb, sqrt
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.comparing.foresight import (
    MOST_SAMPLES,
    WORST,
    Wavering,
    best_drop,
    cases_for,
    drop_seen,
    plan_for_drop,
    plan_for_trials,
    wavering_of,
)
from llmops.comparing.statistics.planning import Aim, Plan, Spread

AIM = Aim()
Arms = list[tuple[list[float], list[float]]]
SPREADS = st.builds(Spread, between=st.floats(0.01, 0.2), within=st.floats(0, 0.4))
WAVERINGS = st.builds(Wavering, spread=SPREADS, discordance=st.floats(0, 0.5))
BETWEEN = Wavering(spread=Spread(between=0.02, within=0.25), discordance=0.25)


def arms(rng: Random, cases: int, samples: int, drop: float = 0.0) -> Arms:
    """Cases that pass with chances of their own; the drop falls on every case alike."""
    made = []
    for _ in range(cases):
        chance = rng.betavariate(8, 2)
        sides = [
            [float(rng.random() < share) for _ in range(samples)]
            for share in (chance, chance * (1 - drop / 0.8))
        ]
        made.append((sides[0], sides[1]))
    return made


def by_mcnemar(cases: Arms) -> bool:
    losses = sum(before > after for before, after in cases)
    wins = sum(before < after for before, after in cases)
    n = losses + wins
    above = sum(comb(n, k) for k in range(losses + 1, n + 1))
    return (above + comb(n, losses) / 2) / 2**n <= 0.05


def by_t(cases: Arms) -> bool:
    differences = [fmean(after) - fmean(before) for before, after in cases]
    error = stdev(differences) / sqrt(len(differences))
    return error > 0 and fmean(differences) / error < -1.66


def share_seen(rng: Random, plan: Plan, drop: float) -> float:
    sees = by_mcnemar if plan.samples == 1 else by_t
    return fmean(sees(arms(rng, plan.cases, plan.samples, drop)) for _ in range(400))


@pytest.mark.parametrize(("drop", "cases", "samples"), [(0.08, 600, 1), (0.08, 150, 3)])
def test_a_plan_made_of_past_arms_sees_the_drop_as_often_as_it_says(
    drop: float, cases: int, samples: int
) -> None:
    rng = Random(7)
    wavering = wavering_of(arms(rng, 400, 4))

    plan = plan_for_drop(wavering, drop, cases, AIM)

    assert plan is not None
    assert plan.samples == samples
    assert 0.78 <= share_seen(rng, plan, drop) <= 0.9


def test_what_a_plan_for_money_says_that_it_sees_it_sees() -> None:
    rng = Random(8)
    wavering = wavering_of(arms(rng, 400, 4))

    plan = plan_for_trials(wavering, 1_000, 120, AIM)

    assert plan is not None
    assert (plan.cases, plan.samples) == (100, 5)
    assert 0.78 <= share_seen(rng, plan, plan.drop) <= 0.9


def test_the_worst_that_can_be_is_seen_as_often_as_is_said() -> None:
    rng = Random(9)
    drop = drop_seen(WORST, 60, 1, AIM)
    assert drop is not None
    lost, won = 0.25 + drop, 0.25

    seen = [
        by_mcnemar(
            [
                ([1.0], [float(luck >= lost)]) if luck < 1 - won else ([0.0], [1.0])
                for luck in (rng.random() for _ in range(60))
            ]
        )
        for _ in range(400)
    ]

    assert fmean(seen) == pytest.approx(0.8, abs=0.06)


def test_one_case_more_than_was_seen_is_taken_as_different() -> None:
    alike = [([1.0], [1.0])] * 19

    wavering = wavering_of(alike)

    assert wavering.discordance == pytest.approx(1 / 20)
    assert wavering.spread.between == pytest.approx(1 / 20)
    assert wavering.spread.within == 0


def test_samples_are_paired_with_every_sample_of_the_other_arm() -> None:
    wavering = wavering_of([([1.0, 0.0], [1.0, 0.0])])

    assert wavering.discordance == pytest.approx((0.5 + 1) / 2)


def test_no_case_says_nothing() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        wavering_of([])


def test_more_samples_show_more_up_to_what_the_cases_can() -> None:
    seen = [drop_seen(BETWEEN, 50, samples, AIM) for samples in (1, 2, 5, 50, 5_000)]

    drops = [drop for drop in seen if drop is not None]
    assert len(drops) == 5
    assert drops == sorted(drops, reverse=True)
    assert drops[0] > drops[1]
    assert drops[-1] == best_drop(50, AIM)


def test_more_samples_show_nothing_where_nothing_is_known_of_them() -> None:
    assert drop_seen(WORST, 40, 1, AIM) == drop_seen(WORST, 40, 9, AIM)


@pytest.mark.parametrize("samples", [1, 7])
def test_so_few_cases_see_nothing(samples: int) -> None:
    assert drop_seen(BETWEEN, 3, samples, AIM) is None
    assert best_drop(3, AIM) is None
    assert plan_for_drop(BETWEEN, 1.0, 3, AIM) is None
    assert plan_for_trials(BETWEEN, 1_000, 3, AIM) is None


def test_a_drop_is_planned_with_cases_before_samples() -> None:
    many, few, none = (plan_for_drop(BETWEEN, 0.08, cases, AIM) for cases in (400, 100, 40))

    assert many is not None
    assert few is not None
    assert many.samples == 1
    assert many.cases == cases_for(BETWEEN, 0.08, AIM)
    assert few.samples > 1
    assert few.cases <= 100
    assert none is None


def test_a_drop_that_no_number_of_cases_shows_is_said_to_be_none() -> None:
    assert cases_for(BETWEEN, 1e-300, AIM) is None
    assert plan_for_drop(BETWEEN, 1e-300, 500, AIM) is None


@given(wavering=WAVERINGS, drop=st.floats(0.05, 1), cases=st.integers(1, 120))
@settings(max_examples=40, deadline=None)
def test_a_plan_for_a_drop_sees_it_and_a_case_or_a_sample_less_does_not(
    wavering: Wavering, drop: float, cases: int
) -> None:
    plan = plan_for_drop(wavering, drop, cases, AIM)

    if plan is None:
        best = drop_seen(wavering, cases, MOST_SAMPLES, AIM)
        assert best is None or best > drop - 1e-6
        return
    seen = drop_seen(wavering, plan.cases, plan.samples, AIM)
    assert plan.cases <= cases
    assert seen is not None
    assert seen <= drop * (1 + 1e-6) + 1e-6
    if plan.samples > 1:
        fewer = drop_seen(wavering, cases, plan.samples - 1, AIM)
        assert fewer is not None
        assert fewer > drop - 1e-6


@given(wavering=WAVERINGS, trials=st.integers(0, 900), cases=st.integers(1, 80))
@settings(max_examples=40, deadline=None)
def test_hardly_any_other_plan_sees_more_for_the_trials(
    wavering: Wavering, trials: int, cases: int
) -> None:
    plan = plan_for_trials(wavering, trials, cases, AIM)

    others = [
        seen
        for samples in range(1, 12)
        if (used := min(cases, trials // 2 // samples))
        and (seen := drop_seen(wavering, used, samples, AIM)) is not None
    ]
    if plan is None:
        assert not others
        return
    assert plan.trials <= trials
    assert plan.cases <= cases
    assert plan.drop <= min(others, default=1) * 1.02


def test_more_money_never_shows_less() -> None:
    plans: Sequence[Plan | None] = [
        plan_for_trials(BETWEEN, trials, 60, AIM) for trials in (60, 120, 240, 480, 10**12)
    ]

    drops = [plan.drop for plan in plans if plan is not None]
    assert len(drops) == 5
    assert all(after <= before for before, after in pairwise(drops))
    assert plans[-1] is not None
    assert plans[-1].samples <= MOST_SAMPLES
