"""`llmops log`: the versions of a prompt."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson

if TYPE_CHECKING:
    from llmops.workflows.log import VersionListing

_SHORT = 8
_SUBJECT = 60


def log(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The prompt's name.")],
    stat: Annotated[
        bool, typer.Option("--stat", help="Show what changed in each version, part by part.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("-n", metavar="N", min=1, help="So many, the newest first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of a prompt, with what changed and how it did.

    Merges, renames and commits that left the content as it was are folded.

    Examples:
      llmops log support/reply --stat
      llmops log support/reply --json | jq -r '.[].hash'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import note, say_faults, say_json, say_rows
    from llmops.workflows.log import log as listing
    from llmops.workflows.opening.project import open_versions

    opened = open_versions(surroundings())
    versions, faults = listing(opened, name)
    say_faults(faults)
    if opened.shallow:
        note("the clone is shallow and may lack older versions: 'git fetch --unshallow'")
    versions = versions[:limit]
    if as_json:
        say_json([version.as_json() for version in versions])
        raise typer.Exit(2 if faults else 0)
    rows: list[list[str]] = []
    for version in versions:
        rows.append(_row(version, name))
        rows += [["", "", "", "", "", line, "", "", ""] for line in _parts(version) if stat]
    headings = (
        "commit", "date", "author", "version", "hash", "change", "passed", "cost", "subject"
    )  # fmt: skip
    say_rows(headings, rows, empty=f"'{name}' has no version yet")
    raise typer.Exit(2 if faults else 0)


def _row(version: "VersionListing", name: str) -> list[str]:
    commit = version.commit
    labels = f"({', '.join(version.labels)}) " if version.labels else ""
    renamed = f"[{version.name}] " if version.name != name else ""
    subject = commit.subject if commit else "not committed yet"
    if len(subject) > _SUBJECT:
        subject = f"{subject[: _SUBJECT - 1]}…"
    return [
        commit.id[:_SHORT] if commit else "work tree",
        commit.date[:10] if commit else "",
        commit.author if commit else "",
        version.claimed or "–",
        version.content_hash or "–",
        _change(version),
        *_results(version),
        f"{labels}{renamed}{subject}",
    ]


def _change(version: "VersionListing") -> str:
    if version.faults:
        return "cannot be read"
    if version.change is None:
        return "first"
    return ", ".join(version.change.kinds) or "nothing but its version"


def _results(version: "VersionListing") -> tuple[str, str]:
    from llmops.reporting.wording import money

    totals = version.results
    if totals is None:
        return ("–", "–")
    known = money(totals.value)
    return (
        f"{totals.passed}/{totals.planned}",
        f"{known} and {totals.unpriced} unknown" if totals.unpriced else known,
    )


def _parts(version: "VersionListing") -> Iterator[str]:
    yield from (fault.message for fault in version.faults)
    for part in version.change.parts if version.change else ():
        yield f"  {part.reason} ({part.step})"
