from random import Random
from statistics import fmean, pstdev

import numpy as np
import pytest
from scipy import stats

from llmops.comparing.statistics.bootstrap import bca_interval, replicates
from llmops.comparing.statistics.differences import Differences


def test_the_bca_interval_of_the_same_replicates_is_that_of_scipy() -> None:
    rng = Random(1)

    for number in range(200):
        n = rng.randint(6, 49)
        parts = rng.choice([1, 4, 64, 1024])
        values = (0.25, *(rng.randint(-parts, parts) / parts for _ in range(n)))
        theirs = stats.bootstrap(
            (np.array(values),), np.mean, confidence_level=0.9, n_resamples=199, rng=number
        )
        ours = bca_interval(
            Differences(values=values), theirs.bootstrap_distribution.tolist(), confidence=0.9
        )
        expected = (theirs.confidence_interval.low, theirs.confidence_interval.high)
        assert (ours.low, ours.high) == pytest.approx(expected, abs=1e-6)


def test_replicates_spread_as_the_standard_error_says() -> None:
    values = tuple(number / 10 for number in range(-10, 10))

    drawn = replicates(Differences(values=values), rng=Random(2), rounds=4_000)

    assert fmean(drawn) == pytest.approx(fmean(values), abs=0.01)
    assert pstdev(drawn) == pytest.approx(pstdev(values) / 20**0.5, rel=0.05)


def test_clusters_are_drawn_whole() -> None:
    differences = Differences(values=(1.0, 1.0, 1.0, 0.0), clusters=("a", "a", "a", "b"))

    drawn = replicates(differences, rng=Random(3), rounds=200)

    assert set(drawn) == {0.0, 0.75, 1.0}


def test_a_case_told_five_times_has_the_interval_of_one_case() -> None:
    values = tuple(number / 10 for number in range(-10, 10))
    names = tuple(str(number) for number in range(20))
    drawn = replicates(Differences(values=values), rng=Random(4), rounds=500)

    once = bca_interval(Differences(values=values), drawn, confidence=0.9)
    often = bca_interval(Differences(values=values * 5, clusters=names * 5), drawn, confidence=0.9)

    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_the_same_seed_gives_the_same_replicates() -> None:
    differences = Differences(values=(0.1, 0.5, -0.3))

    assert replicates(differences, rng=Random(9), rounds=50) == replicates(
        differences, rng=Random(9), rounds=50
    )


@pytest.mark.parametrize("replicated", [[0.0] * 20, [1.0] * 20])
def test_replicates_on_one_side_of_the_mean_still_give_bounds(replicated: list[float]) -> None:
    ours = bca_interval(Differences(values=(0.0, 1.0)), replicated, confidence=0.9)

    assert ours.low == ours.high == replicated[0]


def test_a_mean_that_cannot_vary_has_no_acceleration() -> None:
    ours = bca_interval(Differences(values=(0.5, 0.5)), [0.5] * 9, confidence=0.9)

    assert (ours.low, ours.high) == (0.5, 0.5)


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="cases must be at least 1"):
        replicates(Differences(values=()), rng=Random(1), rounds=9)
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        replicates(Differences(values=(1.0,)), rng=Random(1), rounds=0)
    with pytest.raises(ValueError, match="replicates must be at least 1"):
        bca_interval(Differences(values=(1.0, 0.0)), [], confidence=0.9)
    with pytest.raises(ValueError, match="units must be at least 2"):
        bca_interval(Differences(values=(1.0,)), [1.0], confidence=0.9)
    with pytest.raises(ValueError, match="confidence must lie between"):
        bca_interval(Differences(values=(1.0, 0.0)), [1.0], confidence=0)
