import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.paired import standard_error, t_interval

DARWIN = (49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0)
VALUES = st.lists(st.floats(-1, 1), min_size=2, max_size=60)


def test_the_t_interval_is_that_of_scipy() -> None:
    rng = Random(1)

    for _ in range(200):
        n, confidence = rng.randint(2, 120), rng.choice([0.8, 0.9, 0.95])
        baseline = [rng.random() for _ in range(n)]
        candidate = [rng.random() for _ in range(n)]
        values = tuple(new - old for old, new in zip(baseline, candidate, strict=True))
        theirs = stats.ttest_rel(candidate, baseline).confidence_interval(confidence)
        ours = t_interval(Differences(values=values), confidence=confidence)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_the_clustered_standard_error_and_interval_are_those_of_statsmodels() -> None:
    rng = Random(2)

    for _ in range(200):
        n = rng.randint(6, 80)
        clusters = ["one", "two", *(str(rng.randint(0, n // 2)) for _ in range(n - 2))]
        values = tuple(rng.uniform(-1, 1) for _ in range(n))
        fit = OLS(np.array(values), np.ones(n)).fit(
            cov_type="cluster",
            cov_kwds={"groups": np.unique(clusters, return_inverse=True)[1]},
            use_t=True,
        )
        differences = Differences(values=values, clusters=tuple(clusters))
        ours = t_interval(differences, confidence=0.9)
        low, high = fit.conf_int(alpha=0.1)[0]
        assert standard_error(differences) == pytest.approx(fit.bse[0], abs=1e-9)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-7)


def test_fishers_analysis_of_darwins_plants_is_reproduced() -> None:
    differences = Differences(values=DARWIN)

    assert differences.mean / standard_error(differences) == pytest.approx(2.148, abs=5e-4)


def test_clusters_of_one_case_change_nothing() -> None:
    alone = Differences(values=DARWIN)
    named = Differences(values=DARWIN, clusters=tuple(str(number) for number in range(15)))

    assert standard_error(named) == pytest.approx(standard_error(alone), rel=1e-12)
    assert not named.clustered


def test_a_case_told_five_times_is_one_case() -> None:
    once = Differences(values=DARWIN)
    often = Differences(values=DARWIN * 5, clusters=tuple(str(number) for number in range(15)) * 5)

    assert standard_error(often) == pytest.approx(standard_error(once), rel=1e-12)
    assert t_interval(often, confidence=0.9).low == pytest.approx(
        t_interval(once, confidence=0.9).low
    )


@given(values=VALUES)
def test_the_t_interval_holds_the_mean_and_mirrors(values: list[float]) -> None:
    differences = Differences(values=tuple(values))

    ours = t_interval(differences, confidence=0.9)
    mirrored = t_interval(Differences(values=tuple(-value for value in values)), confidence=0.9)

    assert ours.low <= differences.mean <= ours.high
    assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-12)


@given(values=VALUES)
def test_more_confidence_is_a_wider_interval(values: list[float]) -> None:
    differences = Differences(values=tuple(values))

    narrow, wide = (t_interval(differences, confidence=share) for share in (0.8, 0.99))

    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("values", [(), (0.5,)])
def test_fewer_than_two_cases_have_no_standard_error(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="two units at least"):
        standard_error(Differences(values=values))


def test_one_cluster_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match="two units at least, not 1"):
        standard_error(Differences(values=(0.1, 0.2), clusters=("a", "a")))


def test_differences_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Differences(values=(math.nan,))
    with pytest.raises(ValueError, match="2 cases cannot have 1 clusters"):
        Differences(values=(0.1, 0.2), clusters=("a",))
    with pytest.raises(ValueError, match="is -1, 0 or 1"):
        Differences(values=(0.5,), binary=True)
