"""`llmops lint`: read every file, render every template, build every scorer, call no model."""

import typer

from llmops.cli.options import AsJson, Untrusted


def lint(as_json: AsJson = False, untrusted: Untrusted = False) -> None:
    """Check prompts, suites, datasets, recordings and llmops.yaml.

    Examples:
      llmops lint                 every complaint with its place and a way out
      llmops lint --json | jq     the same for programs
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.talk import note, say_faults, say_json
    from llmops.reporting.wording import plural
    from llmops.workflows.lint import lint as check

    found = check(surroundings(untrusted=untrusted))

    if as_json:
        say_json([_as_json(fault) for fault in found.faults])
    else:
        say_faults(found.faults)
        warnings = len(found.faults) - found.errors
        counts = (
            (found.prompts, "prompt"),
            (found.suites, "suite"),
            (found.trials, "planned trial"),
        )
        counted = ", ".join(plural(count, noun) for count, noun in counts)
        note(f"{plural(found.errors, 'error')}, {plural(warnings, 'warning')} · {counted}")
    raise typer.Exit(2 if found.errors else 0)


def _as_json(fault: object) -> dict[str, object]:
    at = getattr(fault, "at", None)
    place = {"path": at.path, "line": at.line, "column": at.column} if at else None
    names = ("code", "severity", "message", "hint")
    return {**{name: getattr(fault, name) for name in names}, "at": place}
