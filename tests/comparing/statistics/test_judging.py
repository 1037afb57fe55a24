from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.estimation import interval_of
from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.judging import (
    Effort,
    judge,
    measure,
    p_values,
)
from llmops.comparing.statistics.mcnemar import mcnemar_midp
from llmops.comparing.statistics.paired import t_interval
from llmops.comparing.statistics.proportions import newcombe
from llmops.comparing.statistics.table import CountedCase, Ends, Tally, counted
from llmops.comparing.statistics.verdict import Rule

QUICK = Effort(flips=199, resamples=199)
RULE = Rule()
BINARY = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=70)


def binary(losses: int, wins: int, n: int) -> Differences:
    values = (-1.0,) * losses + (1.0,) * wins + (0.0,) * (n - losses - wins)
    return Differences(values=values, binary=True)


def test_single_passes_and_fails_are_judged_by_mcnemar() -> None:
    found = measure(binary(18, 4, 200), RULE, rng=Random(1), effort=QUICK)

    assert found.test == "McNemar mid-p"
    assert found.worse == mcnemar_midp(18, 4)
    assert found.p_value == pytest.approx(2 * found.worse)
    assert found.delta == pytest.approx(-0.07)
    assert (found.cases, found.units, found.losses, found.wins) == (200, 200, 18, 4)
    assert found.verdict == "regressed"


def test_from_fifty_cases_on_the_interval_is_the_t_interval() -> None:
    differences = Differences(values=tuple(number / 60 for number in range(-30, 30)))

    found = measure(differences, RULE, rng=Random(1), effort=QUICK)

    assert found.interval == t_interval(differences, confidence=RULE.two_sided_confidence)


def test_where_losses_are_rare_the_interval_is_that_of_the_shares() -> None:
    found = interval_of(binary(2, 0, 100), RULE, rng=Random(1))

    around = t_interval(binary(2, 0, 100), confidence=RULE.two_sided_confidence)
    assert found.low == newcombe((2, 100), (0, 100), confidence=RULE.two_sided_confidence).low
    assert found.low < -0.05 < around.low


def test_below_fifty_cases_the_interval_is_the_bootstraps() -> None:
    differences = binary(6, 3, 49)

    found = interval_of(differences, RULE, rng=Random(1), rounds=2_000)

    around = t_interval(differences, confidence=RULE.two_sided_confidence)
    assert found != around
    assert (found.low, found.high) == pytest.approx((around.low, around.high), abs=0.03)


def test_graded_and_clustered_cases_are_judged_by_flipping_signs() -> None:
    graded = Differences(values=(-0.2,) * 12)
    clustered = Differences(values=(-1.0,) * 12, clusters=tuple("abcdef") * 2, binary=True)
    many = Differences(values=tuple(-number / 40 for number in range(1, 31)))

    tests = [p_values(one, rng=Random(1), rounds=99)[0] for one in (graded, clustered, many)]

    assert tests == ["sign-flip, exact", "sign-flip, exact", "sign-flip, sampled"]
    assert p_values(clustered, rng=Random(1))[1] == 1 / 2**6


def test_no_cases_are_inconclusive() -> None:
    found = measure(Differences(values=()), RULE, rng=Random(1))

    assert (found.verdict, found.test, found.p_value) == ("inconclusive", "none", 1)
    assert found.interval == Interval(low=-1, high=1)


@pytest.mark.parametrize("n", [1, 2, 20, 50, 148])
def test_too_few_cases_without_a_difference_do_not_show_that_there_is_none(n: int) -> None:
    found = measure(binary(0, 0, n), RULE, rng=Random(1), effort=QUICK)

    assert found.verdict == "inconclusive"
    assert found.interval.low == pytest.approx(-(1 - 0.05 ** (1 / n)))


def test_enough_cases_without_a_difference_show_that_the_candidate_is_not_worse() -> None:
    assert measure(binary(0, 0, 149), RULE, rng=Random(1)).verdict == "not worse"


def test_a_win_does_not_hide_that_no_loss_was_seen() -> None:
    found = interval_of(binary(0, 1, 50), RULE, rng=Random(1), rounds=199)

    assert found.low < -0.02


@pytest.mark.parametrize(
    ("n", "verdict"), [(3, "inconclusive"), (4, "inconclusive"), (5, "regressed")]
)
def test_a_handful_of_losses_is_evidence_from_five_on(n: int, verdict: str) -> None:
    assert measure(binary(n, 0, n), RULE, rng=Random(1), effort=QUICK).verdict == verdict


