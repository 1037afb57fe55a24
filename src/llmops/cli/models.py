"""`llmops models`: what models the project names, and how they are reached."""

from llmops.cli.options import AsJson, Untrusted


def models(as_json: AsJson = False, untrusted: Untrusted = False) -> None:
    """List the models that llmops.yaml, prompts and suites name.

    Examples:
      llmops models
      llmops models --json | jq -r '.[] | select(.key_set | not) | .label'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.models import list_models
    from llmops.workflows.opening.project import open_project

    listed = list_models(open_project(surroundings(untrusted=untrusted)))
    if as_json:
        say_json([model.as_json() for model in listed])
        return
    rows = [
        [m.label, m.name, m.via, m.api_base or "–", m.key or "–", "yes" if m.key_set else "no"]
        for m in listed
    ]
    say_rows(
        ("model", "name", "via", "host", "key", "key set"), rows, empty="no model is named anywhere"
    )
