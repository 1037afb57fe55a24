from collections.abc import Sequence

import pytest

from llmops.comparing.assessment import assess_arms
from llmops.comparing.drift import drift_of, drift_rule, rate_change, take_apart
from llmops.domain.completion import Completion, Request
from llmops.domain.drift import decide_drift
from llmops.domain.run import Arm, Exchange, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.domain.verdict import Totals, decide
from llmops.location import Location

RULE = drift_rule(0.05, 0.95, 1)
DAY = "2026-11-{:02}T00:00:00+00:00"


def trial(
    case: int,
    status: Status = "passed",
    *,
    model: str | None = "m-1",
    fingerprint: str | None = None,
    cost: float | None = None,
    score: float | None = None,
) -> TrialResult:
    said = Completion(text="abc", model=model, fingerprint=fingerprint, cost=cost, latency=2.0)
    judged = Score(status="passed", value=score or 0.0, reason="")
    graded = AssertionScore(label="x", scorer="x", score=judged, at=None, metric="tone")
    exchange = Exchange(
        request=Request(model="openai/m", messages=()),
        completion=said,
        scores=(graded,) if score is not None else (),
    )
    return TrialResult(
        id=f"{case}",
        suite="s",
        suite_path="suites/s.yaml",
        case=f"c{case}",
        case_hash=f"h{case}",
        arm=Arm(prompt="p", model="fast"),
        sample=0,
        status=status,
        at=Location("suites/s.yaml", 1, 1),
        exchanges=(exchange,),
    )


def trials(count: int, failing: int = 0, model: str | None = "m-1") -> list[TrialResult]:
    return [trial(n, "failed" if n < failing else "passed", model=model) for n in range(count)]


def on(day: int, made: Sequence[TrialResult]) -> list[tuple[str, TrialResult]]:
    return [(DAY.format(day), one) for one in made]


def test_a_model_that_answers_as_it_did_is_steady() -> None:
    found = drift_of("fast", on(1, trials(90)), trials(90), rule=RULE)

    assert (found.said, found.cases, found.unknown) == ("steady", (), 0)


def test_so_few_canaries_that_nothing_can_be_seen_say_so() -> None:
    found = drift_of("fast", on(1, trials(8)), trials(8), rule=RULE)

    assert found.said == "cannot tell"


@pytest.mark.parametrize("worse", [True, False])
def test_a_change_either_way_is_drift_and_the_canaries_are_named(worse: bool) -> None:
    sides = trials(40), trials(40, failing=15)
    then, now = sides if worse else sides[::-1]

    found = drift_of("fast", on(1, then), now, rule=RULE)

    assert found.said == "drifted"
    assert len(found.cases) == 15
    assert (found.cases[0].then, found.cases[0].now) == (
        ((1, 1), (0, 1)) if worse else ((0, 1), (1, 1))
    )


def test_another_model_id_is_drift_whatever_it_answers() -> None:
    found = drift_of("fast", on(1, trials(90)), trials(90, model="m-2"), rule=RULE)

    assert found.said == "drifted"
    assert found.reason == "drifted: openai/m moved: the model id was m-1 and is m-2 now"


def test_another_fingerprint_is_told_and_the_answers_decide() -> None:
    then = [trial(n, fingerprint="a") for n in range(90)]
    now = [trial(n, fingerprint="b") for n in range(90)]

    found = drift_of("fast", on(1, then), now, rule=RULE)

    assert found.said == "steady"
    assert [one.what for one in found.moved] == ["fingerprint"]


def test_answers_of_another_model_do_not_hide_that_it_moved() -> None:
    history = on(2, trials(40, model="m-2")) + on(1, trials(40))

    moved = drift_of("fast", history, trials(40, model="m-2"), rule=RULE)
    back = drift_of("fast", history, trials(40), rule=RULE)

    assert (moved.said, moved.others) == ("drifted", 40)
    assert moved.moved[0].before == ("m-1",)
    assert (back.moved, back.others, back.rate.then) == ((), 40, 40)


