"""Keys from a person: one press where the terminal can tell, else the first letter of a line."""

import os
import selectors
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

try:
    import termios
    import tty
except ImportError:  # Windows
    termios = tty = None  # type: ignore[assignment]  # asked for before each use

END = "\x04"
"""What Ctrl-D types."""
_ESCAPE = b"\x1b"
_LONGEST_SEQUENCE = 32

ReadKey = Callable[[], str]
"""The next key; raises EOFError when there is none and never will be."""


@contextmanager
def keys(stream: TextIO) -> Iterator[ReadKey]:
    """Read single keys of a terminal, unseen; the terminal is as it was afterwards."""
    before = _settings(stream)
    if before is None:
        yield lambda: _first_letter(stream)
        return
    descriptor = stream.fileno()
    tty.setcbreak(descriptor, termios.TCSADRAIN)
    try:
        yield lambda: _press(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _settings(stream: TextIO) -> list[Any] | None:
    """The terminal's settings; None where keys cannot be told one by one."""
    if termios is None:
        return None
    try:
        return termios.tcgetattr(stream.fileno())
    except (termios.error, OSError, ValueError):
        return None


def _press(descriptor: int) -> str:
    byte = os.read(descriptor, 1)
    if not byte or byte == END.encode():
        raise EOFError
    if byte == _ESCAPE:
        _pass_over_what_waits(descriptor)
    return byte.decode("ascii", errors="replace")


def _pass_over_what_waits(descriptor: int) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while selector.select(timeout=0):
            os.read(descriptor, _LONGEST_SEQUENCE)


def _first_letter(stream: TextIO) -> str:
    line = stream.readline()
    if not line:
        raise EOFError
    return line.strip()[:1]


def is_terminal() -> bool:
    """Whether a person can type to us and see what we say."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
