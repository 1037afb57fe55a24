"""`llmops blame`: who wrote each line of a prompt."""

from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson

if TYPE_CHECKING:
    from llmops.workflows.blame import PromptLine

_SHORT = 8
_AUTHOR = 16


def blame(
    name: Annotated[
        str, typer.Argument(metavar="NAME[@REF]", help="The prompt, maybe at a version.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the commit, author and version behind each line of a prompt.

    Examples:
      llmops blame support/reply
      llmops blame support/reply@1.0.0 --json | jq -r '.[] | select(.version == "1.0.0").text'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.blame import blame as blamed
    from llmops.workflows.opening.project import open_versions

    lines = blamed(open_versions(surroundings()), name)
    if as_json:
        say_json([line.as_json() for line in lines])
        return
    headings = ("commit", "date", "author", "version", "line", "")
    say_rows(headings, [_row(line) for line in lines], empty=f"'{name}' is empty")


def _row(line: "PromptLine") -> list[str]:
    commit = line.line.commit
    return [
        commit.id[:_SHORT] if commit else "work tree",
        commit.date[:10] if commit else "",
        commit.author[:_AUTHOR] if commit else "",
        line.claimed or "–",
        str(line.line.number),
        line.line.text,
    ]
