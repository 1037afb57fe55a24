import pytest
from made_runs import HEADER, trial

from llmops.domain.verdict import Totals
from llmops.running.keeping.ledger import Ledger
from llmops.running.keeping.store import RunWriter, read_run
from llmops.running.stop import Stop


def ledger_of(path, shown: list[str], **settings) -> Ledger:
    def show(_index, one) -> None:
        on_disk = [kept.case for kept in read_run(path).trials()]
        shown.append(f"{one.case} after {on_disk}")

    writer = RunWriter(path)
    writer.header(HEADER)
    return Ledger(writer=writer, totals=Totals(planned=3), stop=Stop(), show=show, **settings)


def test_a_trial_is_on_disk_before_it_is_shown(tmp_path) -> None:
    shown: list[str] = []
    ledger = ledger_of(tmp_path / "r.jsonl", shown)

    ledger.take(1, trial("red"))
    ledger.take(0, trial("blue", "failed"))

    assert shown == ["red after ['red']", "blue after ['blue', 'red']"]
    assert (ledger.totals.passed, ledger.totals.failed) == (1, 1)
    assert ledger.stop.reason is None
    ledger.writer.close()


def test_a_trial_of_before_is_counted_and_neither_written_nor_shown(tmp_path) -> None:
    shown: list[str] = []
    ledger = ledger_of(tmp_path / "r.jsonl", shown)

    ledger.count(trial("red"))
    ledger.writer.close()

    assert (ledger.totals.passed, shown) == (1, [])
    assert list(read_run(tmp_path / "r.jsonl").trials()) == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("passed", None),
        ("skipped", None),
        ("failed", "fail_fast"),
        ("error", "fail_fast"),
        ("unscored", "fail_fast"),
    ],
)
def test_fail_fast_stops_at_the_first_trial_that_did_not_pass(tmp_path, status, reason) -> None:
    ledger = ledger_of(tmp_path / "r.jsonl", [], fail_fast=True)

    ledger.take(0, trial("red", status))

    assert ledger.stop.reason == reason
    ledger.writer.close()
