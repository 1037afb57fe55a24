from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from made_trials import trial
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.quarantine import Quarantine, in_force
from llmops.domain.record import trial_from_json, trial_to_json
from llmops.domain.run import Status, TrialResult
from llmops.domain.verdict import Totals, decide
from llmops.location import Location

AT = Location("suites/say.yaml", 6, 5)
DAY = date(2026, 12, 5)
ENTRY = Quarantine(case=Text("one", AT), until=DAY, reason=Text("It\n wavers.", AT), at=AT)


def quarantined(status: Status) -> TrialResult:
    return replace(trial(status=status), quarantined=ENTRY.words)


def test_the_last_day_belongs_to_the_quarantine() -> None:
    assert set(in_force((ENTRY,), DAY)) == {"one"}
    assert in_force((ENTRY,), DAY + timedelta(days=1)) == {}
    assert in_force((ENTRY,), None) == {}
    assert ENTRY.words == "until 2026-12-05: It wavers."


def test_a_trial_keeps_its_quarantine_when_it_is_kept() -> None:
    one = quarantined("failed")

    again = trial_from_json(trial_to_json(one))

    assert again.quarantined == ENTRY.words
    assert again.excused


@given(st.lists(st.sampled_from(["passed", "failed", "error", "unscored", "skipped"]), max_size=6))
def test_quarantine_hides_failures_and_nothing_else(statuses: list[Status]) -> None:
    totals = Totals(planned=len(statuses) + 1)
    for status in statuses:
        totals.add(quarantined(status))
    totals.add(trial())

    verdict = decide(totals)

    assert verdict.green == (not {"error", "unscored"} & set(statuses))
    assert (totals.passed, totals.failed) == (1, 0)
    assert totals.quarantined == sum(status in {"passed", "failed"} for status in statuses)
    assert totals.done == totals.planned


@given(st.lists(st.sampled_from(["passed", "failed", "skipped"]), max_size=6))
def test_quarantined_trials_alone_are_never_green(statuses: list[Status]) -> None:
    totals = Totals(planned=len(statuses))
    for status in statuses:
        totals.add(quarantined(status))

    assert decide(totals).exit_code == 5
