"""`llmops test --watch`: run, and run again whenever a file of the project changes."""

import time
from typing import NoReturn

import typer

from llmops.cli.telling.test import Ran, Wishes, run_once
from llmops.cli.terminal.talk import note, say_faults
from llmops.errors import InvalidInputError, LlmopsError
from llmops.reporting.terminal import in_ci
from llmops.workflows.opening.project import Surroundings
from llmops.workflows.watch import changed, forget_modules, snapshot

_POLL_SECONDS = 0.5
_STEADY_SECONDS = 0.1
"""A file is half written while an editor saves it; after so long without a change it is whole."""
_FIRST_SIGNAL_CODE = 128


def watch_and_run(wishes: Wishes, world: Surroundings) -> NoReturn:
    """Run on every change until interrupted, and end with the code of the last run.

    Raises:
        InvalidInputError: A CI runs this, which would wait for ever.
    """
    if in_ci(world.environment):
        raise InvalidInputError(
            "--watch never ends, so it is not for CI", code="usage", hint="leave it out"
        )
    while True:
        before = snapshot(world)
        forget_modules(world)
        ran = _run(wishes, world)
        if ran.code >= _FIRST_SIGNAL_CODE:
            raise typer.Exit(ran.code)
        try:
            note("watching for changes; Ctrl-C ends it")
            while not changed(before, snapshot(world), but=ran.written):
                time.sleep(_POLL_SECONDS)
            _settle(world)
        except KeyboardInterrupt:
            raise typer.Exit(ran.code) from None


def _settle(world: Surroundings) -> None:
    state = snapshot(world)
    while True:
        time.sleep(_STEADY_SECONDS)
        later = snapshot(world)
        if later == state:
            return
        state = later


def _run(wishes: Wishes, world: Surroundings) -> Ran:
    try:
        return run_once(wishes, world)
    except LlmopsError as error:
        say_faults(error.faults)
        return Ran(code=error.exit_code, written=())
