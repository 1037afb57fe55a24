"""`llmops render`: a prompt with inputs, as a model would be asked."""

import json
from typing import Annotated

import typer

from llmops.cli.options import AsJson, Inputs, Untrusted

Name = Annotated[str, typer.Argument(metavar="NAME[@REF]", help="The prompt, maybe at a version.")]


def render(
    name: Name,
    input_: Inputs = None,
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="SUITE::CASE", help="Take the inputs of a case."),
    ] = None,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Show the messages, parameters and token count of a prompt.

    Examples:
      llmops render support/reply -i email="Where is it?" -i tone=formal
      llmops render support/reply@1.0.0 --case support/reply::angry-customer --json
    """
    from llmops.cli.asked import pairs, surroundings
    from llmops.cli.terminal.talk import say, say_json
    from llmops.workflows.opening.project import open_project
    from llmops.workflows.render import inputs_of_case
    from llmops.workflows.render import render as make

    opened = open_project(surroundings(untrusted=untrusted))
    given = inputs_of_case(opened, case) if case else {}
    rendered = make(opened, name, given, pairs(input_, "--input"))

    if as_json:
        say_json(
            {
                "prompt": rendered.version.name,
                "hash": rendered.version.content_hash,
                "commit": rendered.version.commit,
                "tokens": rendered.tokens,
                "request": rendered.request.as_json(),
            }
        )
        return
    for message in rendered.request.messages:
        say(f"[{message['role']}]")
        for key, value in message.items():
            if key == "content":
                say(_shown(value))
            elif key != "role":
                say(f"{key}: {_shown(value)}")
        say("")
    for key, value in rendered.request.as_json().items():
        if key != "messages":
            say(f"{key}: {_shown(value)}")
    say(f"hash: {rendered.version.content_hash}")
    say(f"tokens: about {rendered.tokens}")


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
