"""`llmops bump`: write the version that a changed prompt has to claim."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmops.cli.options import AsJson, HeldAgainst

if TYPE_CHECKING:
    from llmops.workflows.bump import Bump


def bump(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The prompt.", show_default=False)
    ] = None,
    step: Annotated[
        Literal["major", "minor", "patch"] | None,
        typer.Option("--step", help="A larger step than the change asks for."),
    ] = None,
    base: HeldAgainst = None,
    message: Annotated[
        str | None,
        typer.Option("--message", "-m", metavar="TEXT", help="Write this as the changelog, too."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the claims of all prompts; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the version that a changed prompt has to claim.

    With --check, the claims of all prompts are held against HEAD, as a pre-commit hook does.

    Examples:
      llmops bump support/reply --message "Softer promise."
      llmops bump support/reply --dry-run --json | jq -r .after
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json
    from llmops.errors import InvalidInputError
    from llmops.workflows.bump import BumpOptions
    from llmops.workflows.bump import bump as propose
    from llmops.workflows.opening.project import open_versions

    if check:
        if name is not None or step is not None or message is not None:
            raise InvalidInputError(
                "--check is for all prompts and writes nothing",
                code="usage",
                hint="leave NAME, --step and --message out",
            )
        _check(base, as_json=as_json)
        return
    if name is None:
        raise InvalidInputError(
            "no prompt is named", code="usage", hint="write NAME, or --check for all prompts"
        )
    world = surroundings()
    options = BumpOptions(step=step, base=base, message=message, dry_run=dry_run)
    found = propose(open_versions(world), world.environment, name, options)
    if as_json:
        say_json(found.as_json())
    else:
        _tell(found)


def _tell(found: "Bump") -> None:
    from llmops.cli.terminal.talk import note, say

    if found.note is not None:
        say(f"nothing to bump: {found.note}")
        return
    why = f" ({found.step} since {found.before})" if found.change and found.change.parts else ""
    say(f"{found.prompt}: {found.claimed or 'no version'} → {found.after}{why}")
    for part in found.change.parts if found.change else ():
        say(f"  {part.reason} ({part.step})")
    note(f"commit {found.path}" if found.written else "nothing was written")


def _check(base: str | None, *, as_json: bool) -> None:
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import fault_as_json, note, say_faults, say_json
    from llmops.reporting.wording import plural
    from llmops.workflows.bump import check_bumps

    faults = check_bumps(surroundings(), base)
    errors = sum(fault.severity == "error" for fault in faults)
    if as_json:
        say_json([fault_as_json(fault) for fault in faults])
    else:
        say_faults(faults)
        note(f"{plural(errors, 'error')} in claimed versions")
    raise typer.Exit(2 if errors else 0)
