from random import Random

import pytest
from statsmodels.stats.power import NormalIndPower

from llmops.comparing.statistics.planning import (
    Aim,
    Spread,
    spread_of,
    visible_drop,
)


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
    with pytest.raises(ValueError, match="samples must be at least 1"):
        visible_drop(spread, cases=1, samples=0)
