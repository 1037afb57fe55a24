"""`--against`: approved results, an earlier run or another commit, in place of the base's answers."""

from collections.abc import Collection, Sequence
from typing import Literal

from msgspec import Struct

from llmops.domain.run import TrialResult
from llmops.errors import InvalidInputError, NoComparisonError
from llmops.history.refs import merge_base, resolve_ref
from llmops.loading.baselines import read_baselines
from llmops.running.baselines import approved_trials
from llmops.running.keeping.run_names import FOLDER, find_run, run_ids
from llmops.running.keeping.store import read_run
from llmops.workflows.gating.arms import AT_BASE
from llmops.workflows.gating.governing import Governed

_BASELINE = "baseline"
_RUN = "run:"
_LAST = "last"
_SHORT = 12
_SHOWN = 80


class Against(Struct, frozen=True, kw_only=True):
    """What the trials of a change are compared with.

    Attributes:
        kind: `commit` asks the same cases there; the other two were answered before.
        name: The commit's full id, the run's id, or `baseline`.
        words: What it is, for reports.
    """

    kind: Literal["commit", "run", "baseline"]
    name: str
    words: str


def find_against(governed: Governed, asked: str | None) -> Against:
    """What to compare with: as asked, as the base's policy says, or the base itself.

    Args:
        governed: The project.
        asked: `baseline`, `last`, a run's id, `run:` and the end of one, or a git revision.

    Raises:
        InvalidInputError: What is asked for is none of these, or two of them.
        NoComparisonError: What the policy names is not here.
    """
    wanted = asked if asked is not None else governed.before.config.gate.against
    if wanted is None:
        return Against(kind="commit", name=governed.commit, words="the base")
    if wanted == _BASELINE:
        return Against(kind="baseline", name=wanted, words="the approved results of the base")
    folder = governed.opened.root / FOLDER
    last = asked == _LAST and _is_no_revision(governed)
    if last or wanted.startswith(_RUN) or wanted in run_ids(folder):
        id_ = find_run(folder, wanted.removeprefix(_RUN)).stem
        return Against(kind="run", name=id_, words=f"the run {id_}")
    return _revision(governed, wanted, asked=asked is not None)


def trials_against(
    against: Against, governed: Governed, after: Sequence[TrialResult]
) -> list[TrialResult]:
    """The trials that stand in for the base, where nobody is asked for them.

    Args:
        against: A run or the approved results.
        governed: The project.
        after: The trials of the change.

    Raises:
        InvalidInputError: The run was not finished, or an approved result cannot be read.
    """
    if against.kind == "baseline":
        before = governed.before
        known = read_baselines(before.tree, before.config)
        return list(approved_trials(after, known, governed.opened.project.suites))
    suites = {trial.suite for trial in after}
    return _of_run(governed, against.name, suites)


def _of_run(governed: Governed, id_: str, suites: Collection[str]) -> list[TrialResult]:
    """The trials of a run that was finished; of one that the gate made, the change's own."""
    run = read_run(find_run(governed.opened.root / FOLDER, id_))
    if run.header.planned > len(run.places):
        raise InvalidInputError(
            f"the run {id_} was not finished",
            code="partial-run",
            hint="compare with one that was",
        )
    if run.header.untrusted and not governed.opened.untrusted:
        raise InvalidInputError(
            f"the run {id_} was untrusted",
            code="untrusted-run",
            hint="compare with one of files that were reviewed",
        )
    found = [trial for trial in run.trials() if trial.suite in suites]
    return [trial for trial in found if AT_BASE not in trial.arm.prompt] or found


def _is_no_revision(governed: Governed) -> bool:
    """Whether 'last' can only be the newest run; a policy's is a revision, for CI keeps no runs."""
    if resolve_ref(governed.opened.versions.loader.repository, _LAST) is None:
        return True
    raise InvalidInputError(
        f"--against '{_LAST}' is the newest run and a revision of this clone",
        code="ambiguous-ref",
        hint=f"write '{_RUN}{_LAST}' for the run, or 'refs/heads/{_LAST}' for a branch",
    )


def _revision(governed: Governed, ref: str, *, asked: bool) -> Against:
    repository = governed.opened.versions.loader.repository
    for name in (ref,) if asked else (ref, f"origin/{ref}"):
        commit = resolve_ref(repository, name)
        if commit is None:
            continue
        if not asked:
            head = governed.opened.versions.head
            common = merge_base(repository, head, commit) or commit
            commit = governed.commit if common == head else common
        return Against(kind="commit", name=commit, words=f"{name} ({commit[:_SHORT]})")
    shown = ref[:_SHOWN]
    if asked:
        raise InvalidInputError(
            f"--against '{shown}' is no run and no commit of this clone",
            code="unknown-ref",
            hint="write 'baseline', 'last', a run's id or a git revision; "
            "'git fetch' brings what is missing",
        )
    raise NoComparisonError(
        f"the policy compares with '{shown}', which is no run and no commit of this clone",
        code="no-base",
        hint=f"git fetch origin {shown}, or name another with --against",
    )
