import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.comparing.statistics.interval import Interval
from llmops.comparing.statistics.verdict import Rule, decide, overall, verdict_of, worse_of

ORDER = ["regressed", "inconclusive", "not worse", "improved"]
BOUNDS = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted)
VERDICTS = st.sampled_from(ORDER)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.3, -0.1, "regressed"),
        (-0.015, -0.005, "regressed"),
        (-0.3, 0.0, "inconclusive"),
        (-0.02, 0.1, "inconclusive"),
        (-0.019, 0.1, "not worse"),
        (0.0, 0.1, "not worse"),
        (0.001, 0.1, "improved"),
    ],
)
def test_the_interval_and_the_margin_give_the_verdict(low: float, high: float, said: str) -> None:
    assert verdict_of(Interval(low=low, high=high), margin=0.02) == said


@given(bounds=BOUNDS, margins=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
def test_a_wider_margin_is_never_stricter(bounds: list[float], margins: list[float]) -> None:
    interval = Interval(low=bounds[0], high=bounds[1])

    strict, mild = (verdict_of(interval, margin=margin) for margin in margins)

    assert ORDER.index(strict) <= ORDER.index(mild)


@given(bounds=BOUNDS, up=st.floats(0, 1))
def test_a_higher_interval_is_never_a_worse_verdict(bounds: list[float], up: float) -> None:
    interval = Interval(low=bounds[0], high=bounds[1])
    higher = Interval(low=bounds[0] + up, high=bounds[1] + up)

    before, after = (verdict_of(one, margin=0.02) for one in (interval, higher))

    assert ORDER.index(before) <= ORDER.index(after)


@pytest.mark.parametrize(
    ("low", "high", "worse", "better", "said"),
    [
        (-0.3, -0.1, 0.05, 0.99, "regressed"),
        (-0.3, -0.1, 0.06, 0.99, "inconclusive"),
        (-0.01, -0.005, 0.06, 0.99, "not worse"),
        (0.1, 0.3, 0.99, 0.05, "improved"),
        (0.1, 0.3, 0.99, 0.06, "not worse"),
        (-0.3, 0.1, 0.01, 0.99, "inconclusive"),
    ],
)
def test_a_claim_of_difference_needs_the_test_to_agree(low, high, worse, better, said) -> None:
    interval = Interval(low=low, high=high)

    assert decide(interval, worse=worse, better=better, rule=Rule()) == said


@given(verdicts=st.lists(VERDICTS, min_size=1))
def test_several_metrics_are_as_bad_as_the_worst(verdicts: list) -> None:
    worst = min(verdicts, key=ORDER.index)

    assert overall(verdicts) == (
        "improved" if "improved" in verdicts and worst == "not worse" else worst
    )


def test_no_metric_says_nothing() -> None:
    assert overall([]) == "inconclusive"


@given(one=VERDICTS, other=VERDICTS)
def test_the_worse_of_two_is_the_same_either_way(one, other) -> None:
    assert worse_of(one, other) == worse_of(other, one) == min(one, other, key=ORDER.index)


def test_a_rule_names_alpha_and_the_interval_that_goes_with_it() -> None:
    rule = Rule(confidence=0.95)

    assert rule.alpha == pytest.approx(0.05)
    assert rule.two_sided_confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 0.5},
        {"confidence": 1.0},
        {"margin": -0.1},
        {"margin": float("nan")},
        {"reach": 0},
    ],
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Rule(**wrong)


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(ValueError, match="a margin must be at least 0"):
        verdict_of(Interval(low=0, high=0), margin=-0.1)
