"""The gate: a change held against its base, under the base's policy, and one verdict out."""

from collections.abc import Sequence
from datetime import UTC

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.comparison import compare_trials
from llmops.comparing.excused import deciding, excused_words
from llmops.comparing.gate import Held, Standards, SuiteStandard, hold, rule_of
from llmops.comparing.new_arms import arms_of_trials, new_arms
from llmops.comparing.text_diff import diff_texts
from llmops.domain.config import GatePolicy
from llmops.domain.early import EarlyEnd
from llmops.domain.gate import FINDINGS, Finding, decide_gate
from llmops.domain.run import Arm, TrialResult
from llmops.errors import InvalidInputError, NothingSelectedError, did_you_mean
from llmops.reporting.gate.base import GateReport, Reached
from llmops.running.planning.interleaving import interleave
from llmops.running.planning.plan import Plan, PlanOptions, make_plan
from llmops.running.planning.selection import choose_suites
from llmops.versions.impact import SuiteImpact, impact
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.execution import Outcome, TestOptions, Watcher
from llmops.workflows.gating.against import Against, find_against, trials_against
from llmops.workflows.gating.arms import plan_base
from llmops.workflows.gating.early import EarlyWatch, may_end, savings_of, watch_for
from llmops.workflows.gating.governing import Governed, open_governed
from llmops.workflows.gating.policy import PolicyReading
from llmops.workflows.gating.quarantine import under_base_quarantine
from llmops.workflows.opening.project import Surroundings
from llmops.workflows.test import run_plan

_SHORT = 12
_NOT_GIVEN = "nothing of them answers a case of the change"


class GateOptions(Struct, frozen=True, kw_only=True):
    """What `llmops gate` was asked to do.

    Attributes:
        base: A git revision; None to find it.
        against: `baseline`, a run or a git revision, in place of the base's answers.
        whole: Carry out every trial, also when no further one can change the verdict.
        allowed: Kinds of findings that do not turn the verdict red; `all` for every one.
        test: How to run the cases, and which.
    """

    base: str | None = None
    against: str | None = None
    allowed: tuple[str, ...] = ()
    whole: bool = False
    test: TestOptions = field(default_factory=TestOptions)


class _Case(Struct, frozen=True, kw_only=True):
    """What is known before anything is run."""

    governed: Governed
    against: Against
    reading: PolicyReading
    findings: tuple[Finding, ...]
    reached: tuple[Reached, ...]

    def report(self, held: Held | None = None, unchanged: str = "") -> GateReport:
        """The report, as long as nothing was run."""
        rules = held.rules if held is not None else ()
        return GateReport(
            base=self.governed.commit,
            why=self.governed.base.why,
            against=self.against.words,
            findings=self.findings,
            reached=self.reached,
            rules=rules,
            verdict=decide_gate(rules, self.findings, run=None, unchanged=unchanged),
            compare=diff_texts,
        )


def gate(
    surroundings: Surroundings, options: GateOptions, clock: Clock, watcher: Watcher
) -> GateReport:
    """Hold what is in the work tree against its base.

    Raises:
        InvalidInputError: Something is wrong with the files or the arguments.
        NoComparisonError: There is no base, or it cannot be read.
        NothingSelectedError: There is no suite, or a selector finds nothing.
        UnavailableError: Git is missing or refuses, or the run cannot be kept.
    """
    _check_allowed(options.allowed)
    governed = open_governed(surroundings, options.base)
    _check_policies(governed)
    opened = governed.opened
    if not opened.project.suites and not governed.before.suites:
        raise NothingSelectedError("there is no suite", hint="write one below 'suites:'")
    plan = options.test.plan
    models = [text.text for text in plan.arms.models]
    suites = opened.project.suites.values()
    impacts = impact(opened.project, opened.versions, governed.commit, suites, models=models)
    reading = PolicyReading(governed, impacts)
    chosen = {s.name for s in choose_suites(suites, plan.selection, opened.config.suites)}
    case = _Case(
        governed=governed,
        against=find_against(governed, options.against),
        reading=reading,
        findings=reading.findings(options.allowed),
        reached=_reached([one for one in impacts if one.suite in chosen]),
    )
    if not any(one.included for one in case.reached):
        where = f"since {governed.commit[:_SHORT]}"
        return case.report(unchanged=f"nothing that a suite uses changed {where}")
    return _with_run(case, options, (clock, watcher))


def _check_allowed(allowed: Sequence[str]) -> None:
    for kind in allowed:
        if kind != "all" and kind not in FINDINGS:
            raise InvalidInputError(
                f"--allow '{kind}' is no kind of finding",
                code="unknown-rule",
                hint=did_you_mean(kind, FINDINGS) or "docs/gate.md lists them",
            )


def _check_policies(governed: Governed) -> None:
    """Complain of a confidence that no verdict can have, before a model is paid."""
    config = governed.before.config
    policies = [config.gate, *(suite.gate for suite in governed.before.suites.values())]
    for policy in policies:
        try:
            rule_of((policy or GatePolicy()).over(config.gate))
        except ValueError:
            raise InvalidInputError(
                "nothing can be said with the gate's confidence at the base",
                at=policy.at if policy else None,
                code="confidence",
                hint="write one above 0.5 and below 1, such as 0.95",
            ) from None


def _reached(impacts: Sequence[SuiteImpact]) -> tuple[Reached, ...]:
    rows = [
        Reached(suite=one.suite, included=one.included, reasons=tuple(map(str, one.reasons)))
        for one in impacts
    ]
    return tuple(sorted(rows, key=lambda row: not row.included))


