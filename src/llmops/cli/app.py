"""The program: its commands, and the one place where errors become an exit code."""

import errno
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from llmops import __version__
from llmops.cli.terminal.as_typed import take_as_typed
from llmops.errors import LlmopsError

_PANELS = {
    "Run": ("test", "plan", "gate", "drift", "record", "rescore"),
    "Look": ("lint", "render", "show", "prompts", "suites", "scorers", "models"),
    "Versions": ("log", "bump", "diff", "compare", "label", "blame", "bisect", "restore", "export"),
    "Kept": ("runs", "report", "review", "approve", "flaky", "cache"),
    "Set up": ("init", "doctor", "schema"),
}
COMMANDS = tuple(name for names in _PANELS.values() for name in names)
"""Every command; the module of the same name in this folder holds it."""
_WIDEST = max(map(len, COMMANDS))
_NO_VERDICT = 3
_INTERRUPTED = 130
_PIPE_CLOSED = 141
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class Commands(TyperGroup):
    """The command group: says a user's error plainly, and lets a bug show its traceback."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer carries its own copy of click
        """Run the chosen command."""
        with _boundary():
            try:
                return super().invoke(ctx)
            finally:
                _end_processes()
                sys.stdout.flush()

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as above
        """The options that stand before a command."""
        return take_as_typed(super().get_params(ctx))

    def make_context(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        """Read the command line; help and version are printed here."""
        with _boundary():
            return super().make_context(*arguments, **named)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """List the commands by what they are for."""
        del ctx
        for panel, names in _PANELS.items():
            with formatter.section(panel):
                formatter.write_dl(
                    [
                        (name.ljust(_WIDEST), self.commands[name].get_short_help_str())
                        for name in names
                    ]
                )


class Command(TyperCommand):
    """One command, whose examples stand a line each and whose sentence is never cut off."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as above
        """The command's arguments and options."""
        return take_as_typed(super().get_params(ctx))

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first paragraph of the help, whole."""
        del limit
        return " ".join((self.help or "").split("\n\n", 1)[0].split())

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Write the help, and the examples as they are written."""
        del ctx
        text, _, examples = (self.help or "").partition("\n\nExamples:\n")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)
        formatter.write("\n  Examples:\n")
        for line in examples.rstrip().split("\n"):
            formatter.write(f"    {line.strip()}\n")


@cache
def program(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The program with some of its commands, by their names; no other command is imported."""
    made = typer.Typer(
        name="llmops",
        cls=Commands,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_program)
    for name in names:
        module = importlib.import_module(f"llmops.cli.{name}")
        made.command(name, cls=Command)(getattr(module, name))
    return made


def program_for(arguments: Sequence[str]) -> typer.Typer:
    """The program as a command line needs it: with the command that it names, or with all."""
    return program(tuple(name for name in arguments[:1] if name in COMMANDS) or COMMANDS)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"llmops {__version__}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Version prompts in git and test them for regressions.

    Exit codes: 0 all well · 1 an assertion failed · 2 your files or arguments · 3 no verdict,
    for a provider, git or the disk failed · 4 a budget stopped it · 5 nothing selected ·
    6 nothing to compare · 130 interrupted.
    """
    del version


def _end_processes() -> None:
    """End git's, if there are any: who calls us in their own process should not inherit them."""
    if "llmops.history.objects" in sys.modules:
        from llmops.history.objects import close_readers

        close_readers()


@contextmanager
def _boundary() -> Iterator[None]:
    """Where an error becomes words and an exit code; what is none of ours stays a traceback."""
    try:
        yield
    except LlmopsError as error:
        from llmops.cli.terminal.talk import say_faults

        say_faults(error.faults)
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        _leave_stdout()
        raise typer.Exit(_PIPE_CLOSED) from None
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        _leave_stdout()
        typer.echo(f"the output cannot be written: {error.strerror}", err=True)
        raise typer.Exit(_NO_VERDICT) from None


def _leave_stdout() -> None:
    """Keep Python from complaining, while it ends, of what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the program, with streams that print anything in any encoding, closed ones too.

    Python looks for circles seldom: what commands import and read is much, stays, and has none.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 100)
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    program_for(sys.argv[1:])()
