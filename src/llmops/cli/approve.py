"""`llmops approve`: keep a run's results as baselines, without looking at them one by one."""

from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson, Select, Untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops.workflows.approve import Approvals

_SHOWN = 50
_Run = Annotated[
    str | None,
    typer.Option("--from-run", metavar="RUN", help="A run's id or its end, or last."),
]
_FailedToo = Annotated[
    bool,
    typer.Option(
        "--failed-too/--passed",
        "--all",
        help="Approve of what failed as well; what has no verdict never is.",
    ),
]
_AllowCached = Annotated[bool, typer.Option("--allow-cached", help="Take a run that asked nobody.")]
_Prune = Annotated[
    bool, typer.Option("--prune", help="Delete baselines that no suite asks for any more.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def approve(
    select: Select = None,
    run: _Run = None,
    failed_too: _FailedToo = False,
    allow_cached: _AllowCached = False,
    prune: _Prune = False,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
    untrusted: Untrusted = False,
) -> None:
    """Keep a run's results as baselines: files to commit.

    Refused are a run that was not finished, was untrusted, asked nobody, or is older than the
    suites and prompts. A CI never writes.

    Examples:
      llmops approve --from-run last               every case of the newest run that passed
      llmops approve --from-run 7c1e support/ --dry-run
    """
    from datetime import UTC, datetime

    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import say_json
    from llmops.errors import InvalidInputError
    from llmops.workflows.approve import ApproveOptions
    from llmops.workflows.approve import approve as approve_of
    from llmops.workflows.approve import prune as prune_only
    from llmops.workflows.approving import Wanted
    from llmops.workflows.opening.project import open_project

    if run is None and not (prune and not select):
        raise InvalidInputError(
            "no run is named", code="usage", hint="write --from-run RUN, or --from-run last"
        )
    opened = open_project(surroundings(untrusted=untrusted))
    if run is None:
        approvals = prune_only(opened, dry_run=dry_run)
    else:
        wanted = Wanted(
            run=run,
            selectors=tuple(select or ()),
            allow_cached=allow_cached,
            today=datetime.now(UTC).date(),
        )
        options = ApproveOptions(failed_too=failed_too, prune=prune, dry_run=dry_run)
        approvals = approve_of(opened, wanted, options)
    if as_json:
        say_json(approvals.as_json())
    else:
        _say(approvals)


def _say(approvals: "Approvals") -> None:
    from llmops.cli.terminal.talk import note, say
    from llmops.reporting.wording import plural

    would = "would be " if approvals.dry_run else ""
    changed = [*approvals.of("new"), *approvals.of("changed")]
    for one in changed:
        say(f"{one.change:<8} {one.path}{'  failed' if one.status == 'failed' else ''}")
    _note_all("left out", [f"{one.title}  {one.status}" for one in approvals.left_out])
    if approvals.pruned:
        _note_all(f"{would}deleted", approvals.unreferenced)
    elif approvals.unreferenced:
        _note_all("unreferenced", approvals.unreferenced)
        note("no suite asks for them any more; --prune deletes them")
    if approvals.run is not None:
        same = len(approvals.of("unchanged"))
        note(f"{plural(len(changed), 'baseline')} {would}written, {same:,} unchanged")


def _note_all(word: str, things: "Sequence[str]") -> None:
    from llmops.cli.terminal.talk import note

    for thing in things[:_SHOWN]:
        note(f"{word}: {thing}")
    if len(things) > _SHOWN:
        note(f"{word}: {len(things) - _SHOWN:,} more")
