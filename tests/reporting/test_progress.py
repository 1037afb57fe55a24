import io
import re

import pytest
from made_reports import FAILING, report_of, said, trial

from llmops.domain.run import Exchange
from llmops.reporting.progress import LiveProgress, NoProgress, PlainProgress, make_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class SmallTerminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain_words(stream: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


@pytest.mark.parametrize(
    ("stream", "environment", "kind"),
    [
        (Terminal, {"TERM": "xterm"}, LiveProgress),
        (Terminal, {"TERM": "dumb"}, PlainProgress),
        (Terminal, {"CI": "true"}, PlainProgress),
        (io.StringIO, {}, PlainProgress),
        (io.StringIO, {"FORCE_COLOR": "1"}, PlainProgress),
    ],
)
def test_only_a_terminal_that_can_move_its_cursor_gets_a_live_line(stream, environment, kind):
    assert isinstance(make_progress(stream(), environment, clock=Clock()), kind)


def test_a_pipe_gets_a_line_for_each_tenth():
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, {}, clock=clock)

    progress.start(50)
    for number in range(50):
        clock.now += 1
        progress.trial(trial("failed" if number % 10 == 0 else "passed"), in_flight=4)
    progress.stop()

    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "5/50 trials · 1 failed · $0.00 · about 45 s left · 4 in flight"
    assert lines[-1] == "50/50 trials · 5 failed · $0.00 · 4 in flight"


def test_a_pipe_gets_a_line_after_half_a_minute():
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, {}, clock=clock)

    progress.start(10_000)
    progress.trial(trial(), in_flight=1)
    clock.now += 29
    progress.trial(trial(), in_flight=1)
    clock.now += 1
    progress.trial(trial("error"), in_flight=1)
    progress.trial(trial("unscored"), in_flight=1)

    lines = stream.getvalue().splitlines()
    assert lines == [
        "3/10,000 trials · 0 failed · 1 error · $0.00 · about 27 h 46 min left · 1 in flight"
    ]


def test_a_slow_run_of_three_trials_says_each():
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, {}, clock=clock)

    progress.start(3)
    for _ in range(3):
        clock.now += 2
        progress.trial(trial(), in_flight=0)

    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["1/3", "2/3", "3/3"]


def test_a_run_that_is_soon_over_says_nothing_on_its_way():
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, {}, clock=clock)

    progress.start(100)
    for _ in range(100):
        clock.now += 0.019
        progress.trial(trial(), in_flight=0)

    assert stream.getvalue() == ""


def test_a_note_is_a_harmless_line():
    stream = io.StringIO()

    make_progress(stream, {"CI": "1"}, clock=Clock()).note("cache \x1b[2J\n::error::x ##[a]")

    assert stream.getvalue() == "cache ␛[2J⏎::error::x ##\u200b[a]\n"


def test_the_money_is_what_this_run_spent():
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, {}, clock=clock)
    live = Exchange(completion=said("x").completion, scores=(FAILING,), origin="live", attempts=1)

    progress.start(1)
    clock.now += 2
    progress.trial(trial("failed", live), in_flight=0)

    assert "1 failed · $0.001 · 0 in flight" in stream.getvalue()


def test_a_live_line_shows_where_the_run_is():
    stream, clock = Terminal(), Clock()
    progress = make_progress(stream, {"COLUMNS": "120"}, clock=clock)

    progress.start(4)
    clock.now += 2
    progress.trial(trial("failed"), in_flight=3)
    progress.note("a \x1b[2Jnote")
    progress.stop()

    shown = plain_words(stream)
    assert " 0/4 " in shown
    assert "a ␛[2Jnote" in shown
    assert (
        " 1/4 ━━━━━━──────────────────  1 failed · $0.00 · about 6.0 s left · 3 in flight" in shown
    )


def test_a_live_line_is_gone_at_the_end_and_stopping_twice_is_fine():
    stream = Terminal()
    progress = make_progress(stream, {}, clock=Clock())

    progress.start(1)
    progress.stop()
    progress.stop()

    assert stream.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_a_live_line_fits_a_narrow_terminal_of_a_small_encoding():
    stream = SmallTerminal(io.BytesIO(), encoding="ascii")
    progress = make_progress(stream, {"COLUMNS": "30", "NO_COLOR": "1"}, clock=Clock())

    progress.start(0)
    progress.stop()

    stream.flush()
    shown = stream.buffer.getvalue().decode("ascii")
    assert " 0/0 ........................ \r" in shown
    assert "in flight" not in shown


def test_silence_is_a_progress_too():
    progress = NoProgress()

    progress.start(1)
    progress.trial(next(report_of([trial()]).trials()), in_flight=1)
    progress.note("x")
    progress.stop()

    assert vars(progress) == {}
