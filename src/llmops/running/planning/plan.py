"""A project and a selection in, a plan out: every trial of a run, checked before the first call."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct, field

from llmops.domain.completion import canonical_json
from llmops.domain.project import Project
from llmops.domain.quarantine import in_force
from llmops.domain.suite import Case, Suite
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, LlmopsError, NothingSelectedError
from llmops.loading.quarantine import unknown_cases
from llmops.rendering.templates import Templates
from llmops.running.planning.arms import ArmOptions, SuiteArm, arms_of
from llmops.running.planning.assertions import AssertionBuilder
from llmops.running.planning.cases import CaseReader, case_hash
from llmops.running.planning.selection import CaseFilter, Selection, choose_suites
from llmops.running.planning.stages import StageBuilder
from llmops.running.planning.trial import PlannedTrial
from llmops.scoring.registry import ScorerResources
from llmops.versions.version import FindPrompt

_KEPT = 20_000
"""Up to this many trials are kept in memory; a larger plan is made again as it is carried out."""
_SUITE_BYTES = 2**30
_NEAR = 1000
"""Among so many ids the one is looked for that a misspelt one means."""
_SHOWN = 200
"""So many faults are gathered before planning gives up."""


class PlanOptions(Struct, frozen=True, kw_only=True):
    """What the command line says of a plan.

    Attributes:
        samples: Of each case, in place of the suites' own; None for theirs.
        most: Plan the most samples that each suite allows, in place of the least.
        inputs: Values laid over every case's inputs.
        only: Ids of the trials to take, such as those that failed; None takes all.
        known: Hashes of cases to leave out, for they were run before.
        untrusted: Refuse targets that run code of the project.
        tolerant: Leave out what cannot be asked, in place of complaining of it; for the side that
            a change is held against.
        today: The day, in UTC, by which quarantines hold; None: none does.
        purpose: What the run is for, where those who read it later must know; None: a plain one.
    """

    selection: Selection = field(default_factory=Selection)
    arms: ArmOptions = field(default_factory=ArmOptions)
    samples: int | None = None
    most: bool = False
    inputs: Mapping[str, object] = field(default_factory=dict)
    only: frozenset[str] | None = None
    known: frozenset[str] = frozenset()
    untrusted: bool = False
    tolerant: bool = False
    today: date | None = None
    purpose: str | None = None


class SuitePlan(Struct, frozen=True, kw_only=True):
    """A suite with its arms and the number of its trials."""

    suite: Suite
    arms: tuple[SuiteArm, ...]


class Plan(Struct):
    """Every trial of a run, in order.

    Attributes:
        suites: The suites that take part.
        planned: How many trials there are.
        options: What was asked for.
    """

    suites: tuple[SuitePlan, ...]
    planned: int
    options: PlanOptions
    generate: Callable[[], Iterator[PlannedTrial]]
    kept: list[PlannedTrial] | None = None

    def trials(self) -> Iterator[PlannedTrial]:
        """The trials; may be called again."""
        return iter(self.kept) if self.kept is not None else self.generate()

    def suite_hashes(self, tree: Tree) -> dict[str, str]:
        """12 hex digits of each suite's file, by the suite's name."""
        return {
            plan.suite.name: hashlib.sha256(
                tree.read(plan.suite.path, limit=_SUITE_BYTES).replace(b"\r\n", b"\n")
            ).hexdigest()[:12]
            for plan in self.suites
        }


def make_plan(
    project: Project,
    find_prompt: FindPrompt,
    resources: ScorerResources,
    options: PlanOptions,
) -> Plan:
    """Plan a run and check all of it.

    Every template is rendered and every scorer built, so that what can be wrong in the user's
    files is found before a model is paid.

    Raises:
        InvalidInputError: All the faults that were found.
        NothingSelectedError: No trial is left.
    """
    folder = project.config.suites
    suites = choose_suites(project.suites.values(), options.selection, folder)
    faults: list[Fault] = []
    plans = _suite_plans(suites, project, find_prompt, options, faults)
    if faults:
        raise InvalidInputError.of(faults)
    generator = _Generator(
        project=project,
        plans=plans,
        options=options,
        resources=resources,
        folder=folder,
    )
    plan = _check(generator, plans, options)
    if plan.planned == 0:
        raise NothingSelectedError(
            "no case is selected",
            hint="widen the selection; 'llmops suites' lists suites and cases",
        )
    return plan


def trial_id(suite: str, case: str, arm: SuiteArm, sample: int) -> str:
    """16 hex digits: the same suite, case, arm and sample give the same id in every run."""
    named = f"[{canonical_json(suite)},{canonical_json(case)},{arm.identity[1:-1]},{sample}]"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _suite_plans(
    suites: Sequence[Suite],
    project: Project,
    find_prompt: FindPrompt,
    options: PlanOptions,
    faults: list[Fault],
) -> tuple[SuitePlan, ...]:
    plans = []
    for suite in suites:
        wrong: list[Fault] = []
        try:
            arms = tuple(arms_of(suite, project.config, find_prompt, options.arms))
            wrong += _prompt_faults(arms)
        except InvalidInputError as error:
            arms = ()
            wrong += error.faults
        if not wrong or not options.tolerant:
            plans.append(SuitePlan(suite=suite, arms=arms))
            faults += wrong
    return tuple(plans)


def _prompt_faults(arms: Sequence[SuiteArm]) -> Iterator[Fault]:
    versions = {version.content_hash: version for arm in arms for version in arm.versions}
    for version in versions.values():
        found = version.renderer.check(version.prompt)
        yield from (fault for fault in found if fault.severity == "error")


def _untrusted_target(suite: Suite) -> Fault | None:
    if suite.target is None:
        return None
    return Fault(
        code="untrusted",
        message=f"the target '{suite.target.label}' is not called in an untrusted run",
        at=suite.target.at,
        hint="review the change and run it without --untrusted",
    )


def _check(generator: "_Generator", plans: tuple[SuitePlan, ...], options: PlanOptions) -> Plan:
    kept: list[PlannedTrial] | None = []
    suites = [plan.suite for plan in plans] if options.untrusted else []
    faults = [fault for suite in suites if (fault := _untrusted_target(suite))]
    planned = 0
    for trial in generator.trials(faults):
        planned += 1
        if kept is not None:
            kept.append(trial)
            if len(kept) > _KEPT:
                kept = None
    if faults:
        raise InvalidInputError.of(list(dict.fromkeys(faults)))
    used = {plan.suite.name for plan in plans} & generator.used
    return Plan(
        suites=tuple(plan for plan in plans if plan.suite.name in used),
        planned=planned,
        options=options,
        generate=lambda: generator.trials([]),
        kept=kept,
    )


class _Generator(Struct, kw_only=True):
    """Makes the trials of a plan, as often as it is asked."""

    project: Project
    plans: tuple[SuitePlan, ...]
    options: PlanOptions
    resources: ScorerResources
    folder: str
    used: set[str] = field(default_factory=set)

    def trials(self, faults: list[Fault]) -> Iterator[PlannedTrial]:
        """Every trial; what is wrong with a case is added to `faults`, and the next is made."""
        suites = list(self.project.suites.values())
        chosen = CaseFilter(self.options.selection, suites, self.folder)
        templates = Templates(self.project.tree, self.project.config.prompts)
        reader = CaseReader(
            project=self.project, templates=templates, overrides=self.options.inputs
        )
        assertions = AssertionBuilder(templates=templates, resources=self.resources)
        stages = StageBuilder(assertions=assertions, templates=templates)
        numbers = itertools.count()
        for plan in self.plans:
            try:
                for case in self._cases(reader, plan.suite):
                    if chosen(case):
                        yield from self._of_case(plan, case, stages, faults, numbers)
            except InvalidInputError as error:
                faults += error.faults
            if len(faults) >= _SHOWN:
                return
        if not faults and not self.options.tolerant:
            chosen.check()

    def _cases(self, reader: CaseReader, suite: Suite) -> Iterator[Case]:
        """The cases of a suite; then a complaint of what is quarantined and is none of them."""
        wanted = {entry.case.text for entry in suite.quarantine}
        seen: set[str] = set()
        for case in reader.cases(suite):
            if wanted and (len(seen) < _NEAR or case.id in wanted):
                seen.add(case.id)
            yield case
        unknown = list(unknown_cases(suite.quarantine, seen))
        if unknown and not self.options.tolerant:
            raise InvalidInputError.of(unknown)

    def _of_case(
        self,
        plan: SuitePlan,
        case: Case,
        stages: StageBuilder,
        faults: list[Fault],
        numbers: Iterator[int],
    ) -> Iterator[PlannedTrial]:
        hashed = case_hash(case)
        if hashed in self.options.known:
            return
        allowed = plan.suite.samples
        only = self.options.only
        samples = self.options.samples or (allowed.max if self.options.most else allowed.min)
        prepared = stages.case(plan.suite, case)
        excuse = in_force(plan.suite.quarantine, self.options.today).get(case.id)
        for arm in plan.arms:
            ids = [trial_id(plan.suite.name, case.id, arm, sample) for sample in range(samples)]
            picked = [(n, id_) for n, id_ in enumerate(ids) if only is None or id_ in only]
            if not picked:
                continue
            try:
                made = prepared.stages(arm)
            except LlmopsError as error:
                faults += [] if self.options.tolerant else error.faults
                continue
            self.used.add(plan.suite.name)
            for sample, id_ in picked:
                yield PlannedTrial(
                    index=next(numbers),
                    id=id_,
                    suite=plan.suite,
                    case=case,
                    case_hash=hashed,
                    planned_arm=arm.planned,
                    sample=sample,
                    stages=made,
                    quarantined=excuse.words if excuse is not None else None,
                )
