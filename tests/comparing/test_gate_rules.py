import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.comparing.gate import Standards, SuiteStandard, hold
from llmops.domain.completion import Completion
from llmops.domain.config import GatePolicy
from llmops.domain.gate import decide_gate
from llmops.domain.run import Arm, Exchange, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.location import Location

AT = Location("suites/s.yaml", 3, 5)
STATUSES: list[Status] = ["passed", "failed", "error", "unscored", "skipped"]


def trial(number: int, status: Status = "passed", *, suite: str = "s", **more) -> TrialResult:
    answered = (Exchange(completion=Completion(text="a")),)
    usual = {"tags": (), "sample": 0, "exchanges": () if status == "skipped" else answered}
    return TrialResult(
        id=f"{suite}{number}",
        suite=suite,
        suite_path=f"suites/{suite}.yaml",
        case=f"c{number}",
        case_hash=f"h{number}",
        arm=Arm(prompt="p", model="m"),
        status=status,
        at=AT,
        **{**usual, **more},
    )


def trials(statuses: dict[int, Status] | None = None, count: int = 40, suite: str = "s"):
    found = statuses or {}
    return [trial(n, found.get(n, "passed"), suite=suite) for n in range(count)]


def outcomes(held) -> dict[str, str]:
    return {f"{rule.rule} {rule.scope}".strip(): rule.outcome for rule in held.rules}


def every(status: Status, count: int) -> dict[int, Status]:
    return dict.fromkeys(range(count), status)


def test_what_did_not_change_is_not_worse_within_the_margin() -> None:
    held = hold(trials(), trials(), Standards(policy=GatePolicy(margin=0.2)))

    assert outcomes(held) == {"worse": "held"}
    assert held.rules[0].reason.startswith("not worse: pass rate 100.0 % → 100.0 %")


def test_a_clear_loss_is_regressed() -> None:
    held = hold(trials(), trials(every("failed", 12)), Standards())

    assert outcomes(held) == {"worse": "broken"}
    assert "regressed: pass rate 100.0 % → 70.0 %" in held.rules[0].reason
    assert "p = " in held.rules[0].reason


def test_a_loss_by_errors_alone_is_no_verdict() -> None:
    held = hold(trials(), trials(every("error", 12)), Standards())

    assert outcomes(held) == {"worse": "unknown"}
    assert decide_gate(held.rules, (), run=None).exit_code == 3
    assert "12 samples without a verdict" in held.rules[0].reason
    assert "p = " not in held.rules[0].reason


def test_a_loss_that_errors_cannot_hide_is_regressed() -> None:
    mixed = {**every("failed", 20), **dict.fromkeys(range(20, 24), "error")}

    held = hold(trials(), trials(mixed), Standards())

    assert outcomes(held) == {"worse": "broken"}


def test_a_few_errors_do_not_keep_a_wide_margin_from_holding() -> None:
    standards = Standards(policy=GatePolicy(margin=0.5))

    held = hold(trials(), trials(every("error", 1)), standards)

    assert outcomes(held) == {"worse": "held"}


def test_few_cases_are_inconclusive_and_say_so() -> None:
    held = hold(trials(count=1), trials(count=1), Standards())

    assert outcomes(held) == {"worse": "inconclusive"}
    assert "so few cases can see no drop" in held.rules[0].reason


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (every("failed", 4), "held"),
        (every("failed", 5), "broken"),
        (every("error", 5), "unknown"),
        ({**every("failed", 3), 3: "unscored"}, "held"),
    ],
)
def test_the_least_pass_rate_counts_what_is_unknown_at_both_ends(statuses, outcome: str) -> None:
    standards = Standards(policy=GatePolicy(min_pass_rate=0.9))

    held = hold((), trials(statuses), standards)

    assert outcomes(held) == {"min_pass_rate s": outcome}


def test_cases_that_must_pass_are_those_of_the_base_and_of_the_change() -> None:
    after = [trial(0, "failed", tags=("must_pass",)), trial(1, "error"), trial(2)]
    standards = Standards(
        policy=GatePolicy(min_pass_rate=0),
        suites={
            "s": SuiteStandard(policy=GatePolicy(min_pass_rate=0), must_pass=frozenset({"c2"}))
        },
    )

    held = hold((), after, standards)

    assert outcomes(held) == {"must_pass s": "broken", "min_pass_rate s": "held"}
    assert held.rules[0].reason == "1 of 2 cases that must pass passed; not c0"