def test_a_score_that_sinks_the_same_everywhere_regressed() -> None:
    found = measure(Differences(values=(-0.25,) * 30), RULE, rng=Random(1), effort=QUICK)

    assert found.verdict == "regressed"


def test_one_cluster_shows_nothing_however_many_cases_it_has() -> None:
    values = (-1.0,) * 39 + (0.0,)

    found = measure(
        Differences(values=values, clusters=("acme",) * 40), RULE, rng=Random(1), effort=QUICK
    )

    assert found.units == 1
    assert found.verdict == "inconclusive"


@given(values=BINARY)
@settings(deadline=None)
def test_the_interval_holds_delta_and_a_regression_has_its_p_value(values: list[float]) -> None:
    differences = Differences(values=tuple(values), binary=True)

    found = measure(differences, RULE, rng=Random(1), effort=QUICK)

    assert -1 <= found.interval.low <= found.delta <= found.interval.high <= 1
    assert found.verdict != "regressed" or (found.worse <= RULE.alpha and found.interval.high < 0)
    assert found.verdict != "improved" or (found.better <= RULE.alpha and found.interval.low > 0)
    assert found.verdict != "not worse" or found.interval.low > -RULE.margin


@given(values=st.lists(st.floats(-1, 1), min_size=50, max_size=60))
@settings(deadline=None)
def test_swapping_the_arms_mirrors_the_finding(values: list[float]) -> None:
    ours = measure(Differences(values=tuple(values)), RULE, rng=Random(1), effort=QUICK)
    mirrored = tuple(-value for value in values)
    theirs = measure(Differences(values=mirrored), RULE, rng=Random(1), effort=QUICK)

    assert (ours.interval.low, ours.interval.high) == pytest.approx(
        (-theirs.interval.high, -theirs.interval.low), abs=1e-12
    )


def test_the_same_seed_finds_the_same() -> None:
    ends = counted(
        [
            CountedCase(baseline=Tally(passed=3), candidate=Tally(passed=number % 4, failed=3))
            for number in range(30)
        ]
    )

    once, again = (judge({"a": ends}, {"a": RULE}, seed=7, effort=QUICK) for _ in range(2))

    assert once == again


def test_another_metric_does_not_change_what_one_draws() -> None:
    values = tuple((number % 7 - 4) / 7 for number in range(40))
    ends = Ends(worse=Differences(values=values), better=Differences(values=values), unknown=0)

    alone = judge({"a": ends}, {"a": RULE}, seed=7, effort=QUICK)
    both = judge({"b": ends, "a": ends}, {"a": RULE, "b": RULE}, seed=7, effort=QUICK)

    assert alone["a"].interval == both["a"].interval


def test_several_metrics_are_adjusted_by_holm() -> None:
    one, rules = binary(9, 2, 200), {"a": RULE, "b": RULE}
    ends = Ends(worse=one, better=one, unknown=0)
    still = Ends(worse=binary(0, 0, 200), better=binary(0, 0, 200), unknown=0)

    alone = judge({"a": ends}, rules, seed=1)
    both = judge({"a": ends, "b": still}, rules, seed=1)

    assert alone["a"].verdict == "regressed"
    assert alone["a"].finding.worse == pytest.approx(mcnemar_midp(9, 2))
    assert both["a"].finding.worse == pytest.approx(2 * mcnemar_midp(9, 2))
    assert both["b"].verdict == "not worse"


def test_what_is_unknown_is_judged_at_both_ends_and_the_worse_counts() -> None:
    passed = Tally(passed=1)
    steady = [CountedCase(baseline=passed, candidate=passed)] * 180
    lost = [CountedCase(baseline=passed, candidate=Tally(unknown=1))] * 20

    judged = judge({"a": counted(steady + lost)}, {"a": RULE}, seed=1)["a"]

    assert judged.verdict == judged.finding.verdict == "regressed"
    assert judged.other.verdict == "not worse"
    assert judged.interval == judged.finding.interval.hull(judged.other.interval)
    assert judged.unknown == 20


def test_a_metric_without_a_rule_is_refused() -> None:
    with pytest.raises(KeyError):
        judge({"a": counted([])}, {}, seed=1)


def test_the_same_data_against_itself_is_never_regressed() -> None:
    for n in (0, 1, 4, 20, 50, 400):
        case = CountedCase(baseline=Tally(passed=2, failed=3), candidate=Tally(passed=2, failed=3))
        judged = judge({"a": counted([case] * n)}, {"a": RULE}, seed=1, effort=QUICK)["a"]
        assert judged.verdict in {"inconclusive", "not worse"}
