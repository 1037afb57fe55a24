from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.proportions import newcombe, newcombe_paired, wilson

CELLS = st.tuples(*[st.integers(0, 60)] * 4)


def test_wilsons_interval_is_that_of_statsmodels() -> None:
    rng = Random(1)

    for _ in range(200):
        n, confidence = rng.randint(1, 500), rng.choice([0.8, 0.9, 0.95, 0.99])
        passed = rng.randint(0, n)
        low, high = proportion_confint(passed, n, alpha=1 - confidence, method="wilson")
        ours = wilson(passed, n, confidence=confidence)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_examples_of_newcombe_1998_are_reproduced(
    passed: int, n: int, low: float, high: float
) -> None:
    ours = wilson(passed, n)

    assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-5)


def test_newcombes_interval_of_two_rates_is_that_of_statsmodels() -> None:
    rng = Random(2)

    for _ in range(200):
        baseline, candidate = rng.randint(1, 300), rng.randint(1, 300)
        old, new = rng.randint(0, baseline), rng.randint(0, candidate)
        low, high = confint_proportions_2indep(
            new, candidate, old, baseline, method="newcomb", compare="diff"
        )
        ours = newcombe((old, baseline), (new, candidate))
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9)


def test_the_airway_example_of_fagerland_2014_is_reproduced() -> None:
    ours = newcombe_paired((1, 7, 1, 12))

    assert (ours.low, ours.high) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_without_correlation_the_paired_interval_is_the_unpaired_one() -> None:
    assert newcombe_paired((0, 9, 0, 11)) == newcombe((9, 20), (0, 20))


def test_arms_that_agree_make_the_paired_interval_narrower() -> None:
    paired, unpaired = newcombe_paired((40, 2, 3, 15)), newcombe((42, 60), (43, 60))

    assert paired.low > unpaired.low
    assert paired.high < unpaired.high


@given(n=st.integers(1, 300), data=st.data())
def test_wilsons_interval_holds_the_rate_and_mirrors(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n))

    ours, mirrored = wilson(passed, n), wilson(n - passed, n)

    assert 0 <= ours.low <= passed / n <= ours.high <= 1
    assert ours.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@given(n=st.integers(2, 200), data=st.data())
def test_wilsons_bounds_grow_with_what_passed(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n - 1))

    ours, more = wilson(passed, n), wilson(passed + 1, n)

    assert ours.low <= more.low
    assert ours.high <= more.high


@given(cells=CELLS)
def test_the_paired_interval_holds_the_difference_and_mirrors(
    cells: tuple[int, int, int, int],
) -> None:
    both, losses, wins, neither = cells

    ours, mirrored = newcombe_paired(cells), newcombe_paired((both, wins, losses, neither))

    difference = (wins - losses) / sum(cells) if sum(cells) else 0
    assert -1 <= ours.low <= difference + 1e-12
    assert difference - 1e-12 <= ours.high <= 1
    assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-12)


def test_without_trials_nothing_is_known() -> None:
    assert wilson(0, 0) == Interval(low=0, high=1)
    assert newcombe((0, 0), (3, 4)) == Interval(low=-1, high=1)
    assert newcombe_paired((0, 0, 0, 0)) == Interval(low=-1, high=1)


def test_all_that_passed_reaches_one_and_all_that_failed_zero() -> None:
    assert wilson(30, 30).high == 1
    assert wilson(0, 30).low == 0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2 cannot have passed"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="must be at least 0"):
        wilson(-1, 2)
    with pytest.raises(ValueError, match="a cell must be at least 0"):
        newcombe_paired((1, -1, 0, 0))
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        wilson(1, 2, confidence=1)


def test_an_interval_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match="is no interval"):
        Interval(low=1, high=0)
    with pytest.raises(ValueError, match="is no interval"):
        Interval(low=float("nan"), high=0)


def test_a_hull_holds_both_intervals() -> None:
    assert Interval(low=-1, high=0).hull(Interval(low=-0.5, high=2)) == Interval(low=-1, high=2)
