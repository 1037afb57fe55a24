import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.evidence import (
    Wealth,
    anytime_interval,
    early_verdict,
    log_evidence,
    log_evidence_of_losses,
    split,
)
from llmops.comparing.statistics.verdict import Rule

COUNTS = st.integers(0, 80)
MOVES = st.lists(st.floats(-1, 1), max_size=40)


def binary(losses: int, wins: int, ties: int = 0) -> Differences:
    return Differences(values=(-1.0,) * losses + (1.0,) * wins + (0.0,) * ties, binary=True)


def test_the_evidence_of_losses_is_the_formula_in_scipy() -> None:
    rng = Random(1)

    for _ in range(200):
        b, c = rng.randint(0, 150), rng.randint(0, 150)
        expected = (b + c + 1) * math.log(2) + special.betaln(b + 1, c + 1)
        expected += stats.beta.logsf(0.5, b + 1, c + 1)
        assert log_evidence_of_losses(b, c) == pytest.approx(expected, abs=1e-8)


def test_the_mean_evidence_under_no_effect_is_one() -> None:
    for n in (1, 5, 30):
        coin = stats.binom(n, 0.5)
        mean = sum(
            coin.pmf(losses) * math.exp(log_evidence_of_losses(losses, n - losses))
            for losses in range(n + 1)
        )
        assert mean == pytest.approx(1)


def test_peeking_at_every_case_keeps_the_level_exactly() -> None:
    enough, never = math.log(20), 0.0
    walks = {(0, 0): 1.0}

    for _ in range(200):
        onward: dict[tuple[int, int], float] = {}
        for (losses, wins), chance in walks.items():
            for after in ((losses + 1, wins), (losses, wins + 1)):
                if log_evidence_of_losses(*after) >= enough:
                    never += chance / 2
                else:
                    onward[after] = onward.get(after, 0) + chance / 2
        walks = onward

    assert 0.02 < never < 0.05


@given(losses=COUNTS, wins=COUNTS)
def test_a_loss_adds_evidence_and_a_win_takes_it(losses: int, wins: int) -> None:
    now = log_evidence_of_losses(losses, wins)

    assert log_evidence_of_losses(losses + 1, wins) > now
    assert log_evidence_of_losses(losses, wins + 1) < now


@given(losses=COUNTS, wins=COUNTS)
def test_betting_on_passes_and_fails_comes_to_the_formula(losses: int, wins: int) -> None:
    bets = Wealth().after(binary(losses, wins).values).log

    assert bets == pytest.approx(log_evidence_of_losses(losses, wins), abs=0.1)


@given(values=MOVES, null=st.floats(-1, 0.9))
def test_the_order_of_bets_does_not_matter(values: list[float], null: float) -> None:
    forward = Wealth(null=null).after(values).log
    backward = Wealth(null=null).after(values[::-1]).log

    assert forward == pytest.approx(backward, abs=1e-9)


@given(values=MOVES, nulls=st.tuples(st.floats(-1, 0.9), st.floats(-1, 0.9)).map(sorted))
def test_a_higher_null_is_refuted_more_easily(values: list[float], nulls: list[float]) -> None:
    lower, higher = (Wealth(null=null).after(values).log for null in nulls)

    assert lower <= higher + 1e-9


def test_one_bet_under_the_null_is_fair_or_worse() -> None:
    for null in (0.0, -0.4, 0.3):
        fair = [(1.0, (1 + null) / 2), (-1.0, (1 - null) / 2)]
        mean = sum(share * math.exp(Wealth(null=null).after([value]).log) for value, share in fair)
        assert mean == pytest.approx(1)


def test_graded_and_clustered_evidence_is_that_of_the_units() -> None:
    graded = Differences(values=(-0.5, 0.25, -0.75))
    clustered = Differences(
        values=(-1.0, 0.0, 0.25, -0.75), clusters=("a", "a", "b", "c"), binary=False
    )

    assert log_evidence(graded) == log_evidence(clustered)
    assert log_evidence(graded) == Wealth().after((-0.5, 0.25, -0.75)).log


def test_the_unit_of_the_scores_does_not_matter() -> None:
    shares = Differences(values=(-0.5, 0.25, -0.75))
    stars = Differences(values=(-2.0, 1.0, -3.0))

    assert log_evidence(stars, reach=4) == log_evidence(shares)
    wide, narrow = (
        anytime_interval(stars, alpha=0.05, reach=4),
        anytime_interval(shares, alpha=0.05),
    )
    assert (wide.low, wide.high) == pytest.approx((4 * narrow.low, 4 * narrow.high))


@given(values=st.lists(st.floats(-1, 1), max_size=12))
@settings(max_examples=40, deadline=None)
def test_the_anytime_interval_mirrors_and_is_wider_than_the_mean(values: list[float]) -> None:
    ours = anytime_interval(Differences(values=tuple(values)), alpha=0.05)
    mirrored = anytime_interval(Differences(values=tuple(-value for value in values)), alpha=0.05)

    mean = sum(values) / len(values) if values else 0
    assert -1 <= ours.low <= mean + 1e-9
    assert mean - 1e-9 <= ours.high <= 1
    assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low))


def test_the_anytime_interval_shrinks_with_the_cases() -> None:
    widths = []
    for times in (1, 4, 16):
        interval = anytime_interval(Differences(values=(0.1, -0.2, 0.1) * 5 * times), alpha=0.05)
        widths.append(interval.high - interval.low)

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3


def test_enough_losses_stop_early() -> None:
    assert early_verdict(binary(4, 0), Rule(), alpha=0.05) is None
    assert early_verdict(binary(7, 0), Rule(), alpha=0.05) == "regressed"
    assert early_verdict(Differences(values=(-0.5,) * 20), Rule(), alpha=0.05) == "regressed"


def test_enough_cases_without_loss_stop_early() -> None:
    rule = Rule(margin=0.1)

    assert early_verdict(binary(0, 0, 20), rule, alpha=0.05) is None
    assert early_verdict(binary(0, 0, 60), rule, alpha=0.05) == "not worse"
    assert early_verdict(Differences(values=(0.2,) * 30), rule, alpha=0.05) == "not worse"


def test_a_margin_as_wide_as_the_scale_allows_everything_but_a_proof() -> None:
    rule = Rule(margin=1)

    assert early_verdict(binary(1, 0), rule, alpha=0.05) == "not worse"
    assert early_verdict(binary(9, 0), rule, alpha=0.05) == "regressed"


def test_alpha_is_shared_between_stopping_early_and_the_end() -> None:
    early, final = split(Rule(confidence=0.95, margin=0.03), early=0.2)

    assert early == pytest.approx(0.01)
    assert final.alpha == pytest.approx(0.04)
    assert final.margin == 0.03


def test_what_cannot_be_bet_on_is_refused() -> None:
    with pytest.raises(ValueError, match="a difference from -1 to 1, not -2"):
        log_evidence(Differences(values=(-2.0,)))
    with pytest.raises(ValueError, match="a null must lie from -1"):
        Wealth(null=1)
    with pytest.raises(ValueError, match="losses must be at least 0"):
        log_evidence_of_losses(-1, 0)
    with pytest.raises(ValueError, match="alpha must lie between"):
        anytime_interval(binary(1, 0), alpha=0)
    with pytest.raises(ValueError, match="alpha must lie between"):
        early_verdict(binary(1, 0), Rule(), alpha=1)
    with pytest.raises(ValueError, match="the share for stopping early"):
        split(Rule(), early=1)
