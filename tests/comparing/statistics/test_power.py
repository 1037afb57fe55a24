import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmops.comparing.statistics.mcnemar import mcnemar_midp
from llmops.comparing.statistics.power import cases_needed, mcnemar_power, smallest_drop


def counted_with_scipy(n: int, drop: float, discordance: float, alpha: float) -> float:
    total = 0.0
    for discordant in range(n + 1):
        coin = stats.binom(discordant, (discordance + drop) / (2 * discordance))
        losses = [b for b in range(discordant + 1) if mcnemar_midp(b, discordant - b) <= alpha]
        weight = stats.binom.pmf(discordant, n, discordance)
        total += weight * (coin.sf(losses[0] - 1) if losses else 0)
    return total


def test_the_power_is_the_count_over_all_tables() -> None:
    rng = Random(1)

    for _ in range(25):
        n, discordance = rng.randint(0, 40), rng.uniform(0.01, 1)
        drop, alpha = rng.uniform(0.001, discordance), rng.choice([0.025, 0.05])
        ours = mcnemar_power(n, drop=drop, discordance=discordance, alpha=alpha)
        assert ours == pytest.approx(counted_with_scipy(n, drop, discordance, alpha), abs=1e-9)


@pytest.mark.parametrize(("n", "points"), [(20, 31), (50, 13), (200, 3)])
def test_the_smallest_drops_of_the_plan_are_those_of_a_two_sided_test(n: int, points: int) -> None:
    drop = smallest_drop(n, alpha=0.025)

    assert drop is not None
    assert round(100 * drop) == points


@pytest.mark.parametrize(("n", "points"), [(20, 26), (50, 11), (200, 3)])
def test_the_smallest_drops_of_a_one_sided_test_are_smaller(n: int, points: int) -> None:
    drop = smallest_drop(n)

    assert drop is not None
    assert round(100 * drop) == points


def test_the_smallest_drop_is_seen_four_times_in_five() -> None:
    for n, discordance in [(30, None), (120, 0.1), (1_500, 0.2)]:
        drop = smallest_drop(n, discordance=discordance)
        assert drop is not None
        share = max(drop, discordance or 0)
        assert mcnemar_power(n, drop=drop, discordance=share) == pytest.approx(0.8, abs=1e-6)


def test_more_discordance_hides_more() -> None:
    drops = [smallest_drop(100, discordance=share) for share in (0.0, 0.1, 0.3, 0.6)]

    assert None not in drops
    assert drops == sorted(drops)
    assert len(set(drops)) == 4


def test_a_suite_that_can_see_nothing_says_so() -> None:
    assert [smallest_drop(n) for n in (0, 1, 3)] == [None, None, None]
    assert smallest_drop(4) is not None


def test_connors_number_of_cases_has_the_power_it_promises() -> None:
    for drop, discordance in [(0.05, 0.1), (0.1, 0.3), (0.03, 0.12), (0.2, 0.5)]:
        n = cases_needed(drop=drop, discordance=discordance)
        power = mcnemar_power(n, drop=drop, discordance=discordance)
        assert power == pytest.approx(0.8, abs=0.03)


def test_connors_formula_is_worked_by_hand() -> None:
    spread = 1.959964 * math.sqrt(0.25) + 0.841621 * math.sqrt(0.25 - 0.15**2)

    assert cases_needed(drop=0.15, discordance=0.25, alpha=0.025) == math.ceil((spread / 0.15) ** 2)
    assert cases_needed(drop=1, discordance=1) == 3


def test_counting_and_the_normal_approximation_meet() -> None:
    counted = mcnemar_power(1_000, drop=0.03, discordance=0.1)
    near = mcnemar_power(1_001, drop=0.03, discordance=0.1)

    assert counted == pytest.approx(near, abs=0.005)


def test_a_drop_of_everything_is_seen_for_sure() -> None:
    assert mcnemar_power(2_000, drop=1, discordance=1) == 1
    assert mcnemar_power(500, drop=1, discordance=1) == pytest.approx(1)


def test_the_false_alarms_of_mid_p_are_counted_exactly() -> None:
    for n in (20, 50, 200):
        for percent in (1, 2, 5, 10, 15, 20, 30):
            alarms = mcnemar_power(n, drop=1e-12, discordance=percent / 100)
            assert alarms <= 0.0515


@given(n=st.integers(0, 60), discordance=st.floats(0.05, 1), data=st.data())
def test_power_grows_with_the_drop(n: int, discordance: float, data: st.DataObject) -> None:
    low, high = sorted(data.draw(st.floats(0.01, discordance)) for _ in range(2))

    smaller, larger = (mcnemar_power(n, drop=drop, discordance=discordance) for drop in (low, high))

    assert 0 <= smaller <= larger + 1e-9
    assert larger <= 1


@pytest.mark.parametrize(("drop", "discordance"), [(0, 0.1), (0.2, 0.1), (0.5, 1.2), (-0.1, 0.1)])
def test_a_drop_that_cannot_be_is_refused(drop: float, discordance: float) -> None:
    with pytest.raises(ValueError, match="cannot come of a discordance"):
        mcnemar_power(10, drop=drop, discordance=discordance)
    with pytest.raises(ValueError, match="cannot come of a discordance"):
        cases_needed(drop=drop, discordance=discordance)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="cases must be at least 0"):
        mcnemar_power(-1, drop=0.1, discordance=0.1)
    with pytest.raises(ValueError, match="alpha must lie between"):
        mcnemar_power(1, drop=0.1, discordance=0.1, alpha=0)
    with pytest.raises(ValueError, match="the power must lie between"):
        smallest_drop(10, power=1)
    with pytest.raises(ValueError, match="the discordance must lie from 0 to 1"):
        smallest_drop(10, discordance=1.5)