def test_what_no_provider_names_is_compared_by_its_answers_alone() -> None:
    found = drift_of("fast", on(1, trials(90, model=None)), trials(90), rule=RULE)

    assert (found.said, found.moved) == ("steady", ())


def test_canaries_without_a_history_are_counted() -> None:
    some = drift_of("fast", on(1, trials(3)), trials(5), rule=RULE)
    none = drift_of("fast", [], trials(5), rule=RULE)

    assert (some.unknown, none.unknown) == (2, 5)
    assert none.said == "cannot tell"
    assert none.reason == "has no kept answer to a canary as it is asked today"


def test_errors_are_never_steady_and_never_drift() -> None:
    now = [*trials(50), *(trial(n, "error") for n in range(50, 90))]

    found = drift_of("fast", on(1, trials(90)), now, rule=RULE)

    assert found.said == "cannot tell"
    assert found.rate.low < -0.3
    assert found.rate.high < 0.05
    assert "40 trials without a verdict" in found.reason


def test_scores_cost_time_and_length_are_shown_where_every_canary_knows_them() -> None:
    then = [trial(n, cost=0.1, score=0.5) for n in range(4)]
    now = [trial(n, cost=0.2 if n else None, score=0.25) for n in range(4)]

    found = drift_of("fast", on(1, then), now, rule=RULE)

    assert [(one.name, one.before, one.after) for one in found.means] == [
        ("tone", 0.5, 0.25),
        ("latency", 2.0, 2.0),
        ("output characters", 3.0, 3.0),
    ]


def test_chances_are_shared_among_directions_and_models() -> None:
    assert drift_rule(0.1, 0.95, 1).alpha == pytest.approx(0.025)
    assert drift_rule(0.1, 0.95, 5).alpha == pytest.approx(0.005)
    with pytest.raises(ValueError, match="must lie between"):
        drift_rule(0.1, 1.0, 1)


def test_what_is_not_whole_is_not_steady() -> None:
    steady = drift_of("fast", on(1, trials(90)), trials(90), rule=RULE)
    whole = decide(Totals(planned=90, passed=90))
    broken = decide(Totals(planned=90, error=90))
    stopped = decide(Totals(planned=90, passed=3), stopped_by="budget")

    verdicts = [decide_drift([steady], run) for run in (whole, broken, stopped)]

    assert [(one.status, one.exit_code) for one in verdicts] == [
        ("steady", 0),
        ("error", 3),
        ("stopped", 4),
    ]


def test_the_gravest_model_decides() -> None:
    models = [
        drift_of(name, on(1, trials(count)), trials(count, failing=failing), rule=RULE)
        for name, count, failing in (("a", 90, 0), ("b", 5, 0), ("c", 90, 40))
    ]

    verdicts = [decide_drift(models[:n], decide(Totals(planned=1, passed=1))) for n in (1, 2, 3)]

    assert [one.exit_code for one in verdicts] == [0, 6, 1]
    assert verdicts[2].line.startswith("drifted: c passed 100.0 % then and 55.6 % now")


def test_a_difference_is_taken_apart_into_the_models_share_and_the_edits() -> None:
    canaries = rate_change(trials(40), trials(40, failing=8), RULE)
    runs = assess_arms(trials(60), trials(60, failing=30), rule=RULE)

    found = take_apart(("a", "b"), runs, canaries)

    assert found is not None
    assert found.model[0] == pytest.approx(-0.2)
    assert found.whole[0] == pytest.approx(-0.5)
    assert found.edit[0] == pytest.approx(-0.3)
    assert found.edit[1] < -0.3 < found.edit[2]
    assert found.edit[2] - found.edit[1] > found.whole[2] - found.whole[1]
    assert take_apart(("a", "b"), runs, rate_change([], [], RULE)) is None