def test_trials_without_a_counterpart_must_all_pass() -> None:
    after = trials(dict.fromkeys(range(40, 47), "failed"), 47)

    held = hold(trials(), after, Standards(policy=GatePolicy(margin=0.2)))

    assert outcomes(held) == {"worse": "held", "without_base s": "broken"}
    assert "not c40, c41, c42, c43, c44, and 2 more" in held.rules[1].reason


def test_each_suite_is_held_by_itself_when_there_are_more() -> None:
    before = [*trials(), *trials(suite="t", count=20)]
    after = [*trials(), *trials(every("failed", 20), suite="t", count=20)]

    held = hold(before, after, Standards(policy=GatePolicy(margin=0.2)))

    assert outcomes(held) == {
        "worse": "broken",
        "suite_worse s": "held",
        "suite_worse t": "broken",
    }
    assert [rule.sign for rule in held.rules] == ["red", "held", "open"]


def test_a_suite_with_a_policy_of_its_own_may_fail_as_inconclusive() -> None:
    own = SuiteStandard(policy=GatePolicy(on_inconclusive="fail"), own=True)
    standards = Standards(policy=GatePolicy(margin=0.5), suites={"s": own})

    held = hold(trials(count=10), trials(count=10), standards)

    assert outcomes(held) == {"worse": "held", "suite_worse s": "inconclusive"}
    assert decide_gate(held.rules, (), run=None).exit_code == 6


def test_nothing_to_compare_is_incomparable_where_there_must_be_something() -> None:
    held = hold((), trials(), Standards(policy=GatePolicy(min_pass_rate=0), pairs_wanted="no run"))

    assert outcomes(held)["worse"] == "incomparable"
    assert decide_gate(held.rules, (), run=None).exit_code == 6


def test_a_suite_of_which_all_is_skipped_holds_nothing() -> None:
    held = hold((), trials(every("skipped", 3), 3), Standards())

    assert held.rules == ()
    assert decide_gate(held.rules, (), run=None).exit_code == 6


def test_a_confidence_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="no verdict"):
        hold((), (), Standards(policy=GatePolicy(confidence=0.4)))


sides = st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from(STATUSES)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(sides)
def test_no_change_is_green_unless_its_worst_reading_is(pairs: list[tuple[Status, Status]]) -> None:
    before = [trial(n, one) for n, (one, _) in enumerate(pairs)]
    after = [trial(n, other) for n, (_, other) in enumerate(pairs)]
    worst_before = [trial(n, _best(one)) for n, (one, _) in enumerate(pairs)]
    worst_after = [trial(n, _worst(other)) for n, (_, other) in enumerate(pairs)]

    shown = decide_gate(hold(before, after, Standards()).rules, (), run=None)
    worst = decide_gate(hold(worst_before, worst_after, Standards()).rules, (), run=None)

    assert not shown.green or worst.green


def _best(status: Status) -> Status:
    return "passed" if status in {"error", "unscored"} else status


def _worst(status: Status) -> Status:
    return "failed" if status in {"error", "unscored"} else status


def test_a_metric_of_the_policy_that_nothing_asserts_is_named() -> None:
    held = hold(trials(), trials(), Standards(policy=GatePolicy(metrics=("tone",))))

    assert "no case asserts tone" in held.rules[0].reason


def test_a_metric_of_the_policy_can_be_what_regressed() -> None:
    def told(number: int, value: float) -> TrialResult:
        score = AssertionScore(
            label="tone", scorer="python", score=Score.passing("x", value), at=AT, metric="tone"
        )
        said = Exchange(completion=Completion(text="a"), scores=(score,))
        return trial(number, exchanges=(said,))

    before = [told(number, 0.9) for number in range(40)]
    after = [told(number, 0.5) for number in range(40)]
    standards = Standards(policy=GatePolicy(metrics=("tone",), margin=0.2))

    held = hold(before, after, standards)

    assert outcomes(held) == {"worse": "broken"}
    assert held.rules[0].reason.startswith("regressed: tone 90.0 % → 50.0 %")


def test_what_nobody_knows_is_not_called_a_regression() -> None:
    held = hold(trials(every("error", 40)), trials(every("error", 40)), Standards())

    assert outcomes(held) == {"worse": "unknown"}
    assert "regressed" not in held.rules[0].reason
    assert "80 samples without a verdict" in held.rules[0].reason
