"""What `review` and `approve` share: a run beside the baselines, all that forbids it, and writing."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from msgspec import Struct

from llmops.domain.baseline import Approval, Baseline
from llmops.errors import InvalidInputError, NothingSelectedError, UnavailableError
from llmops.history.repository import open_repository
from llmops.loading.baselines import MOST_BYTES, baseline_text, read_baselines
from llmops.providers.keys import redact, secrets_of
from llmops.reporting.files import write_text
from llmops.reporting.terminal import in_ci
from llmops.running.baselines import Candidate, candidates_of
from llmops.running.keeping.run_names import FOLDER, find_run
from llmops.running.keeping.store import KeptRun, read_run
from llmops.running.past.freshness import Questions, check_fresh, check_whole, questions_of
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import CaseFilter, Selection, choose_suites
from llmops.workflows.opening.project import OpenProject

_HERE: Final = "approve where a person sees what is approved, and commit the files"


class Approvable(Struct, frozen=True, kw_only=True):
    """A run that may be approved of, beside what was approved before.

    Attributes:
        candidates: What the run answered, in its order.
        kept: The project's baselines by key.
        unreferenced: Those whose question no suite asks any more.
    """

    run: KeptRun
    candidates: tuple[Candidate, ...]
    kept: Mapping[str, Baseline]
    unreferenced: tuple[Baseline, ...]


class Wanted(Struct, frozen=True, kw_only=True):
    """What of which run is to be approved of.

    Attributes:
        run: An id, its beginning or end; None for the newest.
        selectors: SELECT arguments; every case when there is none.
        allow_cached: Take a run that asked nobody.
        today: UTC.
    """

    run: str | None
    selectors: tuple[str, ...] = ()
    allow_cached: bool = False
    today: date


def refuse_ci(environment: Mapping[str, str], what: str = "baselines", hint: str = _HERE) -> None:
    """Refuse to write what a person has to look at where nobody does.

    Raises:
        InvalidInputError: This is a CI.
    """
    if in_ci(environment):
        raise InvalidInputError(f"a CI never writes {what}", code="in-ci", hint=hint)


def open_approvable(opened: OpenProject, wanted: Wanted) -> Approvable:
    """Read a run, and hold it against the suites and the baselines as they stand.

    Raises:
        InvalidInputError: The run is untrusted, was not finished, asked nobody, or is stale; a
            baseline is broken; there is no such run.
        NothingSelectedError: No trial of the run is selected.
        UnavailableError: The run cannot be read.
    """
    _refuse_untrusted(opened)
    run = read_run(find_run(opened.root / FOLDER, wanted.run))
    check_whole(run, allow_cached=wanted.allow_cached)
    suites = opened.project.suites
    kept = read_baselines(opened.project.tree, opened.config)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, PlanOptions())
    questions = questions_of(plan)
    cases = _selected(opened, wanted.selectors, questions)
    trials = [t for t in run.trials() if cases is None or (t.suite, t.case) in cases]
    if not trials:
        message = f"no trial of the run {run.header.id} is selected"
        raise NothingSelectedError(message, hint="'llmops report' shows the run")
    hashes = plan.suite_hashes(opened.project.tree)
    check_fresh(run.header, trials, questions, suites, hashes)
    secrets = secrets_of(opened.environment)
    approval = Approval(
        run=run.header.id, date=wanted.today.isoformat(), author=_author(opened.root)
    )
    candidates = candidates_of(trials, suites, approval, lambda text: redact(text, secrets))
    return Approvable(
        run=run,
        candidates=tuple(candidates),
        kept=kept,
        unreferenced=_unreferenced(kept, questions),
    )


def unreferenced(opened: OpenProject) -> tuple[Baseline, ...]:
    """The baselines whose question no suite asks any more.

    Raises:
        InvalidInputError: A file of the project is wrong.
    """
    _refuse_untrusted(opened)
    kept = read_baselines(opened.project.tree, opened.config)
    if not opened.project.suites:
        return tuple(kept.values())
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, PlanOptions())
    return _unreferenced(kept, questions_of(plan))


def baseline_path(opened: OpenProject, baseline: Baseline) -> str:
    """Where a baseline is kept, from the project's root."""
    return f"{opened.config.baselines}/{baseline.file}"


def write_baseline(opened: OpenProject, baseline: Baseline) -> Path:
    """Write a baseline, whole or not at all, and return its file.

    Raises:
        InvalidInputError: It is larger than can be read again, or leaves the project.
        UnavailableError: It cannot be written.
    """
    text = readable_text(baseline)
    path = opened.root / baseline_path(opened, baseline)
    write_text(path, text, root=opened.root)
    return path


def readable_text(baseline: Baseline) -> str:
    """A baseline as the text of its file.

    Raises:
        InvalidInputError: It is larger than can be read again.
    """
    text = baseline_text(baseline)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise InvalidInputError(
            f"the baseline of {baseline.title} would have {size:,} bytes,"
            f" more than the {MOST_BYTES:,} allowed",
            code="too-large",
            hint="leave the case out",
        )
    return text


def delete_baselines(opened: OpenProject, baselines: tuple[Baseline, ...]) -> None:
    """Delete baselines, and the folders that are empty then.

    Raises:
        UnavailableError: One cannot be deleted.
    """
    top = opened.root / opened.config.baselines
    for baseline in baselines:
        path = opened.root / baseline_path(opened, baseline)
        try:
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == top or any(folder.iterdir()):
                    break
                folder.rmdir()
        except OSError as error:
            raise UnavailableError(
                f"the file {path} cannot be deleted: {error.strerror or error}",
                code="not-deleted",
                hint="look at the permissions of its folder",
            ) from None


def _refuse_untrusted(opened: OpenProject) -> None:
    if opened.untrusted:
        message = "an untrusted project is not approved of"
        hint = "review the change, and approve without --untrusted"
        raise InvalidInputError(message, code="untrusted-run", hint=hint)


def _selected(
    opened: OpenProject, selectors: tuple[str, ...], questions: Questions
) -> set[tuple[str, str]] | None:
    """Suites and ids of the selected cases; None for all."""
    if not selectors:
        return None
    selection = Selection(selectors=selectors)
    folder = opened.config.suites
    suites = choose_suites(opened.project.suites.values(), selection, folder)
    chosen = CaseFilter(selection, suites, folder)
    cases = [trial.case for trial in questions.planned.values()]
    found = {(case.suite, case.id) for case in cases if chosen(case)}
    chosen.check()
    return found


def _unreferenced(kept: Mapping[str, Baseline], questions: Questions) -> tuple[Baseline, ...]:
    return tuple(one for key, one in kept.items() if key not in questions.planned)


def _author(root: Path) -> str | None:
    try:
        repository = open_repository(root)
        return repository.run("config", "user.name").strip() or None if repository else None
    except UnavailableError:  # git is missing, or knows no name
        return None
