"""`llmops show`: the source of a prompt."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, Untrusted


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME[@REF]", help="The prompt, maybe at a version.")
    ],
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Show the file of a prompt, as it is or as it stood at a version.

    Examples:
      llmops show support/reply
      llmops show support/reply@1.0.0 --json | jq -r .hash
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say, say_json
    from llmops.domain.node import Text
    from llmops.location import COMMAND_LINE
    from llmops.workflows.opening.project import open_project, open_versions

    world = surroundings(untrusted=untrusted)  # of a stranger, all files are looked at
    versions = open_project(world).versions if world.untrusted else open_versions(world)
    version = versions.find(Text(name, COMMAND_LINE))
    source = version.tree.read(version.prompt.path).decode("utf-8", errors="replace")

    if as_json:
        say_json(
            {
                "name": version.name,
                "path": version.prompt.path,
                "version": str(version.prompt.version) if version.prompt.version else None,
                "hash": version.content_hash,
                "commit": version.commit,
                "source": source,
            }
        )
        return
    say(source.rstrip("\n"))
