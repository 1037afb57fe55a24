from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmops.comparing.statistics.flakiness import PassRate, pass_all, pass_at, suite_belief

HISTORIES = st.lists(
    st.integers(0, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=12
)


def test_the_interval_of_a_history_is_the_jeffreys_interval_of_scipy() -> None:
    rng = Random(1)

    for _ in range(200):
        n = rng.randint(0, 200)
        passed = rng.randint(0, n)
        theirs = stats.beta(passed + 0.5, n - passed + 0.5)
        belief = PassRate().after(passed, n)
        ours = belief.interval(confidence=0.9)
        assert (ours.low, ours.high) == pytest.approx(theirs.interval(0.9), abs=1e-9)
        assert belief.mean == pytest.approx(theirs.mean())
        between = theirs.cdf(0.95) - theirs.cdf(0.05)
        assert belief.between(0.05, 0.95) == pytest.approx(between, abs=1e-10)


def test_the_belief_of_a_suite_is_the_beta_that_made_it() -> None:
    rng = Random(2)
    histories = []
    for _ in range(3_000):
        rate, n = rng.betavariate(6, 2), rng.randint(5, 15)
        histories.append((sum(rng.random() < rate for _ in range(n)), n))

    belief = suite_belief(histories)

    assert belief.passes == pytest.approx(6, rel=0.15)
    assert belief.failures == pytest.approx(2, rel=0.15)


def test_a_short_history_is_shrunk_to_the_suite() -> None:
    belief = suite_belief([(10, 10), (9, 10), (10, 10), (8, 10), (10, 10), (0, 0)])

    once = belief.after(0, 1)
    often = belief.after(0, 200)

    assert 0.5 < once.mean < belief.mean
    assert often.mean < 0.35


def test_cases_that_are_alike_make_a_strong_belief_and_others_a_weak_one() -> None:
    alike, unlike = suite_belief([(5, 10)] * 8), suite_belief([(10, 10), (0, 10)] * 8)

    assert alike.passes + alike.failures == pytest.approx(100)
    assert unlike.passes + unlike.failures == pytest.approx(1)


@pytest.mark.parametrize("histories", [[], [(3, 4)], [(0, 0), (2, 5), (0, 0)]])
def test_fewer_than_two_histories_say_nothing_of_a_suite(
    histories: list[tuple[int, int]],
) -> None:
    assert suite_belief(histories) == PassRate()


def test_one_trial_a_case_tells_nothing_of_how_cases_differ() -> None:
    belief = suite_belief([(1, 1), (0, 1), (1, 1)])

    assert belief.passes + belief.failures == pytest.approx(100)


@given(histories=HISTORIES)
def test_a_suite_never_believes_in_certainty(histories: list[tuple[int, int]]) -> None:
    belief = suite_belief(histories)

    assert 0 < belief.mean < 1
    assert 1 - 1e-9 <= belief.passes + belief.failures <= 100 + 1e-9


@given(n=st.integers(0, 100), data=st.data())
def test_a_pass_raises_and_a_fail_lowers_the_belief(n: int, data: st.DataObject) -> None:
    belief = PassRate().after(data.draw(st.integers(0, n)), n)

    assert belief.after(0, 1).mean < belief.mean < belief.after(1, 1).mean
    assert belief.after(0, 0) == belief


def test_the_flakiest_case_is_the_one_that_passes_half() -> None:
    chances = [PassRate().after(passed, 20).between(0.05, 0.95) for passed in (0, 10, 20)]

    assert chances[1] > 0.999
    assert chances[0] == pytest.approx(chances[2])
    assert chances[0] < 0.2


def test_pass_at_k_and_pass_all_count_the_choices() -> None:
    outcomes = [True] * 4 + [False] * 3

    for k in range(1, 8):
        chosen = list(combinations(outcomes, k))
        assert pass_at(k, 4, 7) == pytest.approx(sum(map(any, chosen)) / len(chosen))
        assert pass_all(k, 4, 7) == pytest.approx(sum(map(all, chosen)) / len(chosen))


def test_one_attempt_is_the_pass_rate() -> None:
    assert pass_at(1, 3, 10) == pytest.approx(0.3)
    assert pass_all(1, 3, 10) == pytest.approx(0.3)


def test_impossible_histories_are_refused() -> None:
    with pytest.raises(ValueError, match="4 of 3 cannot have passed"):
        PassRate().after(4, 3)
    with pytest.raises(ValueError, match="must be at least 0"):
        suite_belief([(-1, 3)])
    with pytest.raises(ValueError, match="k must lie from 1 to 3, not at 4"):
        pass_at(4, 1, 3)
    with pytest.raises(ValueError, match="k must lie from 1 to 3, not at 0"):
        pass_all(0, 1, 3)
    with pytest.raises(ValueError, match="shapes above 0"):
        PassRate(passes=0)
    with pytest.raises(ValueError, match="a bound must lie from 0 to 1"):
        PassRate().between(-0.1, 1)
    with pytest.raises(ValueError, match="confidence must lie between"):
        PassRate().interval(confidence=1)
