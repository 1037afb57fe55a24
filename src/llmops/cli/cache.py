"""`llmops cache`: what is cached, export it, forget it."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget what is cached.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="With --clear: of this model only.")
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
    from llmops.workflows.cache import cache_stats, clear_cache, export_cache

    world = surroundings()
    if clear:
        note(f"forgot {clear_cache(world, model, note)} entries")
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
    note(f"{stats.entries} entries, {stats.size:,} bytes")
