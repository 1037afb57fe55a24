"""`llmops cache`: what is cached, export it, forget it."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson
from llmops.errors import InvalidInputError


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget what is cached.")] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="M", help="With --clear: of this model only."),
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Print every entry as a JSON line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show, export or clear the cache of completions.

    Examples:
      llmops cache                               entries and bytes, a line a model
      llmops cache --clear -m openai/gpt-4.1     forget one model
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.talk import note, say_json, say_rows
    from llmops.reporting.wording import plural
    from llmops.workflows.cache import cache_stats, clear_cache, export_cache

    if (clear and export) or (model is not None and not clear):
        raise InvalidInputError(
            "--clear and --export exclude each other, and --model goes with --clear",
            code="usage",
            hint="llmops cache --clear -m NAME",
        )
    world = surroundings()
    if clear:
        forgotten = clear_cache(world, model)
        note(f"forgot {plural(forgotten, 'entry')}")
        if as_json:
            say_json({"forgotten": forgotten})
        return
    if export:
        for line in export_cache(world, note):
            typer.echo(line)
        return
    stats = cache_stats(world, note)
    if as_json:
        say_json({"entries": stats.entries, "bytes": stats.size, "models": stats.models})
        return
    rows = [[name, str(count)] for name, count in stats.models.items()]
    say_rows(("model", "entries"), rows, empty="the cache is empty")
    note(f"{plural(stats.entries, 'entry')}, {plural(stats.size, 'byte')}")
