from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.comparing.statistics.curtailment import certain, certain_rate
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.judging import Effort, measure
from llmops.comparing.statistics.verdict import Rule


@cache
def verdict(losses: int, wins: int, ties: int) -> str:
    values = (-1.0,) * losses + (1.0,) * wins + (0.0,) * ties
    found = measure(
        Differences(values=values, binary=True),
        Rule(),
        rng=Random(1),
        effort=Effort(flips=49, resamples=49),
    )
    return found.verdict


def test_a_lead_that_cannot_be_made_up_for_is_certain() -> None:
    assert certain(verdict, (30, 0, 20), 10) == "regressed"
    assert certain(verdict, (10, 0, 40), 10) is None
    assert certain(verdict, (0, 0, 3), 1) == "inconclusive"


def test_with_nothing_left_the_answer_is_the_final_one() -> None:
    assert certain(verdict, (3, 3, 60), 0) == verdict(3, 3, 60)


@given(seen=st.tuples(*[st.integers(0, 30)] * 3), filling=st.lists(st.integers(0, 2), max_size=4))
def test_what_is_certain_comes_true(seen: tuple[int, int, int], filling: list[int]) -> None:
    said = certain(verdict, seen, len(filling))

    final = verdict(*(count + filling.count(kind) for kind, count in enumerate(seen)))
    assert said in {None, final}


def test_an_open_question_is_seen_at_the_extremes() -> None:
    asked = []

    def decide(losses: int, wins: int, ties: int) -> bool:
        asked.append((losses, wins, ties))
        return losses > wins

    assert certain(decide, (0, 0, 0), 100) is None
    assert asked == [(100, 0, 0), (0, 100, 0)]


@pytest.mark.parametrize(
    ("passed", "failed", "remaining", "said"),
    [
        (95, 0, 5, "reached"),
        (94, 0, 6, None),
        (0, 6, 94, "missed"),
        (0, 5, 95, None),
        (95, 5, 0, "reached"),
        (94, 6, 0, "missed"),
        (0, 0, 0, "missed"),
    ],
)
def test_a_pass_rate_is_certain_when_what_remains_cannot_change_it(
    passed: int, failed: int, remaining: int, said: str | None
) -> None:
    assert certain_rate(passed, failed, remaining, minimum=0.95) == said


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="the cases that remain must be at least 0"):
        certain(verdict, (0, 0, 0), -1)
    with pytest.raises(ValueError, match="a count must be at least 0"):
        certain(verdict, (0, -1, 0), 1)
    with pytest.raises(ValueError, match="a count must be at least 0"):
        certain_rate(-1, 0, 0, minimum=0.5)
    with pytest.raises(ValueError, match="the minimum must lie from 0 to 1"):
        certain_rate(1, 0, 0, minimum=1.5)
