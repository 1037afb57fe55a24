import gc
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from llmops.comparing.statistics.multiple import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), max_size=12)
BENJAMINI_HOCHBERG_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
    0.6528, 0.7590, 1.0000,
]  # fmt: skip


@pytest.fixture
def _nothing_to_collect() -> Iterator[None]:
    # statsmodels collects garbage at every call, which takes long after a large import.
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_nothing_to_collect")
@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(ours, theirs) -> None:
    rng = Random(1)

    for _ in range(200):
        p_values = [rng.random() ** 3 for _ in range(rng.randint(1, 15))]
        expected = multipletests(p_values, method=theirs)[1]
        assert ours(p_values) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_example_of_benjamini_and_hochberg_1995_is_reproduced() -> None:
    assert sum(value <= 0.05 for value in holm(BENJAMINI_HOCHBERG_1995)) == 3
    assert sum(value <= 0.05 for value in benjamini_hochberg(BENJAMINI_HOCHBERG_1995)) == 4


def test_holm_is_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@given(p_values=P_VALUES)
def test_adjusting_never_makes_surer_and_keeps_the_order(p_values: list[float]) -> None:
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p_values)
        pairs = sorted(zip(p_values, adjusted, strict=True))
        assert all(before <= after <= 1 for before, after in pairs)
        assert [after for _, after in pairs] == sorted(after for _, after in pairs)


@given(p_values=P_VALUES)
def test_the_false_discovery_rate_is_the_milder(p_values: list[float]) -> None:
    strict, mild = holm(p_values), benjamini_hochberg(p_values)

    assert all(low <= high + 1e-12 for low, high in zip(mild, strict, strict=True))


def test_one_question_needs_no_adjusting() -> None:
    assert holm([0.03]) == (0.03,)
    assert benjamini_hochberg([0.03]) == (0.03,)
    assert holm([]) == ()


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="a p-value must lie from 0 to 1"):
        holm([0.1, 1.2])