def _with_run(case: _Case, options: GateOptions, watching: tuple[Clock, Watcher]) -> GateReport:
    """The report with both sides asked, and their trials held to the rules."""
    case = replace(case, governed=under_base_quarantine(case.governed, case.reading))
    governed, opened = case.governed, case.governed.opened
    names = frozenset(one.suite for one in case.reached if one.included)
    selection = replace(options.test.plan.selection, reached=names)
    today = options.test.plan.today or watching[0].now().astimezone(UTC).date()
    wished = replace(
        options.test.plan,
        selection=selection,
        untrusted=opened.untrusted,
        most=True,
        today=today,
    )
    after = make_plan(opened.project, opened.find_prompt, opened.resources, wished)
    before = _base_plan(case, wished)
    found = case.reading.stand_ins(before, after, options.allowed)
    case = replace(case, findings=(*found, *case.findings))
    test = replace(options.test, plan=wished)
    whole = interleave(before, after, seed=test.seed)
    sides = frozenset(trial.id for trial in before.trials()) if before is not None else frozenset()
    arms = new_arms(_arms(before), _arms(after))
    standards = replace(_standards(case, test.seed), new=arms)
    early = sides and not options.whole and may_end(whole)
    watch = watch_for(whole, sides, standards) if early else None
    outcome = run_plan(opened, test, whole, watching, watch)
    trials = _sides(outcome, sides, watch)
    if case.against.kind != "commit":
        trials = trials_against(case.against, governed, trials[1]), trials[1]
        standards = replace(standards, new=new_arms(*map(arms_of_trials, trials)))
    if watch is not None:
        standards = replace(standards, rule=watch.rule, end=watch.end)
    held = hold(*trials, standards)
    return _told(case, outcome, held, trials, watch)


def _arms(plan: Plan | None) -> dict[str, list[Arm]]:
    suites = plan.suites if plan is not None else ()
    return {one.suite.name: [arm.planned.arm for arm in one.arms] for one in suites}


def _base_plan(case: _Case, wished: PlanOptions) -> Plan | None:
    if case.against.kind != "commit":
        return None
    names = {new: old for old, new in case.reading.renamed.items()}
    return plan_base(case.governed, wished, names, case.against.name)


def _sides(
    outcome: Outcome, before: frozenset[str], watch: EarlyWatch | None
) -> tuple[list[TrialResult], list[TrialResult]]:
    """Both sides' trials; of a run that ended early, those of complete and of excused cases."""
    end = watch.end if watch is not None else None
    complete = watch.referee.counted(end) if watch is not None and end is not None else None
    sides: tuple[list[TrialResult], list[TrialResult]] = ([], [])
    for trial in outcome.report.trials():
        if complete is None or trial.id in complete or trial.quarantined is not None:
            sides[trial.id not in before].append(trial)
    return sides


def _standards(case: _Case, seed: int) -> Standards:
    before = case.governed.before
    project = before.config.gate
    old = {new: old for old, new in case.reading.renamed.items()}
    suites = {}
    for name in case.governed.opened.project.suites:
        suite = before.suites.get(old.get(name, name))
        own = suite.gate if suite is not None else None
        suites[name] = SuiteStandard(
            policy=own.over(project) if own is not None else project,
            own=own is not None,
            must_pass=case.reading.must_pass(old.get(name, name), name),
        )
    wanted = "" if case.against.kind == "commit" else f"{case.against.words}: {_NOT_GIVEN}"
    together = case.against.kind == "commit"
    return Standards(
        policy=project, suites=suites, pairs_wanted=wanted, seed=seed, together=together
    )


def _told(
    case: _Case,
    outcome: Outcome,
    held: Held,
    trials: tuple[list[TrialResult], list[TrialResult]],
    watch: EarlyWatch | None,
) -> GateReport:
    end = watch.end if watch is not None else None
    run = None if outcome.stopped_by == "decided" else outcome.verdict
    verdict = decide_gate(held.rules, case.findings, run=run)
    return replace(
        case.report(held),
        whole=held.whole,
        suites=held.suites,
        comparison=compare_trials(*deciding(*trials)),
        verdict=verdict,
        totals=outcome.verdict.totals,
        run=outcome.report.header.id,
        notes=(*_early(end, outcome), *excused_words(trials[1]), *_notes(*trials)),
        end=end,
        savings=savings_of(outcome.verdict.totals) if end is not None else None,
    )


def _early(end: EarlyEnd | None, outcome: Outcome) -> tuple[str, ...]:
    """Why the run ended early, and what that saved."""
    if end is None:
        return ()
    saved = savings_of(outcome.verdict.totals)
    money = f" and about ${saved.saved:,.4f}" if saved.saved is not None else ""
    return (
        f"ended early: {end.words}; {saved.done:,} of {saved.planned:,} trials were carried out, "
        f"which saved {saved.trials:,} trials{money} (--whole carries out all of them)",
    )


def _notes(before: Sequence[TrialResult], after: Sequence[TrialResult]) -> tuple[str, ...]:
    """Which suites have no side to compare with."""
    known = {trial.suite for trial in before}
    alone = dict.fromkeys(trial.suite for trial in after if trial.suite not in known)
    return tuple(
        f"{suite} has nothing to compare with: the absolute rules alone hold" for suite in alone
    )
