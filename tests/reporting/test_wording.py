import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.verdict import Totals
from llmops.reporting.summary import Mean, Tally
from llmops.reporting.wording import (
    cost,
    counts,
    mean_text,
    money,
    pass_rate,
    percent,
    plural,
    seconds,
    share_range,
    tally_text,
)


@pytest.mark.parametrize(
    ("dollars", "words"),
    [
        (0, "$0.00"),
        (0.031, "$0.031"),
        (0.03, "$0.03"),
        (0.0012345, "$0.0012"),
        (0.999, "$1.00"),
        (1.5, "$1.50"),
        (1234.5, "$1,234.50"),
        (0.0000001, "<$0.000001"),
        (float("inf"), "$?"),
    ],
)
def test_money_has_two_digits_that_count(dollars, words):
    assert money(dollars) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7_440, "2 h 4 min"),
    ],
)
def test_time_is_said_as_people_say_it(duration, words):
    assert seconds(duration) == words


@given(st.floats(0, 1))
def test_only_the_whole_is_a_hundred_percent(share):
    words = percent(share)

    assert (words == "100 %") is (share == 1)
    assert (words == "0 %") is (share == 0)


def test_a_range_has_both_ends():
    assert share_range(0.5, 0.5) == "50 %"
    assert share_range(0.905, 0.929) == "90.5–92.9 %"
    assert share_range(0.0, 1.0) == "0–100 %"


def test_nouns_follow_their_count():
    assert plural(1, "suite") == "1 suite"
    assert plural(0, "suite") == "0 suites"
    assert plural(2_000, "body") == "2,000 bodies"


def test_a_tally_says_what_is_unknown():
    assert tally_text(Tally(passed=17, failed=3)) == "17/20"
    assert tally_text(Tally(passed=17, error=2, unscored=1)) == "17–20/20 (2 errors, 1 unscored)"
    assert tally_text(Tally(skipped=2)) == "(2 skipped)"


def test_a_mean_is_rounded_down():
    mean = Mean(total=1.999, count=2)

    assert mean_text(mean) == "0.99 (n=2)"
    assert mean_text(Mean(total=1, count=1, unscored=1)) == "0.50–1.00 (n=1, 1 unscored)"


def test_counts_name_all_that_is_not_nothing():
    totals = Totals(
        planned=20, passed=9, failed=2, error=1, unscored=3, skipped=1, empty_completions=1
    )

    assert counts(totals) == [
        "9 passed",
        "2 failed",
        "1 error",
        "3 unscored",
        "1 skipped",
        "4 not run",
        "1 empty output",
    ]


def test_nothing_asked_has_no_pass_rate():
    assert pass_rate(Totals(planned=1, skipped=1)) is None
    assert pass_rate(Totals(planned=1, passed=1)) == "pass rate 100 %"


def test_costs_that_nobody_knows_are_never_nothing():
    assert cost(Totals(spent=0.5, value=1.25)) == "$0.50 of $1.25"
    assert cost(Totals(unpriced=2)) == "2 costs unknown"
    assert cost(Totals(live=2, unpriced=2)) == "2 costs unknown"
    assert cost(Totals(live=2, error=2)) == "$0.00 of $0.00"
    assert cost(Totals(live=2)) == "$0.00 (free)"
    assert cost(Totals(value=1.0, unpriced=1)) == "$0.00 of $1.00 + 1 cost unknown"
