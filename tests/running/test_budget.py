import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.config import Budget
from llmops.running.budget import BudgetSpentError, Purse


def purse_of(**caps) -> tuple[Purse, list[str]]:
    told: list[str] = []
    return Purse(Budget(**caps), lambda: told.append("empty")), told


def spend(purse: Purse, cost: float | None, times: int) -> int:
    """Make calls as long as they are allowed; returns how many were."""
    for made in range(times):
        try:
            purse.start()
        except BudgetSpentError:
            return made
        purse.paid(cost)
    return times


def test_without_a_cap_everything_may_be_started() -> None:
    purse, told = purse_of()

    assert spend(purse, 1000.0, 50) == 50
    assert (purse.calls, purse.spent, told) == (50, 50_000.0, [])


@given(st.integers(0, 50))
def test_a_cap_of_calls_is_exact(most: int) -> None:
    purse, told = purse_of(max_calls=most)

    assert spend(purse, None, 60) == most
    assert (purse.calls, told) == (most, ["empty"])


@given(st.integers(1, 999), st.integers(1, 40))
def test_a_cap_of_money_buys_exactly_what_it_pays_for(cents: int, calls: int) -> None:
    cost = cents / 100
    purse, _told = purse_of(max_cost=cents * calls / 100)

    assert spend(purse, cost, 60) == calls


def test_small_change_adds_up_to_the_cap_and_not_to_a_little_less() -> None:
    purse, _told = purse_of(max_cost=7.0)

    assert spend(purse, 0.7, 60) == 10
    assert purse.spent == 7.0


def test_a_cap_of_nothing_lets_nothing_start() -> None:
    assert spend(purse_of(max_cost=0.0)[0], 0.0, 5) == 0
    assert spend(purse_of(max_calls=0)[0], 0.0, 5) == 0


def test_an_empty_purse_is_told_once_and_stays_empty() -> None:
    purse, told = purse_of(max_calls=1)
    purse.start()

    for _ in range(3):
        with pytest.raises(BudgetSpentError):
            purse.start()

    assert told == ["empty"]
    assert purse.calls == 1


def test_what_nobody_knows_adds_nothing() -> None:
    purse, _told = purse_of(max_cost=1.0)
    purse.paid(None)

    assert purse.spent == 0.0


def test_what_a_call_may_cost_is_held_back_until_its_cost_is_known() -> None:
    told: list[str] = []
    purse = Purse(Budget(max_cost=1.0), lambda: told.append("empty"))

    purse.start(0.6)
    held = purse.holds_back
    with pytest.raises(BudgetSpentError):
        purse.start(0.5)
    purse.release(0.6)
    purse.paid(0.1)
    purse.start(0.9)

    assert held
    assert told == ["empty"]
    assert purse.calls == 2


def test_nothing_is_held_back_where_no_cap_is_set_or_no_price_known() -> None:
    free = Purse(Budget(), lambda: None)
    unknown = Purse(Budget(max_cost=1.0), lambda: None)

    free.start(5.0)
    unknown.start(None)

    assert not free.holds_back
    assert not unknown.holds_back
