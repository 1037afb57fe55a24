import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from llmops.cli.terminal.paging import show
from llmops.reporting.terminal import Screen

PAGER = "import os, sys; open(os.environ['SEEN'], 'w').write(sys.stdin.read())"


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A terminal of 24 rows and 80 columns, to write to."""
    master, slave = os.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        os.set_blocking(master, False)
        yield stream
    os.close(master)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A pager that keeps what it is shown in a file."""
    script = tmp_path / "pager.py"
    script.write_text(PAGER, encoding="utf-8")
    return {
        **{name: value for name, value in os.environ.items() if name not in {"CI", "TERM"}},
        "PAGER": f"'{sys.executable}' '{script}'",
        "SEEN": str(tmp_path / "seen"),
        "TERM": "xterm",
        "NO_COLOR": "1",
    }


def lines(count: int, width: int = 5):
    def print_to(screen: Screen) -> None:
        for _ in range(count):
            screen.line("x" * width)

    return print_to


def seen(environment: dict[str, str]) -> str | None:
    path = Path(environment["SEEN"])
    return path.read_text(encoding="utf-8") if path.exists() else None


def test_what_is_longer_than_the_screen_goes_through_the_pager(
    terminal: TextIO, environment: dict[str, str]
) -> None:
    show(lines(30), terminal, environment)

    assert seen(environment) == "xxxxx\n" * 30


def test_lines_that_wrap_count_as_several(terminal: TextIO, environment: dict[str, str]) -> None:
    show(lines(8, width=300), terminal, environment)

    assert seen(environment) is not None


def test_what_fits_is_printed_at_once(terminal: TextIO, environment: dict[str, str]) -> None:
    show(lines(5), terminal, environment)

    assert seen(environment) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"CI": "true"},
        {"PAGER": ""},
        {"PAGER": "cat"},
        {"PAGER": "'unfinished"},
        {"PAGER": "no-such-pager-anywhere"},
        {"TERM": "dumb"},
    ],
)
def test_some_terminals_want_no_pager(
    terminal: TextIO, environment: dict[str, str], changed: dict[str, str]
) -> None:
    show(lines(30), terminal, {**environment, **changed})

    assert seen(environment) is None


def test_a_pager_can_be_refused(terminal: TextIO, environment: dict[str, str]) -> None:
    show(lines(30), terminal, environment, paged=False)

    assert seen(environment) is None


def test_a_pipe_has_no_pager(tmp_path: Path, environment: dict[str, str]) -> None:
    with (tmp_path / "out").open("w", encoding="utf-8") as stream:
        show(lines(30), stream, environment)

    assert (tmp_path / "out").read_text(encoding="utf-8") == "xxxxx\n" * 30
    assert seen(environment) is None
