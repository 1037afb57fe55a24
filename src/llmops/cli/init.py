"""`llmops init`: a project that works at once."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.")] = Path(),
    git: Annotated[
        bool, typer.Option("--git/--no-git", help="Make a repository in an empty folder.")
    ] = True,
) -> None:
    """Lay out a project that works at once.

    A prompt with two versions, a suite, recordings, the configuration and a CI workflow.

    Examples:
      llmops init my-prompts && cd my-prompts && llmops test
      llmops init                        in this folder; nothing is ever overwritten
    """
    from llmops.cli.terminal.talk import note, say
    from llmops.workflows.init import init as lay_out

    laid = lay_out(folder, git=git)

    for name in laid.written:
        say(f"wrote {name}")
    for name in laid.kept:
        note(f"kept  {name}: it is there already")
    if laid.committed:
        note("made a git repository with two versions of the prompt")
    note("next: llmops test")
