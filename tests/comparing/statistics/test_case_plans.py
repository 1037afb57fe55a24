from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from llmops.comparing.statistics.planning import (
    Aim,
    Spread,
    best_plan,
    cheapest_plan,
    spread_of,
    visible_drop,
)

SPREADS = st.builds(Spread, between=st.floats(0.001, 0.2), within=st.floats(0, 0.5))


def test_the_visible_drop_has_its_power_by_statsmodels() -> None:
    rng = Random(1)
    reference = NormalIndPower(ddof=0)

    for _ in range(200):
        spread = Spread(between=rng.uniform(0.001, 0.2), within=rng.uniform(0, 0.4))
        cases, samples = rng.randint(1, 500), rng.randint(1, 9)
        drop = visible_drop(spread, cases=cases, samples=samples)
        size = drop / spread.of_mean(1, samples) ** 0.5
        power = reference.power(size, cases, 0.05, ratio=0, alternative="larger")
        assert power == pytest.approx(0.8, abs=1e-9)


def test_millers_formula_is_worked_by_hand() -> None:
    spread, aim = Spread(between=1 / 9, within=2 / 6), Aim(alpha=0.025, power=0.8)

    drop = visible_drop(spread, cases=198, samples=1, aim=aim)

    assert drop == pytest.approx((1.959964 + 0.841621) * ((1 / 9 + 1 / 3) / 198) ** 0.5)
    assert drop == pytest.approx(0.1327, abs=5e-5)


def test_the_spread_of_past_runs_is_found_again() -> None:
    rng = Random(2)
    cases = []
    for _ in range(4_000):
        shift = rng.gauss(0, 0.2)
        baseline = [rng.gauss(0, 0.3) for _ in range(4)]
        candidate = [rng.gauss(shift, 0.1) for _ in range(3)]
        cases.append((baseline, candidate))

    spread = spread_of(cases)

    assert spread.between == pytest.approx(0.2**2, rel=0.1)
    assert spread.within == pytest.approx(0.3**2 + 0.1**2, rel=0.05)


def test_single_samples_cannot_be_told_from_cases() -> None:
    spread = spread_of([([0.0], [1.0]), ([1.0], [0.0]), ([1.0], [1.0])])

    assert spread == Spread(between=1.0, within=0.0)


def test_samples_that_explain_all_leave_nothing_between_cases() -> None:
    spread = spread_of([([0.0, 1.0], [0.0, 1.0]), ([1.0, 0.0], [1.0, 0.0])])

    assert spread == Spread(between=0.0, within=1.0)


def test_the_cheapest_plan_takes_cases_before_samples() -> None:
    spread = Spread(between=0.02, within=0.3)

    many = cheapest_plan(spread, drop=0.05, cases=10_000)
    few = cheapest_plan(spread, drop=0.05, cases=200)
    none = cheapest_plan(spread, drop=0.05, cases=40)

    assert many is not None
    assert few is not None
    assert (many.samples, many.cases) == (1, 792)
    assert few.samples > 1
    assert few.cases <= 200
    assert few.trials == 2 * few.cases * few.samples
    assert none is None


def test_without_any_spread_one_case_is_enough() -> None:
    still = Spread(between=0, within=0)

    plan = cheapest_plan(still, drop=0.01, cases=5)

    assert plan is not None
    assert (plan.cases, plan.samples, plan.drop) == (1, 1, 0)


def test_cases_that_do_not_repeat_alike_can_be_too_few() -> None:
    assert cheapest_plan(Spread(between=0.2, within=0), drop=0.01, cases=10) is None


def test_the_best_plan_for_a_budget_takes_cases_before_samples() -> None:
    spread = Spread(between=0.02, within=0.3)

    rich, poor = (best_plan(spread, trials=trials, cases=100) for trials in (1_000, 60))

    assert rich is not None
    assert poor is not None
    assert (rich.cases, rich.samples) == (100, 5)
    assert (poor.cases, poor.samples) == (30, 1)
    assert best_plan(spread, trials=1, cases=100) is None


@given(spread=SPREADS, drop=st.floats(0.02, 0.5), cases=st.integers(1, 400))
def test_the_cheapest_plan_sees_the_drop_and_nothing_cheaper_does(
    spread: Spread, drop: float, cases: int
) -> None:
    plan = cheapest_plan(spread, drop=drop, cases=cases)

    if plan is None:
        assert visible_drop(spread, cases=cases, samples=10**9) > drop * (1 - 1e-6)
        return
    assert plan.cases <= cases
    assert plan.drop <= drop * (1 + 1e-9)
    for samples in range(1, min(plan.samples + 4, 40)):
        affordable = min(cases, (plan.trials // 2 - 1) // samples)
        if affordable:
            seen = visible_drop(spread, cases=affordable, samples=samples)
            assert seen > drop * (1 - 1e-9)


@given(spread=SPREADS, trials=st.integers(2, 2_000), cases=st.integers(1, 300))
def test_no_other_plan_sees_more_for_the_budget(spread: Spread, trials: int, cases: int) -> None:
    plan = best_plan(spread, trials=trials, cases=cases)

    assert plan is not None
    assert plan.trials <= trials
    assert plan.cases <= cases
    for samples in range(1, 30):
        affordable = min(cases, trials // 2 // samples)
        if affordable:
            seen = visible_drop(spread, cases=affordable, samples=samples)
            assert plan.drop <= seen + 1e-12


def test_what_cannot_be_planned_is_refused() -> None:
    spread = Spread(between=0.1, within=0.1)
    with pytest.raises(ValueError, match="a variance cannot be below 0"):
        Spread(between=-1, within=0)
    with pytest.raises(ValueError, match="needs no trial"):
        Aim(alpha=0.2, power=0.1)
    with pytest.raises(ValueError, match="cases must be at least 2"):
        spread_of([([0.0], [1.0])])
    with pytest.raises(ValueError, match="the samples of a case must be at least 1"):
        spread_of([([0.0], []), ([0.0], [1.0])])
    with pytest.raises(ValueError, match="must be above 0"):
        cheapest_plan(spread, drop=0, cases=3)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        visible_drop(spread, cases=1, samples=0)
    with pytest.raises(ValueError, match="trials must be at least 0"):
        best_plan(spread, trials=-1, cases=3)
