import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.table import (
    CountedCase,
    ScoredCase,
    Tally,
    counted,
    scored,
)

SHARES = Interval(low=0, high=1)
TALLIES = st.builds(
    Tally, passed=st.integers(0, 5), failed=st.integers(0, 5), unknown=st.integers(0, 3)
)
SCORES = st.lists(st.none() | st.floats(0, 1), max_size=5).map(tuple)


def test_repeats_are_averaged_first() -> None:
    case = CountedCase(baseline=Tally(passed=4, failed=1), candidate=Tally(passed=1, failed=4))

    ends = counted([case])

    assert ends.worse.values == pytest.approx((-0.6,))
    assert ends.worse == ends.better
    assert ends.unknown == 0


def test_single_passes_and_fails_are_binary() -> None:
    passed, failed = Tally(passed=1), Tally(failed=1)

    ends = counted(
        [
            CountedCase(baseline=passed, candidate=failed),
            CountedCase(baseline=failed, candidate=passed),
        ]
    )

    assert ends.worse.binary
    assert ends.worse.values == (-1, 1)
    assert (ends.worse.losses, ends.worse.wins) == (1, 1)


def test_an_error_fails_on_the_candidate_and_passes_on_the_baseline() -> None:
    lost, passed, failed = Tally(unknown=1), Tally(passed=1), Tally(failed=1)

    ends = counted(
        [CountedCase(baseline=passed, candidate=lost), CountedCase(baseline=lost, candidate=failed)]
    )

    assert ends.worse.values == (-1, -1)
    assert ends.better.values == (0, 0)
    assert ends.unknown == 2
    assert ends.worse.binary


def test_a_side_without_samples_is_wholly_unknown() -> None:
    ends = counted([CountedCase(baseline=Tally(passed=1), candidate=Tally())])

    assert (ends.worse.values, ends.better.values) == ((-1,), (0,))
    assert not ends.worse.binary


def test_an_unknown_score_goes_to_the_ends_of_the_scale() -> None:
    case = ScoredCase(baseline=(0.5, None), candidate=(1.0, None))

    ends = scored([case], bounds=SHARES)

    assert ends.worse.values == pytest.approx((0.5 - 0.75,))
    assert ends.better.values == pytest.approx((1.0 - 0.25,))
    assert ends.unknown == 2


def test_a_case_without_scores_may_be_anything() -> None:
    ends = scored([ScoredCase(baseline=(), candidate=(3.0,))], bounds=Interval(low=1, high=5))

    assert (ends.worse.values, ends.better.values) == ((-2,), (2,))


def test_clusters_are_named_and_cases_without_stand_alone() -> None:
    passed = Tally(passed=1)

    ends = counted(
        [
            CountedCase(baseline=passed, candidate=passed, cluster="acme"),
            CountedCase(baseline=passed, candidate=passed),
            CountedCase(baseline=passed, candidate=passed, cluster="acme"),
            CountedCase(baseline=passed, candidate=passed, cluster="case 1"),
        ]
    )

    assert len(ends.worse.units) == 3
    assert ends.worse.clustered


def test_without_clusters_every_case_is_a_unit() -> None:
    passed = Tally(passed=1)

    ends = counted([CountedCase(baseline=passed, candidate=passed)] * 3)

    assert ends.worse.clusters == ()
    assert ends.worse.units == ((0, 1),) * 3


@given(tallies=st.lists(st.tuples(TALLIES, TALLIES), max_size=8))
def test_the_worse_end_is_never_above_the_better(tallies: list[tuple[Tally, Tally]]) -> None:
    ends = counted([CountedCase(baseline=old, candidate=new) for old, new in tallies])

    pairs = list(zip(ends.worse.values, ends.better.values, strict=True))
    assert all(-1 <= worse <= better <= 1 for worse, better in pairs)
    assert not ends.unknown or any(worse < better for worse, better in pairs)


@given(scores=st.lists(st.tuples(SCORES, SCORES), max_size=8))
def test_swapping_the_arms_swaps_and_mirrors_the_ends(
    scores: list[tuple[tuple[float | None, ...], tuple[float | None, ...]]],
) -> None:
    ends = scored([ScoredCase(baseline=old, candidate=new) for old, new in scores], bounds=SHARES)
    swapped = scored(
        [ScoredCase(baseline=new, candidate=old) for old, new in scores], bounds=SHARES
    )

    assert ends.worse.values == tuple(-value for value in swapped.better.values)


def test_no_cases_are_no_differences() -> None:
    assert counted([]).worse.values == ()
    assert scored([], bounds=SHARES).better.values == ()
    assert counted([]).worse.mean == 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="failed must be at least 0, not -1"):
        Tally(failed=-1)
    with pytest.raises(ValueError, match="lies outside of 0 to 1"):
        scored([ScoredCase(baseline=(1.5,), candidate=(1.0,))], bounds=SHARES)
    with pytest.raises(ValueError, match="lies outside of 0 to 1"):
        scored([ScoredCase(baseline=(float("nan"),), candidate=(1.0,))], bounds=SHARES)
    with pytest.raises(ValueError, match="a bound must be finite"):
        scored([], bounds=Interval(low=0, high=float("inf")))
