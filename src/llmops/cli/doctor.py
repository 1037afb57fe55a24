"""`llmops doctor`: what the project needs of this machine, and what is missing."""

import typer

from llmops.cli.options import AsJson, Untrusted


def doctor(as_json: AsJson = False, untrusted: Untrusted = False) -> None:
    """Check git, packages, the cache and keys, which are never shown.

    Examples:
      llmops doctor
      llmops doctor --json | jq '.[] | select(.state != "ok")'
    """
    from msgspec import to_builtins

    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.doctor import examine

    checks = examine(surroundings(untrusted=untrusted))
    if as_json:
        say_json([to_builtins(check) for check in checks])
    else:
        rows = []
        for check in checks:
            words = f"{check.words} ({check.hint})" if check.hint else check.words
            rows.append([check.state, check.name, words])
        say_rows(("state", "check", "what was found"), rows, empty="nothing was checked")
    raise typer.Exit(2 if any(check.state == "error" for check in checks) else 0)
