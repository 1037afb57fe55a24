from collections.abc import Sequence
from random import Random

import pytest

from llmops.comparing.referee import Block, Referee, Terms
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.completion import Completion
from llmops.domain.early import EarlyEnd
from llmops.domain.run import Arm, Exchange, Origin, Status, TrialResult
from llmops.location import Location

AT = Location("suites/s.yaml")


def trial(id_: str, status: Status, *, case: str = "", origin: Origin = "live") -> TrialResult:
    return TrialResult(
        id=id_,
        suite="s",
        suite_path="suites/s.yaml",
        case=case or id_.partition("/")[0],
        case_hash="0",
        arm=Arm(prompt="p", model="m"),
        sample=0,
        status=status,
        at=AT,
        exchanges=(Exchange(completion=Completion(text="x"), origin=origin, attempts=1),),
    )


def blocks(count: int, *, alone: Sequence[int] = ()) -> list[Block]:
    return [
        Block(
            suite="s",
            case=f"c{number}",
            before=frozenset() if number in alone else frozenset({f"c{number}/a"}),
            after=frozenset({f"c{number}/b"}),
        )
        for number in range(count)
    ]


def play(
    referee: Referee, outcomes: Sequence[tuple[Status, Status]], *, origin: Origin = "live"
) -> tuple[EarlyEnd | None, int]:
    taken = 0
    for number, (before, after) in enumerate(outcomes):
        for side, status in (("a", before), ("b", after)):
            taken += 1
            end = referee.take(trial(f"c{number}/{side}", status, origin=origin))
            if end is not None:
                return end, taken
    return None, taken


def test_a_large_loss_ends_the_run_long_before_its_plan() -> None:
    chance = Random(1)
    outcomes: list[tuple[Status, Status]] = [
        ("passed", "passed" if chance.random() < 0.7 else "failed") for _ in range(200)
    ]

    end, taken = play(Referee(blocks(200), Terms(rule=Rule())), outcomes)

    assert end is not None
    assert end.reason == "regressed"
    assert taken < 200
    assert end.high is not None
    assert end.high < 0


def test_what_costs_nothing_is_never_ended() -> None:
    referee = Referee(blocks(200), Terms(rule=Rule()))

    end, taken = play(referee, [("passed", "failed")] * 200, origin="recorded")

    assert end is None
    assert taken == 400
    assert not referee.looked


def test_no_loss_in_many_cases_is_evidence_enough() -> None:
    end, taken = play(
        Referee(blocks(1000), Terms(rule=Rule(margin=0.05))), [("passed", "passed")] * 1000
    )

    assert end is not None
    assert end.reason == "not worse"
    assert taken < 1000
    assert end.low is not None
    assert end.low > -0.06


def test_rules_that_are_open_keep_a_run_without_loss_going() -> None:
    must = Terms(rule=Rule(margin=0.05), must_pass=frozenset({("s", "c299")}))
    rate = Terms(rule=Rule(margin=0.05), least={"s": 0.95})
    passing: list[tuple[Status, Status]] = [("passed", "passed")] * 300

    whole = play(Referee(blocks(300), must), passing)
    most = play(Referee(blocks(300), rate), passing)
    alone = play(Referee(blocks(300, alone=[299]), Terms(rule=Rule(margin=0.05))), passing)

    assert whole[1] == 600
    assert 570 <= most[1] < 590
    assert alone[1] == 600


def test_a_case_that_must_pass_and_does_not_ends_it_at_once() -> None:
    terms = Terms(rule=Rule(), must_pass=frozenset({("s", "c3")}))

    end, taken = play(Referee(blocks(50), terms), [("passed", "failed")] * 50)

    assert end is not None
    assert (end.reason, end.words, taken) == ("rule", "s::c3 must pass", 8)


def test_the_bases_failure_breaks_no_rule() -> None:
    terms = Terms(rule=Rule(), must_pass=frozenset({("s", "c0")}))

    end, _taken = play(Referee(blocks(1), terms), [("failed", "passed")])

    assert end is None


def test_a_rate_that_cannot_be_reached_any_more_ends_it() -> None:
    terms = Terms(rule=Rule(margin=1.0), least={"s": 0.9}, worse_is_red=False)

    end, taken = play(Referee(blocks(20), terms), [("passed", "failed")] * 20)

    assert end is not None
    assert end.words == "s cannot reach 90 % any more"
    assert taken == 6


def test_errors_are_no_evidence_of_a_loss() -> None:
    end, taken = play(Referee(blocks(200), Terms(rule=Rule())), [("passed", "error")] * 200)

    assert end is None
    assert taken == 400


def test_cases_count_in_the_order_of_the_plan() -> None:
    referee = Referee(blocks(100), Terms(rule=Rule()))

    ends = [
        referee.take(trial(f"c{number}/{side}", "passed" if side == "a" else "failed"))
        for number in range(99, 0, -1)
        for side in "ab"
    ]

    assert set(ends) == {None}


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_false_alarms_are_rare_however_often_one_looks(share: float) -> None:
    alarms = 0
    for seed in range(100):
        chance = Random(seed)
        outcomes = [_pair(chance, share) for _ in range(40)]
        end, _taken = play(Referee(blocks(40), Terms(rule=Rule(), may_pass=False)), outcomes)
        alarms += end is not None

    assert alarms <= 5


def _pair(chance: Random, share: float) -> tuple[Status, Status]:
    """Two samples of one case, whose rates are the same."""
    rate = 0.0 if chance.random() < share else 0.8
    before: Status = "passed" if chance.random() < rate else "failed"
    after: Status = "passed" if chance.random() < rate else "failed"
    return before, after
