from pathlib import Path

import pytest
from made_runs import HEADER, trial
from msgspec.structs import replace

from llmops.domain.completion import Completion, Request, Usage
from llmops.domain.run import Arm, Exchange, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.running.keeping.store import RunWriter
from llmops.running.past.habits import Habits, past_of


def keep(folder: Path, number: int, *trials: TrialResult, untrusted: bool = False) -> str:
    id_ = f"20261121-0345{number:02}-7c1e"
    writer = RunWriter(folder / f"{id_}.jsonl")
    writer.header(replace(HEADER, id=id_, planned=len(trials), untrusted=untrusted))
    for place, one in enumerate(trials):
        writer.trial(place, one)
    writer.close()
    return id_


def answers(
    content: str, passed: str, *, model: str = "fast", sample: int = 0, suite: str = "say"
) -> list[TrialResult]:
    """A trial for each letter: y passed, n failed, e ended in error."""
    status = {"y": "passed", "n": "failed", "e": "error"}
    return [
        replace(
            trial(f"c{place}", status[letter]),
            suite=suite,
            sample=sample,
            arm=Arm(prompt="say", model=model, content_hash=content),
        )
        for place, letter in enumerate(passed)
    ]


def test_two_versions_of_two_runs_are_held_against_each_other(tmp_path: Path) -> None:
    first = keep(tmp_path, 1, *answers("old", "yyyyyyyyyyyy"))
    second = keep(tmp_path, 2, *answers("new", "yyyyyyyyyynn"))

    found = past_of(tmp_path).arms_of("say", "fast")

    assert found is not None
    assert found.runs == (first, second)
    assert found.cases == (*((((1.0,), (1.0,)),) * 10), *((((1.0,), (0.0,)),) * 2))


def test_two_versions_of_one_run_name_it_once(tmp_path: Path) -> None:
    id_ = keep(tmp_path, 1, *answers("old", "y" * 10), *answers("new", "y" * 10))

    found = past_of(tmp_path).arms_of("say", "fast")

    assert found is not None
    assert found.runs == (id_,)


def test_the_same_content_asked_again_is_no_second_arm(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("old", "y" * 12))
    keep(tmp_path, 2, *answers("old", "y" * 12))

    assert past_of(tmp_path).arms_of("say", "fast") is None


def test_a_gates_name_for_the_base_makes_no_second_arm_of_the_same_content(tmp_path: Path) -> None:
    base = [
        replace(one, arm=replace(one.arm, prompt="say@git:0123456789ab"))
        for one in answers("old", "y" * 12)
    ]
    keep(tmp_path, 1, *base, *answers("old", "n" * 12))

    assert past_of(tmp_path).pairs == {}


def test_parameters_make_a_second_arm(tmp_path: Path) -> None:
    cold = [
        replace(one, arm=replace(one.arm, parameters={"temperature": 0}))
        for one in answers("old", "y" * 12)
    ]
    keep(tmp_path, 1, *cold, *answers("old", "n" * 12))

    assert past_of(tmp_path).arms_of("say", "fast") is not None


def test_no_older_run_is_read_once_enough_is_known(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("old", "y" * 10))
    keep(tmp_path, 2, *answers("new", "y" * 20))

    assert past_of(tmp_path, enough=20).pairs == {}
    assert past_of(tmp_path, enough=21).pairs != {}


def test_fewer_than_ten_cases_say_nothing(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("old", "y" * 9), *answers("new", "y" * 9))

    assert past_of(tmp_path).pairs == {}


def test_two_models_stand_in_where_a_model_has_one_arm(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("a", "y" * 10), *answers("a", "n" * 10, model="slow"))

    past = past_of(tmp_path)

    assert past.arms_of("say", "fast") == past.arms_of("say", "slow") == past.arms_of("say", "new")
    assert past.arms_of("say", "fast") is not None
    assert past.arms_of("other", "fast") is None


def test_the_newest_answers_of_a_case_count_with_all_their_samples(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("old", "n" * 10), *answers("new", "y" * 10))
    again = [*answers("old", "y" * 10), *answers("old", "n" * 10, sample=1)]
    keep(tmp_path, 2, *again)

    found = past_of(tmp_path).arms_of("say", "fast")

    assert found is not None
    assert found.cases == (((1.0,), (1.0, 0.0)),) * 10


def test_the_pair_with_most_cases_counts(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("a", "y" * 30), *answers("b", "y" * 30))
    keep(tmp_path, 2, *answers("c", "n" * 10))

    found = past_of(tmp_path).arms_of("say", "fast")

    assert found is not None
    assert len(found.cases) == 30


def test_errors_quarantined_cases_and_other_claims_are_left_out(tmp_path: Path) -> None:
    claimed = AssertionScore(
        label="contains 'x'", scorer="contains", score=Score.passing("it does"), at=None
    )
    old, new = answers("old", "y" * 15), answers("new", "e" + "y" * 14)
    new[1] = replace(new[1], quarantined="until 2026-12-01: known")
    new[2] = replace(new[2], exchanges=(replace(new[2].exchanges[0], scores=(claimed,)),))
    keep(tmp_path, 1, *old, *new)

    found = past_of(tmp_path).arms_of("say", "fast")

    assert found is not None
    assert len(found.cases) == 12


def test_untrusted_and_broken_runs_say_nothing(tmp_path: Path) -> None:
    keep(tmp_path, 1, *answers("a", "y" * 10), *answers("b", "y" * 10), untrusted=True)
    (tmp_path / "20261121-034509-7c1e.jsonl").write_text("{", encoding="utf-8")

    past = past_of(tmp_path)

    assert (past.habits, past.pairs) == ({}, {})


def test_suites_are_known_together_when_each_is(tmp_path: Path) -> None:
    for number, suite in enumerate(("say", "ask")):
        sides = [answers(name, "y" * 11, suite=suite) for name in ("old", "new")]
        keep(tmp_path, number, *sides[0], *sides[1])

    past = past_of(tmp_path)

    both = past.arms_together(["say", "ask"], "fast")
    assert both is not None
    assert len(both.cases) == 22
    assert len(both.runs) == 2
    assert past.arms_together(["say", "other"], "fast") is None
    assert past.arms_together([], "fast") is None


def test_habits_are_means_over_what_was_counted(tmp_path: Path) -> None:
    messages = ({"role": "user", "content": "x" * 400},)
    request = Request(model="fast", messages=messages)
    said = [
        Completion(text="a", usage=Usage(input=208, output=10), latency=1.0),
        Completion(text="b", usage=Usage(input=208, output=30), latency=3.0),
        Completion(text="c"),
    ]
    exchanges = [Exchange(request=request, completion=one) for one in said]
    trials = [replace(trial(f"c{i}"), exchanges=(e,)) for i, e in enumerate(exchanges)]
    silent = replace(
        trial("silent"), arm=Arm(prompt="say", model="mute"), exchanges=(Exchange(), exchanges[2])
    )
    keep(tmp_path, 1, *trials, silent)

    habits = past_of(tmp_path).habits

    assert (habits["fast"].output_tokens, habits["fast"].latency) == (20, 2.0)
    assert habits["fast"].input_ratio == pytest.approx(2, rel=0.1)
    assert habits["mute"] == Habits()


def test_no_folder_is_no_past(tmp_path: Path) -> None:
    assert past_of(tmp_path / "none").pairs == {}
