"""`llmops cache`: what is cached; export it, take it over, forget it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson
from llmops.errors import InvalidInputError

if TYPE_CHECKING:
    from llmops.workflows.opening.project import Surroundings

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)(i?)B?")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3}


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget what is cached.")] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="M", help="With --clear: of this model only."),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Forget what is older than 'ttl', or as the next two options say."
        ),
    ] = False,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="With --prune: such as 30d or 12h.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="With --prune: keep the newest 500MB, for example."),
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Print every entry as a JSON line.")
    ] = False,
    import_: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Take the entries of an exported file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show, export, import, prune or clear the cache of completions.

    Examples:
      llmops cache --clear -m openai/gpt-4.1                 forget one model
      llmops cache --prune --older-than 30d --max-size 1GB   forget what is old or too much
    """
    from llmops.cli.asked import surroundings
    from llmops.workflows.cache import clear_cache, export_cache, import_cache, prune_cache

    _check([clear, prune, export, import_ is not None], model, clear=clear)
    if not prune and (older_than or max_size):
        raise _usage("--older-than and --max-size go with --prune")
    age, size = _age(older_than), _size(max_size)
    world = surroundings()
    if clear:
        _changed(lambda: clear_cache(world, model), "forgotten", as_json=as_json)
    elif prune:
        _changed(lambda: prune_cache(world, age, size), "forgotten", as_json=as_json)
    elif import_ is not None:
        _changed(lambda: import_cache(world, import_), "taken", as_json=as_json)
    elif export:
        for line in export_cache(world):
            typer.echo(line)
    else:
        _show(world, as_json=as_json)


def _changed(change: Callable[[], int], done: str, *, as_json: bool) -> None:
    from llmops.cli.terminal.talk import note, say_json
    from llmops.reporting.wording import plural

    number = change()
    note(f"{'took' if done == 'taken' else 'forgot'} {plural(number, 'entry')}")
    if as_json:
        say_json({done: number})


def _show(world: "Surroundings", *, as_json: bool) -> None:
    from llmops.cli.terminal.talk import note, say_json, say_rows
    from llmops.reporting.wording import plural
    from llmops.workflows.cache import cache_stats, hit_rate

    stats, rate = cache_stats(world), hit_rate(world)
    if as_json:
        known = {"entries": stats.entries, "bytes": stats.size, "models": stats.models}
        say_json({**known, "hit_rate": rate})
        return
    rows = [[name, str(count)] for name, count in stats.models.items()]
    say_rows(("model", "entries"), rows, empty="the cache is empty")
    note(f"{plural(stats.entries, 'entry')}, {plural(stats.size, 'byte')}")
    if rate is not None:
        note(f"it answered {rate:.0%} of what the newest run asked for")


def _check(actions: list[bool], model: str | None, *, clear: bool) -> None:
    if sum(actions) > 1:
        raise _usage("--clear, --prune, --export and --import exclude each other")
    if model is not None and not clear:
        raise _usage("--model goes with --clear")


def _usage(message: str) -> InvalidInputError:
    hint = "llmops cache --clear -m NAME, or llmops cache --prune --older-than 30d"
    return InvalidInputError(message, code="usage", hint=hint)


def _age(written: str | None) -> float | None:
    if written is None:
        return None
    found = _AGE.fullmatch(written.strip())
    if found is None:
        message, hint = f"'{written}' is no age", "write one such as 30d, 12h or 90m"
        raise InvalidInputError(message, code="usage", hint=hint)
    return float(found[1]) * _SECONDS[found[2]]


def _size(written: str | None) -> int | None:
    if written is None:
        return None
    found = _SIZE.fullmatch(written.strip())
    if found is None:
        message, hint = f"'{written}' is no size", "write one such as 500MB, 1GiB or 200000"
        raise InvalidInputError(message, code="usage", hint=hint)
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** _POWERS[found[2]])
