from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from llmops.comparing.statistics.mcnemar import mcnemar_exact, mcnemar_midp, two_sided

COUNTS = st.integers(0, 200)


def test_the_exact_test_is_that_of_statsmodels() -> None:
    rng = Random(1)

    for _ in range(200):
        losses, wins = rng.randint(0, 80), rng.randint(0, 80)
        theirs = mcnemar([[7, losses], [wins, 9]], exact=True).pvalue
        ours = two_sided(mcnemar_exact(losses, wins), mcnemar_exact(wins, losses))
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_the_mid_p_test_is_the_binomials_of_scipy() -> None:
    rng = Random(2)

    for _ in range(200):
        losses, wins = rng.randint(0, 900), rng.randint(0, 900)
        coin = stats.binom(losses + wins, 0.5)
        theirs = coin.sf(losses) + coin.pmf(losses) / 2
        assert mcnemar_midp(losses, wins) == pytest.approx(theirs, abs=1e-10)


def test_the_airway_example_of_fagerland_2013_is_reproduced() -> None:
    exact = two_sided(mcnemar_exact(7, 1), mcnemar_exact(1, 7))
    midp = two_sided(mcnemar_midp(7, 1), mcnemar_midp(1, 7))

    assert exact == pytest.approx(0.0703, abs=5e-5)
    assert midp == pytest.approx(0.0391, abs=5e-5)


@given(losses=COUNTS, wins=COUNTS)
def test_the_two_directions_add_up_to_one(losses: int, wins: int) -> None:
    assert mcnemar_midp(losses, wins) + mcnemar_midp(wins, losses) == pytest.approx(1)


@given(losses=COUNTS, wins=COUNTS)
def test_more_losses_are_more_evidence(losses: int, wins: int) -> None:
    now = mcnemar_midp(losses, wins)

    assert mcnemar_midp(losses + 1, wins) <= now + 1e-12
    assert mcnemar_midp(losses, wins + 1) >= now - 1e-12


@given(losses=COUNTS, wins=COUNTS)
def test_mid_p_lies_below_the_exact_value(losses: int, wins: int) -> None:
    assert 0 < mcnemar_midp(losses, wins) <= mcnemar_exact(losses, wins) <= 1


def test_without_a_difference_there_is_no_evidence() -> None:
    assert mcnemar_midp(0, 0) == 0.5
    assert mcnemar_exact(0, 0) == 1
    assert two_sided(mcnemar_midp(0, 0), mcnemar_midp(0, 0)) == 1


def test_thousands_of_discordant_cases_are_counted() -> None:
    assert mcnemar_midp(5_000, 5_000) == pytest.approx(0.5)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="losses must be at least 0, not -1"):
        mcnemar_midp(-1, 0)
    with pytest.raises(ValueError, match="wins must be at least 0, not -2"):
        mcnemar_exact(0, -2)
