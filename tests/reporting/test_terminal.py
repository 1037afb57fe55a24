import io
import os
import pty
import struct
import termios
from fcntl import ioctl

import pytest

from llmops.reporting.terminal import (
    ASCII,
    UNICODE,
    in_ci,
    make_console,
    make_screen,
    pad,
    spread,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (Terminal, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        (io.StringIO, {}, False),
        (io.StringIO, {"FORCE_COLOR": "1"}, True),
        (io.StringIO, {"FORCE_COLOR": "0"}, False),
        (io.StringIO, {"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_follow_the_terminal_and_the_environment(stream, environment, coloured):
    out = stream()

    make_screen(out, environment).line(("words", "bold red"))

    assert out.getvalue() == ("\x1b[1;31mwords\x1b[0m\n" if coloured else "words\n")


@pytest.mark.parametrize(
    ("environment", "width"),
    [({}, 100), ({"COLUMNS": "72"}, 72), ({"COLUMNS": "wide"}, 100), ({"COLUMNS": "0"}, 100)],
)
def test_a_pipe_is_a_hundred_columns_wide(environment, width):
    assert make_console(io.StringIO(), environment).width == width


def test_a_width_is_never_absurd():
    assert make_screen(io.StringIO(), {"COLUMNS": "9" * 12}).width == 500
    assert make_screen(io.StringIO(), {"COLUMNS": "1"}).width == 40


def test_a_terminal_without_a_descriptor_is_a_hundred_columns_wide():
    assert make_console(Terminal(), {}).width == 100


def test_a_terminal_says_how_wide_it_is():
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 133, 0, 0))

    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        screen = make_screen(stream, {})

        assert screen.width == 133
        assert screen.is_terminal
    os.close(ours)


@pytest.mark.parametrize(
    ("encoding", "symbols"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("cp1252", ASCII), ("utf-16", UNICODE)],
)
def test_symbols_are_those_that_the_stream_can_show(encoding, symbols):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)

    assert make_screen(stream, {}).symbols is symbols


def test_what_a_stream_cannot_show_is_written_as_an_escape():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    make_screen(stream, {}).line("漢 a\nb › c")
    stream.flush()

    assert stream.buffer.getvalue() == b"\\u6f22 a\\nb > c\n"


def test_a_line_stays_one_line():
    out = io.StringIO()

    make_screen(out, {"COLUMNS": "40"}).line("a\nb\x1b[2J\u2028", "c" * 60)

    assert out.getvalue() == f"a⏎b␛[2J<U+2028>{'c' * 60}\n"


def test_in_ci_a_line_speaks_no_command_even_across_its_parts():
    out = io.StringIO()

    make_screen(out, {"CI": "true", "FORCE_COLOR": "1"}).line(("##", "red"), "[error]x")
    make_screen(out, {"CI": "true"}).line(" :", ":error::x")

    assert out.getvalue() == "##\u200b[error]x\n :\u200b:error::x\n"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "false"}, False),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"TF_BUILD": "True"}, True),
        ({"TEAMCITY_VERSION": "2026.1"}, True),
    ],
)
def test_ci_is_known_by_its_variables(environment, found):
    assert in_ci(environment) is found


def test_columns_are_counted_as_a_terminal_does():
    assert pad("漢", 4) == "漢  "
    assert pad("long", 2) == "long"
    assert spread("漢", "b", 6) == "   "
    assert spread("a" * 10, "b", 6) == "  "


def test_every_status_has_its_sign():
    assert [UNICODE.of(s) for s in ("passed", "failed", "error", "unscored", "skipped")] == [
        "✓",
        "✗",
        "!",
        "?",
        "○",
    ]
