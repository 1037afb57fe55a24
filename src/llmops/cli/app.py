"""The program: its commands, and the one place where errors become an exit code."""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from llmops import __version__
from llmops.errors import LlmopsError

_PANELS = {
    "Run": ("test", "record", "rescore"),
    "Look": ("lint", "render", "show", "prompts", "suites", "scorers", "models"),
    "Kept": ("runs", "report", "cache"),
    "Set up": ("init", "doctor", "schema"),
}
COMMANDS = tuple(name for names in _PANELS.values() for name in names)
"""Every command; the module of the same name in this folder holds it."""


class Commands(TyperGroup):
    """The command group: says a user's error plainly, and lets a bug show its traceback."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer carries its own copy of click
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except LlmopsError as error:
            from llmops.cli.talk import say_faults

            say_faults(error.faults)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            _leave_pipe()
            raise typer.Exit(141) from None


class Command(TyperCommand):
    """One command, whose examples stand a line each and whose sentence is never cut off."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first sentence of the help, whole."""
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


app = typer.Typer(
    name="llmops",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"llmops {__version__}")
        raise typer.Exit


@app.callback()
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
    130 interrupted.
    """
    del version


def _register() -> None:
    for panel, names in _PANELS.items():
        for name in names:
            module = importlib.import_module(f"llmops.cli.{name}")
            app.command(name, cls=Command, rich_help_panel=panel)(getattr(module, name))


def _leave_pipe() -> None:
    """Keep Python from complaining about a closed pipe while it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the program, with streams that print anything in any encoding, closed ones too."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    app()


_register()
