"""`llmops prompts`: what prompts there are."""

from llmops.cli.options import AsJson


def prompts(as_json: AsJson = False) -> None:
    """List the prompts with version, content hash, model and inputs.

    Examples:
      llmops prompts
      llmops prompts --json | jq -r '.[].name'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.talk import say_json, say_rows
    from llmops.workflows.project import open_project
    from llmops.workflows.render import find

    opened = open_project(surroundings())
    listed = [
        {
            "name": name,
            "version": str(prompt.version) if prompt.version else None,
            "hash": find(opened, name).content_hash,
            "model": str(prompt.model) if prompt.model else None,
            "inputs": list(prompt.inputs),
            "path": prompt.path,
            "description": prompt.description,
        }
        for name, prompt in opened.project.prompts.items()
    ]
    if as_json:
        say_json(listed)
        return
    columns = ("name", "version", "hash", "model")
    rows = [[str(row[c] or "–") for c in columns] + [", ".join(row["inputs"])] for row in listed]
    say_rows(("prompt", "version", "hash", "model", "inputs"), rows, empty="there is no prompt")
