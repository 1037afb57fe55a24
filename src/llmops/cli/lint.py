"""`llmops lint`: read every file, render every template, build every scorer, call no model."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson, HeldAgainst, Untrusted


def lint(
    base: HeldAgainst = None,
    history: Annotated[
        bool, typer.Option("--history", help="Read the whole history of every prompt, too.")
    ] = False,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Check prompts, suites, datasets, recordings and llmops.yaml.

    In a git repository the versions that prompts claim are checked, too: see --base.

    Examples:
      llmops lint                 every complaint with its place and a way out
      llmops lint --json | jq     the same for programs
    """
    from datetime import UTC, datetime

    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import fault_as_json, note, say_faults, say_json
    from llmops.reporting.wording import plural
    from llmops.workflows.claims.check import VersionOptions
    from llmops.workflows.lint import lint as check

    options = VersionOptions(base=base, history=history)
    found = check(surroundings(untrusted=untrusted), options, datetime.now(UTC).date())

    if as_json:
        say_json([fault_as_json(fault) for fault in found.faults])
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
