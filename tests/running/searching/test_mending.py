import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from llmops.running.searching.breakpoints import Counts
from llmops.running.searching.mending import Search, find_mending
from llmops.running.searching.weighing import NOTHING, Reply, Reverted, Rule, Weighing

Rate = Callable[[Reverted], float]


class Model:
    """Passes as often as a rate says, and counts what it is asked."""

    def __init__(self, rate: Rate, seed: int = 0) -> None:
        self.rate = rate
        self.random = random.Random(seed)
        self.asked = 0
        self.rounds = 0

    def __call__(self, wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        self.rounds += 1
        self.asked += sum(wanted.values())
        return {one: Reply(counts=self.samples(one, count)) for one, count in wanted.items()}

    def samples(self, reverted: Reverted, count: int) -> Counts:
        passed = sum(self.random.random() < self.rate(reverted) for _ in range(count))
        return Counts(passed=passed, failed=count - passed)


def singles(count: int) -> list[Reverted]:
    return [frozenset({number}) for number in range(count)]


def weighed(count: int, model, **rule) -> Weighing:
    return Weighing(whole=frozenset(range(count)), hunks=count, ask=model, rule=Rule(**rule))


def search(count: int, model, **rule) -> Search:
    return find_mending(weighed(count, model, **rule), singles(count), singles(count))


def enough(found: Search) -> list[set[int]]:
    return [set(one.enough) for one in found.mended]


def needs(*edits: int, passing: float = 1.0, failing: float = 0.0) -> Rate:
    return lambda reverted: passing if set(edits) <= reverted else failing


@pytest.mark.parametrize("edits", [{2}, {0, 4}, {1, 2, 3}, {0, 1, 2, 3, 4}])
def test_the_fewest_edits_are_found(edits: set[int]) -> None:
    found = search(5, Model(needs(*edits)))

    assert enough(found) == [edits]
    assert found.status == ("named" if len(edits) == 1 else "together")
    assert all(one.smallest for one in found.mended)


def test_one_edit_among_many_is_found_by_halves() -> None:
    model = Model(needs(41))

    found = search(60, model)

    assert found.status == "named"
    assert not found.singly
    assert enough(found) == [{41}]
    assert model.asked < 60 * 3


def test_each_edit_that_mends_by_itself_is_found() -> None:
    found = search(4, Model(lambda reverted: float(bool(reverted & {0, 3}))))

    assert enough(found) == [{0}, {3}]


def test_the_right_one_is_named_in_nineteen_of_twenty_noisy_tries() -> None:
    right = 0
    for seed in range(20):
        culprit = seed % 5
        found = search(5, Model(needs(culprit, passing=0.9, failing=0.3), seed))
        right += found.status == "named" and enough(found) == [{culprit}]

    assert right >= 19


def test_two_that_are_needed_together_are_found_in_noise() -> None:
    found = [search(5, Model(needs(1, 3, passing=0.9, failing=0.2), seed)) for seed in range(10)]

    assert sum(enough(one) == [{1, 3}] for one in found) >= 9
    assert not any(one.status == "named" for one in found)


def test_noise_alone_hardly_ever_accuses_anybody() -> None:
    accused = 0
    for seed in range(200):
        model = Model(lambda _reverted: 0.5, seed)
        accused += bool(search(5, model).mended)

    assert accused <= 4


def test_what_is_settled_takes_one_sample_each() -> None:
    model = Model(needs(2))

    found = search(5, model, settled=True)

    assert enough(found) == [{2}]
    assert model.asked == 7


def test_samples_stay_below_the_most() -> None:
    model = Model(needs(1, passing=0.6, failing=0.5))

    found = search(5, model, most=50)

    assert model.asked <= 50
    assert found.status in {"unsure", "same"}


def test_a_pair_that_cannot_be_made_smaller_in_time_is_not_called_the_smallest() -> None:
    model = Model(needs(0, 1, 2, 3, 4, 5))

    found = search(8, model, most=45)

    assert not all(one.smallest for one in found.mended)


def test_what_cannot_be_rendered_is_no_proof_and_no_hindrance() -> None:
    truth = Model(needs(1, 2))

    def ask(wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        split = [one for one in wanted if len(one & {1, 2}) == 1]
        replies = dict(truth({one: n for one, n in wanted.items() if one not in split}))
        return replies | {one: Reply(impossible="no end of 'if'", more=False) for one in split}

    weighing = weighed(4, ask)
    joined: Sequence[Reverted] = [frozenset({0}), frozenset({1, 2}), frozenset({3})]

    found = find_mending(weighing, singles(4), joined)

    assert found.status == "named"
    assert enough(found) == [{1, 2}]
    assert found.mended[0].smallest
    assert weighing.why(frozenset({1})) == "no end of 'if'"


def test_nobody_to_ask_is_unknown() -> None:
    def ask(wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        return {one: Reply(unknown="no such key", more=False, fatal=True) for one in wanted}

    weighing = weighed(3, ask)

    found = find_mending(weighing, singles(3), singles(3))

    assert (found.status, found.why) == ("unknown", "no such key")
    assert weighing.over == "no such key"


def test_silence_about_mixtures_is_unsure_and_claims_no_set() -> None:
    def ask(wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        return {one: Reply(unknown="not recorded", more=False) for one in wanted}

    weighing = weighed(3, ask, settled=True)
    weighing.counts = {NOTHING: Counts(failed=1), weighing.whole: Counts(passed=1)}

    found = find_mending(weighing, singles(3), singles(3))

    assert found.status == "unsure"
    assert {weighing.judge(one) for one in singles(3)} == {"unknown"}
    assert weighing.why(frozenset({0})) == "not recorded"


def test_a_whole_that_cannot_be_had_again_is_unsure() -> None:
    def ask(wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        return {}

    weighing = weighed(3, ask)
    weighing.counts = {NOTHING: Counts(failed=1), weighing.whole: Counts(passed=1)}

    found = find_mending(weighing, singles(3), singles(3))

    assert (found.status, found.why) == ("unsure", "the samples do not tell")


def test_all_asked_in_a_round_are_asked_at_once() -> None:
    model = Model(needs(2))

    search(8, model)

    assert model.rounds <= 12
