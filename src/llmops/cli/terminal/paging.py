"""A pager for what is longer than the screen, where a person sits in front of one."""

import io
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from llmops.reporting.terminal import Screen, in_ci, is_dumb, make_screen

_USUAL = "less -FRX"


class _Paper(io.StringIO):
    """Keeps what would be shown on a terminal, which it says to be."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """A terminal will show it."""
        return True


def show(
    print_to: Callable[[Screen], None],
    stream: TextIO,
    environment: Mapping[str, str],
    *,
    paged: bool = True,
) -> None:
    """Print to a stream, through a pager when that is a terminal too small for it.

    `PAGER` names the pager; empty or `cat` means none. There is none in CI.
    """
    pager = _pager(stream, environment) if paged else []
    if not pager:
        print_to(make_screen(stream, environment))
        return
    width, height = os.get_terminal_size(stream.fileno())
    paper = _Paper()
    print_to(make_screen(paper, {"COLUMNS": str(width), **environment}))
    text = paper.getvalue()
    if sum(1 + len(line) // max(1, width) for line in text.split("\n")) <= height:
        stream.write(text)
        return
    _page(pager, text, stream, environment)


def _pager(stream: TextIO, environment: Mapping[str, str]) -> list[str]:
    """The pager's command; empty where none is wanted or there."""
    if not stream.isatty() or in_ci(environment) or is_dumb(environment):
        return []
    try:
        command = shlex.split(environment.get("PAGER", _USUAL))
    except ValueError:
        return []
    known = bool(command) and command != ["cat"] and shutil.which(command[0]) is not None
    return command if known else []


def _page(command: list[str], text: str, stream: TextIO, environment: Mapping[str, str]) -> None:
    stream.flush()
    surroundings = {"LESS": "FRX", "LESSCHARSET": "utf-8", **environment}
    with _deaf():
        subprocess.run(  # noqa: S603 - the pager that the user's own environment names
            command,
            input=text.encode("utf-8", "backslashreplace"),
            stdout=stream.fileno(),
            env=surroundings,
            check=False,
        )


@contextmanager
def _deaf() -> Iterator[None]:
    """Leave Ctrl-C to the pager."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
