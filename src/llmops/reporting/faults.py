"""Complaints about a user's files, shown with the line they speak of and a caret under the place."""

from collections.abc import Callable, Iterable
from typing import Final

from rich.cells import cell_len

from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.encoders import one_line
from llmops.reporting.terminal import Screen

ReadLine = Callable[[str, int], str | None]
"""Gives a line of a file, without its end: path and line number in, None where there is none."""

_FRAME_WIDTH: Final = 100
_COLOURS: Final = {"error": "red", "warning": "yellow"}


def print_faults(
    faults: Iterable[Fault], screen: Screen, *, read_line: ReadLine | None = None
) -> None:
    """Print each fault as `file:line:col: message [code]` and its hint.

    Args:
        faults: In the order of printing.
        screen: On a terminal the line of the file is shown as well.
        read_line: Where that line comes from; without it there is none.
    """
    for fault in faults:
        _print_words(fault, screen)
        if fault.at is not None and read_line is not None and screen.is_terminal:
            _print_frame(fault.at, screen, read_line)
        if fault.hint:
            _print_hint(fault.hint, screen)


def _print_words(fault: Fault, screen: Screen) -> None:
    colour = _COLOURS[fault.severity]
    place = f"{fault.at}: " if fault.at else ""
    severity = "warning: " if fault.severity == "warning" else ""
    first, *others = fault.message.split("\n")
    ends = [""] * len(others) + [f" [{fault.code}]"]
    screen.line((place, "bold"), (severity, colour), (first, colour), (ends[0], "dim"))
    for words, end in zip(others, ends[1:], strict=True):
        screen.line(f"  {words}", (end, "dim"))


def _print_hint(hint: str, screen: Screen) -> None:
    first, *others = hint.split("\n")
    screen.line(("  hint: ", "cyan"), first)
    for words in others:
        screen.line(f"        {words}")


def _print_frame(at: Location, screen: Screen, read_line: ReadLine) -> None:
    source = read_line(at.path, at.line)
    if source is None:
        return
    gutter = f" {screen.symbols.gutter} "
    number = str(at.line).rjust(4)
    before = read_line(at.path, at.line - 1) if at.line > 1 else None
    start = _window(source, at.column)
    if before is not None and start == 0:
        screen.line((str(at.line - 1).rjust(4) + gutter, "dim"), _shown(before[:_FRAME_WIDTH]))
    screen.line((number + gutter, "dim"), _shown(source[start : start + _FRAME_WIDTH]))
    offset = cell_len(screen.encode(_shown(source[start : at.column - 1])))
    screen.line((" " * 4 + gutter, "dim"), " " * offset, ("^", "bold red"))


def _window(source: str, column: int) -> int:
    """Where to begin showing a line, so that the place is seen."""
    return 0 if column <= _FRAME_WIDTH - 20 else min(column, len(source) + 1) - _FRAME_WIDTH // 2


def _shown(source: str) -> str:
    return one_line(source.rstrip("\r\n").replace("\t", "    "))
