"""`llmops export`: prompts in a form that other programs read."""

from typing import Annotated

import typer

from llmops.cli.options import Inputs

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME[@REF]", help="Prompts, maybe at a version.", show_default=False),
]


def export(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="bundle or openai.")],
    names: Names = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - for stdout.")
    ] = "-",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="bundle: only what it means. Repeatable."),
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="bundle: take what is in no commit, too.")
    ] = False,
    input_: Inputs = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="M", help="openai: name this model instead."),
    ] = None,
) -> None:
    """Export prompts as a bundle, or one as a request to OpenAI.

    A bundle is one file for programs without git. It holds every prompt of the work tree and every labelled version, unless NAME or
    --label ask for less. The same content makes the same bytes.

    Examples:
      llmops export bundle --label production --output prompts.json
      llmops export openai support/reply@production -i email="Where is it?" | jq .messages
    """
    from pathlib import Path

    from llmops.cli.asked import pairs, surroundings
    from llmops.cli.terminal.talk import note
    from llmops.domain.node import Text
    from llmops.location import COMMAND_LINE
    from llmops.reporting.files import write_text
    from llmops.workflows.export import export as make
    from llmops.workflows.exporters.base import ExportOptions
    from llmops.workflows.opening.project import open_versions

    world = surroundings()
    options = ExportOptions(
        names=tuple(Text(name, COMMAND_LINE) for name in names or ()),
        labels=tuple(Text(word, COMMAND_LINE) for word in label or ()),
        dirty=dirty,
        inputs=pairs(input_, "--input"),
        model=model,
    )
    made = make(open_versions(world), form, options)
    if output == "-":
        typer.echo(made, nl=False)
        return
    write_text(world.folder / Path(output), made, root=world.folder)
    note(f"written: {output} ({len(made.encode()):,} bytes)")
