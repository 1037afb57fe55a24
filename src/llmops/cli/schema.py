"""`llmops schema`: JSON Schemas of the files that users write."""

from enum import StrEnum
from typing import Annotated

import typer

from llmops.errors import InvalidInputError


class Format(StrEnum):
    """The files that have a schema."""

    PROMPT = "prompt"
    SUITE = "suite"
    CONFIG = "config"


def schema(
    of: Annotated[
        Format | None, typer.Argument(metavar="FILE", help="prompt, suite or config.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write all three to .llmops/schemas/ for editors.")
    ] = False,
) -> None:
    """Print or write the JSON Schemas of the files that you write.

    Examples:
      llmops schema suite | jq .properties
      llmops schema --write
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say, say_json
    from llmops.workflows.schema import schema_of, write_schemas

    if write and of is not None:
        raise InvalidInputError(
            "--write writes all three", code="usage", hint=f"leave out '{of.value}' or --write"
        )
    if write:
        for path in write_schemas(surroundings()):
            say(f"wrote {path}")
        return
    if of is None:
        raise InvalidInputError(
            "no file is named", code="usage", hint="write prompt, suite or config, or --write"
        )
    say_json(schema_of(of.value))
