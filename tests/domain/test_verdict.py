from typing import get_args

import pytest
from any_values import TRIALS
from hypothesis import given, settings
from hypothesis import strategies as st
from made_trials import answered, refused, trial
from msgspec.structs import fields

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.run import Exchange, StoppedBy, TrialResult
from llmops.domain.score import Score
from llmops.domain.verdict import Totals, decide

COUNT = st.integers(0, 3)
TOTALS = st.builds(
    Totals, planned=st.integers(0, 15), passed=COUNT, failed=COUNT, error=COUNT, unscored=COUNT,
    skipped=COUNT,
)  # fmt: skip
REASONS = st.none() | st.sampled_from(get_args(StoppedBy))


@given(TOTALS, REASONS)
def test_nothing_that_is_not_wholly_well_is_green(totals: Totals, stopped_by) -> None:
    verdict = decide(totals, stopped_by=stopped_by)

    well = totals.passed > 0 and stopped_by is None and not totals.missing
    well = well and not totals.failed + totals.error + totals.unscored
    assert verdict.green == well
    assert verdict.green == (verdict.status == "passed") == (verdict.exit_code == 0)


@given(TOTALS, REASONS)
def test_the_exit_code_is_one_of_the_manual_and_the_reason_one_line(totals, stopped_by) -> None:
    verdict = decide(totals, stopped_by=stopped_by)

    assert verdict.exit_code in {0, 1, 3, 4, 5, 129, 130, 143}
    assert verdict.reason
    assert "\n" not in verdict.reason
    assert not verdict.reason.endswith(".")


@settings(max_examples=30)
@given(st.lists(TRIALS, max_size=4), st.integers(0, 5))
def test_whatever_was_run_is_green_only_if_every_trial_passed_or_was_skipped(
    trials: list[TrialResult], planned: int
) -> None:
    totals = Totals(planned=planned)
    for one in trials:
        totals.add(one)

    green = decide(totals).green

    statuses = {one.status for one in trials}
    assert not green or (statuses <= {"passed", "skipped"} and len(trials) >= planned)


@pytest.mark.parametrize(
    ("counts", "stopped_by", "status", "exit_code", "reason"),
    [
        ({"passed": 2}, None, "passed", 0, "all 2 trials passed"),
        ({"passed": 1, "skipped": 1}, None, "passed", 0, "all 1 trials passed"),
        ({"passed": 1, "failed": 1}, None, "failed", 1, "1 of 2 trials failed"),
        ({"failed": 1, "error": 1}, None, "failed", 1, "1 of 2 trials failed"),
        ({"passed": 1, "error": 1}, None, "error", 3, "1 of 2 trials have no verdict"),
        ({"passed": 1, "unscored": 1}, None, "error", 3, "1 of 2 trials have no verdict"),
        ({"passed": 1}, None, "stopped", 3, "1 of 2 trials done"),
        ({"passed": 2}, "fail_fast", "stopped", 3, "2 of 2 trials done"),
        ({"passed": 1}, "budget", "budget", 4, "the budget stopped it: 1 of 2 trials done"),
        ({"failed": 1}, "budget", "budget", 4, "the budget stopped it: 1 of 2 trials done"),
        ({"skipped": 2}, None, "empty", 5, "no trial was carried out"),
        ({"failed": 1}, "fail_fast", "failed", 1, "1 of 2 trials failed"),
        ({"passed": 2}, "sigint", "interrupted", 130, "interrupted by sigint: 2 of 2 trials done"),
        ({}, "sigterm", "interrupted", 143, "interrupted by sigterm: 0 of 2 trials done"),
        ({}, "sighup", "interrupted", 129, "interrupted by sighup: 0 of 2 trials done"),
        ({}, "killed", "interrupted", 130, "interrupted by killed: 0 of 2 trials done"),
    ],
)
def test_each_end_has_its_word_and_its_exit_code(
    counts, stopped_by, status, exit_code, reason
) -> None:
    verdict = decide(Totals(planned=2, **counts), stopped_by=stopped_by)

    assert (verdict.status, verdict.exit_code, verdict.reason) == (status, exit_code, reason)


def test_a_run_of_nothing_is_empty() -> None:
    assert decide(Totals()).status == "empty"


@given(TOTALS)
def test_the_pass_rate_runs_from_all_unknown_failed_to_all_unknown_passed(totals: Totals) -> None:
    rate = totals.pass_rate()

    unknown = totals.error + totals.unscored
    asked = totals.passed + totals.failed + unknown
    if rate is None:
        assert asked == 0
    else:
        low, high = rate
        assert 0 <= low <= high <= 1
        assert high - low == pytest.approx(unknown / asked)


def test_a_known_pass_rate_has_no_width() -> None:
    assert Totals(passed=3, failed=1, skipped=6).pass_rate() == (0.75, 0.75)
    assert Totals(skipped=6).pass_rate() is None


def test_trials_are_counted_by_status_and_by_where_they_come_from() -> None:
    totals = Totals(planned=6)

    totals.add(trial(answered(Score.passing("")), status="passed"))
    totals.add(trial(answered(Score.failing(""), origin="cached"), status="failed"))
    totals.add(trial(answered(origin="recorded"), status="unscored"))
    totals.add(trial(refused(attempts=5), status="error"))
    totals.add(trial(status="skipped"))

    assert (totals.passed, totals.failed, totals.unscored) == (1, 1, 1)
    assert (totals.error, totals.skipped) == (1, 1)
    assert (totals.live, totals.cached, totals.recorded) == (2, 1, 1)
    assert (totals.done, totals.missing, totals.calls) == (5, 1, 6)


def test_a_trial_for_which_nothing_was_asked_comes_from_nowhere() -> None:
    totals = Totals(planned=1)

    totals.add(trial(refused(attempts=0), status="error"))

    assert (totals.error, totals.live, totals.cached, totals.recorded) == (1, 0, 0, 0)


def test_only_live_completions_were_paid_for_now() -> None:
    totals = Totals()

    totals.add(trial(answered(cost=0.25), answered(origin="cached", cost=0.5)))
    totals.add(trial(answered(cost=None)))

    assert (totals.spent, totals.value, totals.unpriced) == (0.25, 0.75, 1)


def test_tokens_and_empty_completions_are_counted() -> None:
    totals = Totals()
    counted = Usage(input=10, output=2, source="provider")
    call = ToolCall(name="f", arguments="{}")
    completions = [
        Completion(text="", usage=counted),
        Completion(text="", output={"a": 1}),
        Completion(text="", tool_calls=(call,)),
    ]

    for completion in completions:
        totals.add(trial(Exchange(completion=completion, origin="cached")))

    assert (totals.input_tokens, totals.output_tokens) == (10, 2)
    assert totals.empty_completions == 1


def test_more_trials_than_planned_are_no_debt() -> None:
    assert Totals(planned=1, passed=2).missing == 0


def test_all_counts_are_shown_by_name() -> None:
    whole = Totals(planned=2, passed=1).as_json()

    assert set(whole) == {item.name for item in fields(Totals)}
    assert whole["passed"] == 1
