import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmops.comparing.statistics.special import (
    beta_cdf,
    beta_quantile,
    binomial_tail,
    log_beta,
    normal_cdf,
    normal_quantile,
    t_quantile,
    t_tail,
)

SHAPES = st.floats(0.1, 500)
SHARES = st.floats(1e-6, 1 - 1e-6)


def test_the_beta_distribution_is_scipys() -> None:
    rng = Random(1)

    for _ in range(200):
        a, b = math.exp(rng.uniform(-1.5, 7)), math.exp(rng.uniform(-1.5, 7))
        x, share = rng.random(), rng.uniform(1e-5, 1 - 1e-5)
        assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-11)
        assert beta_quantile(share, a, b) == pytest.approx(stats.beta.ppf(share, a, b), abs=1e-9)


def test_the_t_distribution_is_scipys() -> None:
    rng = Random(2)

    for _ in range(200):
        t, df = rng.gauss(0, 4), rng.randint(1, 400)
        share = rng.uniform(1e-4, 1 - 1e-4)
        assert t_tail(t, df) == pytest.approx(stats.t.sf(t, df), abs=1e-12, rel=1e-9)
        assert t_quantile(share, df) == pytest.approx(stats.t.ppf(share, df), rel=1e-9, abs=1e-12)


def test_the_normal_distribution_is_scipys() -> None:
    rng = Random(3)

    for _ in range(200):
        z, share = rng.gauss(0, 3), rng.uniform(1e-9, 1)
        assert normal_cdf(z) == pytest.approx(stats.norm.cdf(z), rel=1e-12)
        assert normal_quantile(share) == pytest.approx(stats.norm.ppf(share), abs=1e-9)


def test_the_binomial_tail_is_scipys() -> None:
    rng = Random(4)

    for _ in range(200):
        n = rng.randint(1, 2_000)
        least, share = rng.randint(0, n + 1), rng.random()
        expected = stats.binom.sf(least - 1, n, share)
        assert binomial_tail(least, n, share) == pytest.approx(expected, abs=1e-11)


def test_the_tables_of_students_t_are_reproduced() -> None:
    assert t_quantile(0.975, 1) == pytest.approx(12.706, abs=5e-4)
    assert t_quantile(0.975, 14) == pytest.approx(2.145, abs=5e-4)
    assert t_quantile(0.95, 49) == pytest.approx(1.677, abs=5e-4)
    assert t_quantile(0.5, 7) == 0


def test_the_beta_function_of_whole_numbers_is_a_ratio_of_factorials() -> None:
    assert math.exp(log_beta(3, 4)) == pytest.approx(2 * 6 / 720)


@given(x=st.floats(0.001, 0.999), a=SHAPES, b=SHAPES)
def test_the_beta_distribution_is_symmetric(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) + beta_cdf(1 - x, b, a) == pytest.approx(1, abs=1e-8)


@given(share=SHARES, df=st.integers(1, 300))
def test_a_t_quantile_is_undone_by_its_tail(share: float, df: int) -> None:
    assert 1 - t_tail(t_quantile(share, df), df) == pytest.approx(share, abs=1e-9)


@given(shares=st.tuples(SHARES, SHARES), df=st.integers(1, 300))
def test_t_quantiles_grow_with_the_share(shares: tuple[float, float], df: int) -> None:
    low, high = sorted(shares)

    assert t_quantile(low, df) <= t_quantile(high, df)


@pytest.mark.parametrize("x", [-0.1, 1.1, math.nan])
def test_a_share_outside_of_its_range_is_refused(x: float) -> None:
    with pytest.raises(ValueError, match="x must lie from 0 to 1"):
        beta_cdf(x, 1, 1)
    for quantile in (normal_quantile, lambda share: t_quantile(share, 3)):
        with pytest.raises(ValueError, match="a share must lie between 0 and 1"):
            quantile(x)


def test_a_shape_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="shapes above 0"):
        beta_cdf(0.5, 0, 1)
