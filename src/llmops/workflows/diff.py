"""Two versions of a prompt side by side: source, messages, and what the suites' cases come to."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.comparison import compare_trials
from llmops.comparing.identity import models_moved, moved_words
from llmops.comparing.rendered import RenderedCase, diff_rendered
from llmops.comparing.text_diff import diff_texts
from llmops.domain.change import Change
from llmops.domain.comparison import ArmTotals, Comparison, ComparisonVerdict, decide_comparison
from llmops.domain.node import Text
from llmops.domain.rendered import CaseName, RenderedDiff
from llmops.domain.run import TrialResult
from llmops.domain.suite import Suite
from llmops.errors import InvalidInputError, NothingSelectedError
from llmops.location import COMMAND_LINE
from llmops.reporting.diff.base import DiffReport, VersionName
from llmops.running.planning.renderings import TwiceRendered, render_twice
from llmops.running.planning.selection import choose_suites
from llmops.running.searching.weighing import Rule
from llmops.versions.change import change_between
from llmops.versions.version import PromptVersion
from llmops.workflows.diffing.explain import Ran, explain, verdict_with
from llmops.workflows.diffing.sides import Sides, with_version
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.execution import Outcome, TestOptions, Watcher
from llmops.workflows.opening.project import OpenProject
from llmops.workflows.test import run_tests

_NOTHING = Comparison(pairs=(), unpaired=(), before=ArmTotals(), after=ArmTotals())


class DiffOptions(Struct, frozen=True, kw_only=True):
    """What `llmops diff` was asked to do.

    Attributes:
        before: The first version, `NAME` or `NAME@REF`.
        after: The second one.
        source_only: Run nothing.
        explain: How to find the hunks that broke cases; None: not at all.
        test: How to run the cases, and which.
    """

    before: str
    after: str
    source_only: bool = False
    explain: Rule | None = None
    test: TestOptions = field(default_factory=TestOptions)


def sides_of(first: str, second: str | None) -> tuple[str, str]:
    """The two versions that the arguments mean.

    `NAME@A NAME@B` and `NAME@A @B` are two versions; `NAME@A` stands against the work tree, and
    `NAME` alone is what is committed against the work tree.

    Raises:
        InvalidInputError: A name is missing.
    """
    name, at_sign, _ref = first.partition("@")
    if not name or second in {"", "@"}:
        raise InvalidInputError(
            "a version has no name", code="usage", hint="write NAME@REF, such as reply@1.0.0"
        )
    if second is not None:
        return first, f"{name}{second}" if second.startswith("@") else second
    return (first if at_sign else f"{name}@HEAD"), name


def diff(opened: OpenProject, options: DiffOptions, clock: Clock, watcher: Watcher) -> DiffReport:
    """Compare two versions of a prompt.

    Raises:
        InvalidInputError: There is no such version, or something is wrong with the files.
        NothingSelectedError: A selector finds nothing.
        UnavailableError: Git is missing or refuses, or the run cannot be kept.
    """
    before, after = (
        opened.versions.find(Text(name, COMMAND_LINE)) for name in (options.before, options.after)
    )
    sides = Sides(before=before, after=after)
    change = change_between(before, after)
    report = DiffReport(
        before=_named(before),
        after=_named(after),
        change=change,
        rendered=None,
        comparison=None,
        verdict=_of_source(change, sides),
        compare=diff_texts,
    )
    if before.content_hash == after.content_hash:
        return replace(report, notes=("both have the same content, so nothing was run",))
    suites = _suites(opened, options, sides)
    if not suites:
        return replace(report, notes=(f"no suite uses {sides.listed}, so nothing was run",))
    return _with_cases(opened, options, (clock, watcher), report, (sides, suites))


def _with_cases(
    opened: OpenProject,
    options: DiffOptions,
    watching: tuple[Clock, Watcher],
    report: DiffReport,
    chosen: tuple[Sides, Sequence[Suite]],
) -> DiffReport:
    """The report with the messages of the cases, and with what they come to."""
    sides, suites = chosen
    selection = options.test.plan.selection
    versions = sides.before, sides.after
    cases = list(render_twice(opened.project, suites, selection, versions))
    rendered = _rendered(cases)
    names = tuple(suite.name for suite in suites)
    report = replace(report, rendered=rendered, suites=names)
    if options.source_only:
        return replace(report, notes=("nothing was run, as --source-only asks",))
    lost = {one.case for one in rendered.unrendered}
    known = frozenset(c.digest for c in cases if CaseName(c.case.suite, c.case.id) in lost)
    if len(lost) == len(cases):
        verdict = decide_comparison(_NOTHING, unrendered=len(lost))
        return replace(report, comparison=_NOTHING, verdict=verdict)
    outcome, (first, second) = _run(opened, options, watching, (sides, suites), known)
    comparison = compare_trials(first, second)
    moved = models_moved(first, second, together=True)
    verdict = decide_comparison(
        comparison,
        unrendered=len(lost),
        run=outcome.verdict,
        moved=moved_words(moved) if moved else "",
    )
    run = outcome.report.header.id
    report = replace(report, comparison=comparison, verdict=verdict, run=run)
    if options.explain is None:
        return report
    spent = outcome.verdict.totals
    ran = Ran(sides=sides, suites=suites, comparison=comparison, verdict=verdict, spent=spent)
    clock, watcher = watching
    explained = explain(opened, ran, options.test, options.explain, (clock, watcher.note))
    return replace(report, explained=explained, verdict=verdict_with(verdict, explained))


def _named(version: PromptVersion) -> VersionName:
    claimed = version.prompt.version
    return VersionName(
        name=version.name,
        version=str(claimed) if claimed else None,
        content_hash=version.content_hash,
        commit=version.commit,
    )


def _of_source(change: Change, sides: Sides) -> ComparisonVerdict:
    """The verdict as long as nothing was run."""
    same = sides.before.content_hash == sides.after.content_hash
    parts = f"{len(change.parts)} part{'' if len(change.parts) == 1 else 's'} of the source changed"
    return ComparisonVerdict(
        status="same" if same else "changed",
        exit_code=0,
        reason="the same content" if same else f"{parts}; no case was run",
        complete=same,
    )


def _suites(opened: OpenProject, options: DiffOptions, sides: Sides) -> list[Suite]:
    """The suites of the work tree that use one of the prompts."""
    selection = options.test.plan.selection
    chosen = choose_suites(opened.project.suites.values(), selection, opened.config.suites)
    found = [suite for suite in chosen if suite.prompt_names & sides.names]
    if not found and selection.places:
        raise NothingSelectedError(
            f"no selected suite uses {sides.listed}", hint="'llmops suites' lists them"
        )
    return found


def _rendered(cases: Iterable[TwiceRendered]) -> RenderedDiff:
    return diff_rendered(
        RenderedCase(
            case=CaseName(one.case.suite, one.case.id),
            before=one.renderings[0],
            after=one.renderings[1],
        )
        for one in cases
    )


def _run(
    opened: OpenProject,
    options: DiffOptions,
    watching: tuple[Clock, Watcher],
    chosen: tuple[Sides, Sequence[Suite]],
    known: frozenset[str],
) -> tuple[Outcome, tuple[list[TrialResult], list[TrialResult]]]:
    """One ordinary run with both versions as arms, and the trials of each."""
    sides, suites = chosen
    planned: dict[str, Suite] = {}
    labels: dict[str, tuple[str, str]] = {}
    for suite in suites:
        both = [with_version(suite, version, sides.names) for version in _both(sides)]
        labels[suite.name] = (_label(both[0]), _label(both[1]))
        if suite.steps:
            planned |= {f"{suite.name}@{number}": one for number, one in enumerate(both)}
        else:
            prompts = both[0].prompts + both[1].prompts
            planned[suite.name] = replace(suite, prompts=prompts)
    project = replace(opened.project, suites=planned)
    plan = replace(options.test.plan, known=known)
    test = replace(options.test, plan=plan)
    outcome = run_tests(replace(opened, project=project), test, *watching)
    trials = list(outcome.report.trials())
    return outcome, (_of(trials, labels, 0), _of(trials, labels, 1))


def _both(sides: Sides) -> tuple[PromptVersion, PromptVersion]:
    return sides.before, sides.after


def _label(suite: Suite) -> str:
    """What the arms of a suite call their prompts."""
    named = [step.prompt.text for step in suite.steps] or [text.text for text in suite.prompts]
    return " → ".join(named)


def _of(
    trials: Iterable[TrialResult], labels: dict[str, tuple[str, str]], side: int
) -> list[TrialResult]:
    return [trial for trial in trials if trial.arm.prompt == labels[trial.suite][side]]
