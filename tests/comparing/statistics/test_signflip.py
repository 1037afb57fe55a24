from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.mcnemar import mcnemar_exact
from llmops.comparing.statistics.signflip import sign_flip

DARWIN = (49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0)


def scipys(values: list[float], alternative: str) -> float:
    return stats.permutation_test(
        (np.array(values), np.zeros(len(values))),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        alternative=alternative,
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue


def test_the_exact_test_is_that_of_scipy() -> None:
    rng = Random(1)

    for _ in range(200):
        values = [rng.randint(-64, 64) / 64 * rng.randint(0, 1) for _ in range(9)]
        ours = sign_flip(Differences(values=tuple(values)), rng=rng)
        assert ours.exact
        assert ours.worse == pytest.approx(scipys(values, "less"), abs=1e-9)
        assert ours.better == pytest.approx(scipys(values, "greater"), abs=1e-9)


def test_fishers_count_for_darwins_plants_is_reproduced() -> None:
    ours = sign_flip(Differences(values=DARWIN), rng=Random(1))

    assert ours.assignments == 32_768
    assert ours.better == 863 / 32_768


def test_passes_and_fails_give_the_exact_mcnemar_test() -> None:
    values = (-1.0,) * 9 + (1.0,) * 3 + (0.0,) * 30

    ours = sign_flip(Differences(values=values), rng=Random(1))

    assert ours.worse == pytest.approx(mcnemar_exact(9, 3), abs=1e-12)


def test_the_sampled_test_comes_near_the_exact_one() -> None:
    values = (-1.0,) * 18 + (1.0,) * 9

    ours = sign_flip(Differences(values=values), rng=Random(5), rounds=20_000)

    assert not ours.exact
    assert ours.worse == pytest.approx(mcnemar_exact(18, 9), abs=0.005)
    assert ours.better == pytest.approx(mcnemar_exact(9, 18), abs=0.005)


def test_the_sampled_test_is_the_same_for_the_same_seed_and_never_zero() -> None:
    differences = Differences(values=tuple(-1 - number / 100 for number in range(30)))

    once, again = (sign_flip(differences, rng=Random(3), rounds=99) for _ in range(2))

    assert once == again
    assert once.worse == 1 / 100
    assert once.assignments == 100


def test_an_exact_test_draws_nothing() -> None:
    rng = Random(1)
    before = rng.getstate()

    sign_flip(Differences(values=(1.0,) * 20), rng=rng)

    assert rng.getstate() == before


def test_cases_of_one_cluster_are_flipped_together() -> None:
    values, clusters = (-1.0,) * 12, tuple("aaabbbcccddd")

    ours = sign_flip(Differences(values=values, clusters=clusters), rng=Random(1))

    assert ours.worse == 1 / 2**4


@given(values=st.lists(st.floats(-1, 1), max_size=12))
def test_mirrored_differences_swap_the_directions(values: list[float]) -> None:
    ours = sign_flip(Differences(values=tuple(values)), rng=Random(1))
    mirrored = sign_flip(Differences(values=tuple(-value for value in values)), rng=Random(1))

    assert (ours.worse, ours.better) == (mirrored.better, mirrored.worse)
    assert ours.worse + ours.better >= 1


@given(values=st.lists(st.integers(-10, 10), min_size=1, max_size=12))
def test_rounding_does_not_tell_equal_sums_apart(values: list[int]) -> None:
    whole = sign_flip(Differences(values=tuple(map(float, values))), rng=Random(1))
    tenths = sign_flip(Differences(values=tuple(value / 10 for value in values)), rng=Random(1))

    assert whole == tenths


@pytest.mark.parametrize("values", [(), (0.0,) * 40])
def test_without_a_difference_there_is_no_evidence(values: tuple[float, ...]) -> None:
    ours = sign_flip(Differences(values=values), rng=Random(1))

    assert (ours.worse, ours.better, ours.assignments) == (1, 1, 1)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        sign_flip(Differences(values=(1.0,)), rng=Random(1), rounds=0)
