"""`llmops scorers`: what scorers there are; a scorer's page is its manual."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Untrusted


def scorers(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A scorer, for its manual page.")
    ] = None,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """List the scorers, or show the manual page of one.

    Examples:
      llmops scorers
      llmops scorers similar
    """
    from msgspec import to_builtins

    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say, say_json, say_rows
    from llmops.workflows.scorers import list_scorers, page

    listed = list_scorers(surroundings(untrusted=untrusted))
    if name is not None:
        one, manual = page(listed, name)
        say_json({**to_builtins(one), "page": manual}) if as_json else say(manual)
    elif as_json:
        say_json([to_builtins(kind) for kind in listed])
    else:
        rows = [[kind.name, kind.extra or "", kind.about] for kind in listed]
        say_rows(("scorer", "extra", "passes when"), rows, empty="there is no scorer")
