import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from llmops.running.searching.bisection import Answer, Rule, Search, Suspect
from llmops.running.searching.breakpoints import Counts, beliefs, most_telling

Rate = Callable[[int], float]
VERSIONS = 200
TRIES = range(20)


def counts(*pairs: tuple[int, int]) -> list[Counts]:
    return [Counts(passed=passed, failed=failed) for passed, failed in pairs]


def searched(rate: Rate, seed: int, *, size: int = VERSIONS, rule: Rule | None = None) -> Search:
    """A search among versions that pass by chance."""
    chance = random.Random(seed)
    search = Search(size, rule or Rule())
    while (question := search.question()) is not None:
        passed = sum(chance.random() < rate(question.version) for _ in range(question.samples))
        answered = Counts(passed=passed, failed=question.samples - passed)
        search.take(question.version, Answer(counts=answered))
    return search


def broken(seed: int, before: float, after: float) -> tuple[Search, int]:
    """A search for a break at a place drawn by the seed."""
    culprit = random.Random(1000 + seed).randrange(1, VERSIONS)
    return searched(lambda version: before if version < culprit else after, seed), culprit


def right(found: Iterable[tuple[Search, int]]) -> int:
    return sum(
        search.end == "found" and search.suspects()[0].versions == (culprit,)
        for search, culprit in found
    )


def test_a_case_that_passes_nine_in_ten_before_and_three_in_ten_after_is_traced():
    found = [broken(seed, 0.9, 0.3) for seed in TRIES]

    assert right(found) >= 19
    assert sum(search.trials for search, _ in found) / len(found) < 110


def test_a_case_that_always_passed_and_never_does_takes_little_more_than_halving():
    found = [broken(seed, 1, 0) for seed in TRIES]

    assert right(found) == len(found)
    assert max(search.trials for search, _ in found) <= 20


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_nobody_is_accused_where_nothing_broke(rate: float):
    found = [searched(lambda _version: rate, seed) for seed in TRIES]

    assert {search.end for search in found} <= {"same", "spent"}


def test_a_case_that_was_mended_accuses_nobody():
    found = [searched(lambda version: 0.3 if version < 90 else 0.9, seed) for seed in TRIES]

    assert {search.end for search in found} == {"same"}


def test_nobody_is_accused_when_the_trials_are_spent_too_early():
    search = searched(lambda v: 0.9 if v < 70 else 0.3, 5, rule=Rule(most=30))

    suspects = search.suspects()
    assert search.end == "spent"
    assert search.trials == 30
    assert len(suspects) > 1
    assert suspects == sorted(suspects, key=lambda one: -one.chance)
    assert sum(one.chance for one in suspects) >= 0.99 * (1 - search.same)


def test_versions_that_cannot_be_asked_are_suspected_together():
    search = Search(5)
    while (question := search.question()) is not None:
        if question.version in {2, 3}:
            search.take(question.version, Answer(skipped=True))
        else:
            passed = question.samples if question.version < 2 else 0
            found = Counts(passed=passed, failed=question.samples - passed)
            search.take(question.version, Answer(counts=found))

    assert search.end == "found"
    assert search.suspects()[0].versions == (2, 3, 4)
    assert search.skipped == {2, 3}


def test_the_oldest_version_that_can_be_asked_is_the_good_end():
    search = Search(3)

    search.take(0, Answer(skipped=True))
    search.take(1, Answer(counts=Counts(passed=30)))
    search.take(2, Answer(counts=Counts(failed=30)))

    assert search.end == "found"
    assert search.suspects()[0].versions == (2,)


def test_one_version_alone_is_nothing_to_search():
    search = Search(2)

    search.take(1, Answer(skipped=True))

    assert search.end == "alone"
    assert search.question() is None
    assert search.suspects() == []
    assert search.same == 1


def settled(*passed: bool) -> Search:
    """A search where each version has one answer, and no more are to be had."""
    search = Search(len(passed), Rule(settled=True))
    while (question := search.question()) is not None:
        good = passed[question.version]
        found = Counts(passed=int(good), failed=int(not good))
        search.take(question.version, Answer(counts=found, more=False))
    return search


def test_what_passes_always_or_never_takes_one_sample_a_version():
    search = settled(*(version < 77 for version in range(VERSIONS)))

    assert search.end == "found"
    assert search.suspects()[0] == Suspect(versions=(77,), chance=pytest.approx(1))
    assert search.trials <= 2 + 8


def test_what_passes_at_both_ends_is_the_same():
    search = settled(*[True] * 9)

    assert search.end == "same"
    assert search.trials == 2


def test_answers_that_no_single_break_explains_are_not_taken_for_one():
    search = Search(4, Rule(settled=True))

    for version, good in enumerate([True, False, True, False]):
        found = Counts(passed=int(good), failed=int(not good))
        search.take(version, Answer(counts=found, more=False))

    assert search.end == "silent"
    assert search.suspects()[0].chance < 0.9


def test_a_version_without_more_answers_is_not_asked_again():
    search = Search(2)

    search.take(0, Answer(counts=Counts(passed=1), more=False))
    asked = search.question()
    search.take(1, Answer(counts=Counts(failed=1), more=False))

    assert asked is not None
    assert asked.version == 1
    assert search.question() is None
    assert search.end == "silent"


def test_more_samples_are_asked_at_a_time_once_a_version_wavers():
    search = Search(9, Rule(samples=6))

    first = search.question()
    search.take(0, Answer(counts=Counts(passed=1, failed=1)))
    second = search.question()

    assert first is not None
    assert second is not None
    assert (first.samples, second.samples) == (1, 6)


def test_the_last_question_keeps_to_the_trials_that_are_left():
    search = Search(9, Rule(samples=6, most=5))

    search.take(0, Answer(counts=Counts(passed=1, failed=1)))
    question = search.question()

    assert question is not None
    assert question.samples == 3


def test_a_sample_that_tells_nothing_is_not_asked_for():
    held = beliefs(counts((50, 0), (0, 50)), settled=True)

    assert most_telling(held, [0, 1]) is None


def test_the_middle_tells_the_most_of_versions_that_nothing_is_known_of():
    held = beliefs(counts((50, 0), *[(0, 0)] * 19, (0, 50)))

    assert most_telling(held, range(21)) in {9, 10, 11}


ROWS = some.lists(some.tuples(some.integers(0, 40), some.integers(0, 40)), min_size=2, max_size=12)


@settings(deadline=None, max_examples=60)
@given(ROWS, some.booleans())
def test_the_chances_of_all_places_make_one(row: list[tuple[int, int]], settled: bool):
    held = beliefs(counts(*row), settled=settled)

    assert held.breaks[0] == 0
    assert sum(held.breaks) + held.same == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in held.breaks)
    assert all(1 >= before > after >= 0 for before, after in held.rates)


@settings(deadline=None, max_examples=40)
@given(ROWS, some.integers(1, 11))
def test_a_version_that_was_not_asked_shares_its_chance_with_the_next(
    row: list[tuple[int, int]], place: int
):
    place = min(place, len(row) - 1)
    held = beliefs(counts(*row[:place], (0, 0), *row[place:]))

    assert held.breaks[place] == pytest.approx(held.breaks[place + 1])
