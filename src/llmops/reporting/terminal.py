"""A stream for people: its width, colours and symbols, and the one way text gets onto it."""

import os
from collections.abc import Mapping
from typing import Final, TextIO

from msgspec import Struct
from msgspec.structs import fields
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from llmops.domain.run import Status
from llmops.reporting.encoders import one_line, silence

WIDTH_IN_PIPES: Final = 100
_NARROWEST: Final = 40
_WIDEST: Final = 500
_CI_VARIABLES: Final = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", "JENKINS_URL")
_OFF: Final = {"", "0", "false", "no"}


class Symbols(Struct, frozen=True, kw_only=True):
    """The signs a stream can show."""

    passed: str = "✓"
    failed: str = "✗"
    error: str = "!"
    unscored: str = "?"
    skipped: str = "○"
    gutter: str = "│"
    dot: str = "·"
    chevron: str = "›"
    ellipsis: str = "…"
    arrow: str = "→"
    bar: str = "━"
    rest: str = "─"
    dash: str = "–"

    def of(self, status: Status) -> str:
        """The sign of a status."""
        found: str = getattr(self, status)
        return found


UNICODE: Final = Symbols()
ASCII: Final = Symbols(
    passed="+",
    failed="x",
    skipped="-",
    gutter="|",
    dot="-",
    chevron=">",
    ellipsis="...",
    arrow="->",
    bar="#",
    rest=".",
    dash="-",
)

Part = str | tuple[str, str]
"""Text, or text with a rich style."""


class Screen(Struct, frozen=True, kw_only=True):
    """A stream for people.

    Attributes:
        console: Where text goes; use `line` rather than its own methods.
        symbols: What it can show.
        in_ci: Whether a CI runner reads along and obeys what it reads.
        is_terminal: Whether a person looks at it, colours or not.
    """

    console: Console
    symbols: Symbols
    in_ci: bool
    is_terminal: bool

    @property
    def width(self) -> int:
        """Columns, at least 40."""
        return max(_NARROWEST, self.console.width)

    def line(self, *parts: Part) -> None:
        """Write one line. Whatever the parts hold, it stays one line and only text."""
        self.console.print(self.text(*parts), soft_wrap=True)

    def text(self, *parts: Part) -> Text:
        """The parts, encoded for this stream, as one line."""
        pairs = [part if isinstance(part, tuple) else (part, "") for part in parts]
        text = Text.assemble(*((self.encode(words), style) for words, style in pairs))
        if self.in_ci and silence(text.plain) != text.plain:
            return Text(silence(text.plain))
        return text

    def encode(self, text: str) -> str:
        """Make text harmless, put it on one line, and use the signs the stream can show."""
        shown = one_line(text)
        if self.symbols is ASCII:
            return shown.translate(_TO_ASCII)
        return shown


_TO_ASCII: Final = str.maketrans(
    {"·": "-", "›": ">", "…": "...", "→": "->", "–": "-", "×": "x", "⏎": "\\n", "│": "|"}
)


class _Console(Console):
    """A console that leaves a closed pipe to its caller, in place of ending the program with 1."""

    def on_broken_pipe(self) -> None:
        """Called while the error is being handled."""
        raise BrokenPipeError


def make_screen(stream: TextIO, environment: Mapping[str, str]) -> Screen:
    """Make a screen of a stream, as the stream and the environment want it.

    From now on the stream writes what its encoding cannot hold as an escape.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return Screen(
        console=make_console(stream, environment),
        symbols=UNICODE if _can_show(stream, UNICODE) else ASCII,
        in_ci=in_ci(environment),
        is_terminal=stream.isatty(),
    )


def make_console(stream: TextIO, environment: Mapping[str, str]) -> Console:
    """Make the console of a stream: no markup, no emoji, no guessing.

    NO_COLOR wins over FORCE_COLOR, which wins over the terminal; TERM=dumb has no colours.
    The width is COLUMNS, the terminal's own, or 100.
    """
    coloured = _coloured(stream, environment)
    return _Console(
        file=stream,
        force_terminal=coloured or stream.isatty(),
        color_system="standard" if coloured else None,
        width=_width(stream, environment),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ=environment,
    )


def in_ci(environment: Mapping[str, str]) -> bool:
    """Whether a CI runner reads what is printed."""
    return any(environment.get(name, "").lower() not in _OFF for name in _CI_VARIABLES)


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether the terminal cannot move its cursor."""
    return environment.get("TERM", "") in {"dumb", "unknown"}


def spread(left: str, right: str, width: int) -> str:
    """The blanks that push `right` to the right edge; two where there is no room."""
    return " " * max(2, width - cell_len(left) - cell_len(right))


def pad(text: str, width: int) -> str:
    """Text with blanks up to a width in columns."""
    return text + " " * max(0, width - cell_len(text))


def _coloured(stream: TextIO, environment: Mapping[str, str]) -> bool:
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "").lower() not in _OFF:
        return True
    return stream.isatty() and not is_dumb(environment)


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    columns = environment.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return min(int(columns), _WIDEST)
    if not stream.isatty():
        return WIDTH_IN_PIPES
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH_IN_PIPES
    except (OSError, ValueError):
        return WIDTH_IN_PIPES


def _can_show(stream: TextIO, symbols: Symbols) -> bool:
    signs = "".join(str(getattr(symbols, item.name)) for item in fields(symbols))
    try:
        signs.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
