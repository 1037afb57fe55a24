import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmops.comparing.statistics.change import ThenNow, change_interval, change_test, smallest_fall
from llmops.comparing.statistics.proportions import newcombe


@st.composite
def cases(draw: st.DrawFn) -> ThenNow:
    then, now = draw(st.integers(1, 40)), draw(st.integers(1, 8))
    passed = draw(st.integers(0, then)), draw(st.integers(0, now))
    return ThenNow(then=(passed[0], then), now=(passed[1], now))


@given(cases())
def test_one_case_is_fishers_exact_test(case: ThenNow) -> None:
    table = [[side[0], side[1] - side[0]] for side in (case.now, case.then)]

    fell, rose = change_test([case])

    assert fell == pytest.approx(stats.fisher_exact(table, "less").pvalue, abs=1e-9)
    assert rose == pytest.approx(stats.fisher_exact(table, "greater").pvalue, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(cases(), min_size=1, max_size=3))
def test_several_cases_are_the_sum_over_all_that_could_have_been(found: list[ThenNow]) -> None:
    chances = {0: 1.0}
    for case in found:
        asked, passed = case.then[1] + case.now[1], case.then[0] + case.now[0]
        law = stats.hypergeom(asked, passed, case.now[1])
        grown: dict[int, float] = {}
        for k, chance in chances.items():
            for more in range(case.now[1] + 1):
                grown[k + more] = grown.get(k + more, 0.0) + chance * float(law.pmf(more))
        chances = grown
    seen = sum(case.now[0] for case in found)

    fell, rose = change_test(found)

    assert fell == pytest.approx(sum(p for k, p in chances.items() if k <= seen), abs=1e-9)
    assert rose == pytest.approx(sum(p for k, p in chances.items() if k >= seen), abs=1e-9)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_the_interval_is_newcombes_where_every_case_has_one_trial(
    then: int, now: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, then)), data.draw(st.integers(0, now))

    found = change_interval([ThenNow(then=(passed[0], then), now=(passed[1], now))], confidence=0.9)

    wanted = newcombe((passed[0], then), (passed[1], now), confidence=0.9)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_nothing_at_all_says_nothing() -> None:
    interval = change_interval([], confidence=0.95)

    assert (interval.low, interval.high) == (-1.0, 1.0)
    assert change_test([]) == (1.0, 1.0)
    assert smallest_fall([], alpha=0.05) is None


@pytest.mark.parametrize(
    ("then", "now"), [((2, 1), (0, 1)), ((0, 0), (0, 1)), ((0, 1), (-1, 1)), ((0, 1), (2, 1))]
)
def test_impossible_counts_are_refused(then: tuple[int, int], now: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"passed|asked"):
        ThenNow(then=then, now=now)


def test_more_trials_see_smaller_falls_and_a_rate_of_nothing_cannot_fall() -> None:
    few, many = ([ThenNow(then=(9, 10), now=(n, n))] * 20 for n in (1, 10))

    seen = [smallest_fall(group, alpha=0.025) for group in (few, many)]

    assert seen[0] is not None
    assert seen[1] is not None
    assert 0 < seen[1] < seen[0] < 1
    assert smallest_fall([ThenNow(then=(0, 5), now=(0, 5))], alpha=0.025) is None
    assert smallest_fall([ThenNow(then=(1, 10), now=(0, 1))], alpha=0.025) is None


def looks(rng: Random, rates: Sequence[float], fall: float, trials: tuple[int, int]) -> float:
    """The share of 300 looks in which one of the p-values is at most 2.5 %."""
    found = 0
    for _ in range(300):
        made = [
            ThenNow(
                then=(_passed(rng, rate, trials[0]), trials[0]),
                now=(_passed(rng, rate - fall, trials[1]), trials[1]),
            )
            for rate in rates
        ]
        found += min(change_test(made)) <= 0.025
    return found / 300


def _passed(rng: Random, rate: float, n: int) -> int:
    return sum(rng.random() < rate for _ in range(n))


@pytest.mark.parametrize("trials", [(50, 1), (12, 3), (5, 5)])
@pytest.mark.parametrize("rates", [[0.95] * 15, [0.6 + 0.02 * n for n in range(20)]])
def test_without_a_change_one_in_twenty_looks_at_most_is_a_false_alarm(
    trials: tuple[int, int], rates: list[float]
) -> None:
    assert looks(Random(trials[0]), rates, 0.0, trials) <= 0.05


def test_the_power_is_what_the_smallest_fall_promises() -> None:
    made = [ThenNow(then=(11, 12), now=(3, 3))] * 20
    fall = smallest_fall(made, alpha=0.025)

    assert fall is not None
    assert 0.7 < looks(Random(1), [11 / 12] * 20, fall, (12, 3)) < 0.95


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, rates = Random(2), [0.5 + 0.015 * n for n in range(30)]
    held = 0
    for _ in range(400):
        made = [
            ThenNow(then=(_passed(rng, rate, 12), 12), now=(_passed(rng, rate - 0.1, 3), 3))
            for rate in rates
        ]
        interval = change_interval(made, confidence=0.95)
        held += interval.low <= -0.1 <= interval.high

    assert held / 400 >= 0.93


def test_large_histories_stay_exact() -> None:
    made = [ThenNow(then=(4_900, 5_000), now=(5, 5))] * 50

    fell, rose = change_test(made)

    assert math.isfinite(fell)
    assert 0 < rose < 0.05 < fell <= 1
