"""`llmops label`: which version each label means."""

from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson

if TYPE_CHECKING:
    from llmops.versions.finder import Versions

_SHORT = 8


def label(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The prompt; all prompts if none.")
    ] = None,
    label_: Annotated[
        str | None, typer.Argument(metavar="LABEL", help="The label, such as production.")
    ] = None,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION",
            help="A claimed version, a label or a git revision; the commit checked out if none.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the label out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Move a protected label too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List labels, let one mean a version, or take one out.

    A label is a line in labels.yaml in the folder of prompts, so that moving one is a change to
    review, and going back is another.

    Examples:
      llmops label support/reply production 1.0.0
      llmops label --json | jq -r '.[] | select(.commit == null)'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import note, say, say_json
    from llmops.errors import InvalidInputError
    from llmops.workflows.label import label_version, unlabel
    from llmops.workflows.opening.project import open_versions

    versions = open_versions(surroundings())
    if name is None or label_ is None:
        if remove or force:
            raise InvalidInputError(
                "no label is named", code="usage", hint="write NAME and LABEL before the option"
            )
        _list(versions, name, as_json=as_json)
        return
    if remove and version is not None:
        raise InvalidInputError(
            "--remove takes no version", code="usage", hint="leave the version out"
        )
    if remove:
        moved = unlabel(versions, name, label_, force=force)
    else:
        moved = label_version(versions, name, label_, version, force=force)
    if as_json:
        say_json(moved.as_json())
        return
    say(f"{moved.prompt}@{moved.label}: {moved.before or 'nothing'} → {moved.after or 'nothing'}")
    changed = moved.before != moved.after
    note(f"commit {moved.path} to move it for everybody" if changed else "it meant that already")
    if moved.note:
        note(moved.note)


def _list(versions: "Versions", name: str | None, *, as_json: bool) -> None:
    from llmops.cli.terminal.talk import say_json, say_rows
    from llmops.workflows.label import list_labels

    listed = list_labels(versions, name)
    if as_json:
        say_json([one.as_json() for one in listed])
    else:
        rows = [
            [
                one.prompt,
                one.label + (" (protected)" if one.protected else ""),
                one.target[:_SHORT] if len(one.target) >= 40 else one.target,
                one.commit[:_SHORT] if one.commit else "–",
                one.content_hash or one.why or "–",
            ]
            for one in listed
        ]
        say_rows(("prompt", "label", "version", "commit", "hash"), rows, empty="there is no label")
    raise typer.Exit(2 if any(one.commit is None for one in listed) else 0)
