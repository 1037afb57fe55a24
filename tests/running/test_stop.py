import os
import signal
import subprocess
import sys
import threading

import pytest

from llmops.running.stop import Stop, on_signals

CHILD = """
import signal, sys, time
from llmops.running.stop import Stop, on_signals

stop = Stop()
if "budget" in sys.argv:
    stop.ask("budget")
with on_signals(stop):
    stop.listen(lambda: print("asked", stop.reason, stop.hurried, flush=True))
    print("ready", flush=True)
    end = time.monotonic() + 30
    while time.monotonic() < end and not (stop.hurried and "leave" in sys.argv):
        time.sleep(0.01)
print("left", flush=True)
"""


def child(*arguments: str, **settings) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, text=True, **settings
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() != "ready":
        assert process.poll() is None
    return process


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_first_reason_counts() -> None:
    stop = Stop()

    stop.ask("budget")
    stop.ask("fail_fast")

    assert stop.reason == "budget"
    assert not stop.hurried


def test_who_listens_is_told_once_and_at_once_if_somebody_has_asked() -> None:
    stop = Stop()
    early: list[object] = []
    late: list[object] = []

    stop.listen(lambda: early.append(stop.reason))
    stop.ask("fail_fast")
    stop.ask("budget")
    stop.listen(lambda: late.append(stop.reason))

    assert early == ["fail_fast"]
    assert late == ["fail_fast"]


def test_a_signal_hurries_a_run_that_is_ending_and_does_not_change_its_reason() -> None:
    stop = Stop()
    told: list[bool] = []
    stop.listen(lambda: told.append(stop.hurried))

    stop.ask("budget")
    stop.ask("sigint")
    stop.ask("sigterm")

    assert stop.reason == "budget"
    assert told == [False, True]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_first_signal_is_a_wish_and_a_second_one_ends_at_once(name: str) -> None:
    number = signal.Signals[name]
    process = child()

    process.send_signal(number)
    answer = said(process)
    process.send_signal(number)
    rest, _errors = process.communicate(timeout=20)

    assert answer == f"asked {name.lower()} True"
    assert process.returncode == -number
    assert "left" not in rest


def test_any_second_signal_ends_at_once() -> None:
    process = child()

    process.send_signal(signal.SIGINT)
    said(process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert process.returncode == -signal.SIGTERM


def test_after_a_spent_budget_one_signal_hurries_and_two_end() -> None:
    process = child("budget")

    process.send_signal(signal.SIGINT)
    answer = said(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert answer == "asked budget True"
    assert process.returncode == -signal.SIGINT


def test_after_one_signal_the_run_may_end_in_order() -> None:
    process = child("leave")

    process.send_signal(signal.SIGTERM)
    said(process)

    assert said(process) == "left"
    assert process.wait(timeout=20) == 0
    process.communicate()


def test_what_was_to_be_ignored_stays_ignored() -> None:
    process = child("leave", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))

    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    answer = said(process)
    process.communicate(timeout=20)

    assert answer == "asked sigterm True"
    assert process.returncode == 0


def test_a_handler_that_ignores_is_not_replaced() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_signals(Stop()):
            during = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert during == signal.SIG_IGN


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with on_signals(Stop()):
        during = signal.getsignal(signal.SIGTERM)

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert during not in before


def test_handlers_are_put_back_after_a_failure_too() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(ZeroDivisionError), on_signals(Stop()):
        _ = 1 / 0

    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_inside_is_a_wish() -> None:
    stop = Stop()

    with on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)

    assert stop.reason == "sigterm"


def test_outside_of_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with on_signals(Stop()):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [before]
