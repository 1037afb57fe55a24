"""`llmops prompts`: what prompts there are."""

from llmops.cli.options import AsJson, Untrusted


def prompts(as_json: AsJson = False, untrusted: Untrusted = False) -> None:
    """List the prompts: version, content hash, model and inputs.

    Examples:
      llmops prompts
      llmops prompts --json | jq -r '.[].name'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.opening.project import open_project
    from llmops.workflows.prompts import list_prompts

    opened = open_project(surroundings(untrusted=untrusted))
    listed = list_prompts(opened)
    if as_json:
        say_json([prompt.as_json() for prompt in listed])
        return
    rows = [
        [p.name, p.version or "–", p.content_hash, p.model or "–", ", ".join(p.inputs)]
        for p in listed
    ]
    say_rows(("prompt", "version", "hash", "model", "inputs"), rows, empty="there is no prompt")
