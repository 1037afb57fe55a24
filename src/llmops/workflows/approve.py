"""Approve of a run's results without looking at them one by one."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from llmops.domain.baseline import Baseline
from llmops.errors import NothingSelectedError
from llmops.running.baselines import Candidate, same_but_approval
from llmops.workflows.approving import (
    Approvable,
    Wanted,
    baseline_path,
    delete_baselines,
    open_approvable,
    readable_text,
    refuse_ci,
    unreferenced,
    write_baseline,
)
from llmops.workflows.opening.project import OpenProject


class Approved(Struct, frozen=True, kw_only=True):
    """One result that was approved of.

    Attributes:
        path: The baseline's file, from the project's root.
        change: What became of the file.
    """

    title: str
    path: str
    status: str
    change: Literal["new", "changed", "unchanged"]


class LeftOut(Struct, frozen=True, kw_only=True):
    """One result that was not approved of, and its status."""

    title: str
    status: str


class Approvals(Struct, frozen=True, kw_only=True):
    """What `llmops approve` did, or would do.

    Attributes:
        run: The run's id; None when baselines were only pruned.
        unreferenced: Files of baselines whose question no suite asks any more.
        pruned: Whether they are deleted.
    """

    run: str | None
    approved: tuple[Approved, ...]
    left_out: tuple[LeftOut, ...]
    unreferenced: tuple[str, ...]
    pruned: bool
    dry_run: bool

    def of(self, change: str) -> list[Approved]:
        """Those whose file is new, changed or unchanged."""
        return [one for one in self.approved if one.change == change]

    def as_json(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "run": self.run,
            "dry_run": self.dry_run,
            "approved": [
                {
                    "title": one.title,
                    "path": one.path,
                    "status": one.status,
                    "change": one.change,
                }
                for one in self.approved
            ],
            "left_out": [{"title": one.title, "status": one.status} for one in self.left_out],
            "unreferenced": list(self.unreferenced),
            "pruned": self.pruned,
        }


class ApproveOptions(Struct, frozen=True, kw_only=True):
    """How `llmops approve` was asked.

    Attributes:
        failed_too: Approve of what failed as well; what has no verdict is never approved of.
        prune: Delete the baselines whose question no suite asks any more.
        dry_run: Write and delete nothing.
    """

    failed_too: bool = False
    prune: bool = False
    dry_run: bool = False


def approve(opened: OpenProject, wanted: Wanted, options: ApproveOptions) -> Approvals:
    """Write the baselines of a run.

    Raises:
        InvalidInputError: This is a CI, or the run may not be approved of.
        NothingSelectedError: Nothing of it may be approved of.
        UnavailableError: A file cannot be written or deleted; those before it are.
    """
    if not options.dry_run:
        refuse_ci(opened.environment)
    approvable = open_approvable(opened, wanted)
    chosen = [one for c in approvable.candidates if (one := _taken(c, options)) is not None]
    left = [c for c in approvable.candidates if _taken(c, options) is None]
    if not chosen:
        raise _nothing(approvable, left)
    approved = [_approved(opened, approvable.kept.get(one.key), one) for one in chosen]
    pairs = zip(chosen, approved, strict=True)
    _write(opened, [one for one, said in pairs if said.change != "unchanged"], options)
    _prune(opened, approvable.unreferenced, options)
    return Approvals(
        run=approvable.run.header.id,
        approved=tuple(approved),
        left_out=tuple(LeftOut(title=one.title, status=one.status) for one in left),
        unreferenced=_paths(opened, approvable.unreferenced),
        pruned=options.prune,
        dry_run=options.dry_run,
    )


def prune(opened: OpenProject, *, dry_run: bool) -> Approvals:
    """Delete the baselines whose question no suite asks any more, and approve of nothing.

    Raises:
        InvalidInputError: This is a CI, or a file of the project is wrong.
        UnavailableError: A file cannot be deleted.
    """
    options = ApproveOptions(prune=True, dry_run=dry_run)
    if not dry_run:
        refuse_ci(opened.environment)
    gone = unreferenced(opened)
    _prune(opened, gone, options)
    return Approvals(
        run=None,
        approved=(),
        left_out=(),
        unreferenced=_paths(opened, gone),
        pruned=True,
        dry_run=dry_run,
    )


def _taken(candidate: Candidate, options: ApproveOptions) -> Baseline | None:
    fits = candidate.status == "passed" or options.failed_too
    return candidate.baseline if fits else None


def _nothing(approvable: Approvable, left: Sequence[Candidate]) -> NothingSelectedError:
    counted = Counter(candidate.status for candidate in left)
    words = ", ".join(f"{count} {status}" for status, count in counted.items())
    failed = counted["failed"]
    return NothingSelectedError(
        f"nothing of the run {approvable.run.header.id} is to be approved: {words}",
        hint="add --failed-too to approve of what failed" if failed else "run 'llmops test' again",
    )


def _approved(opened: OpenProject, kept: Baseline | None, now: Baseline) -> Approved:
    change: Literal["new", "changed", "unchanged"] = "new"
    if kept is not None:
        change = "unchanged" if same_but_approval(kept, now) else "changed"
    path = baseline_path(opened, now)
    return Approved(title=now.title, path=path, status=now.status, change=change)


def _write(opened: OpenProject, baselines: Sequence[Baseline], options: ApproveOptions) -> None:
    """Write all of them, or none when one cannot be written in a form that can be read."""
    for baseline in baselines:
        readable_text(baseline)
    for baseline in () if options.dry_run else baselines:
        write_baseline(opened, baseline)


def _prune(opened: OpenProject, gone: tuple[Baseline, ...], options: ApproveOptions) -> None:
    if options.prune and not options.dry_run:
        delete_baselines(opened, gone)


def _paths(opened: OpenProject, baselines: Sequence[Baseline]) -> tuple[str, ...]:
    return tuple(baseline_path(opened, baseline) for baseline in baselines)
