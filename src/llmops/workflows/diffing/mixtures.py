"""One regressed case, asked of mixtures of two versions of a prompt."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.comparison import Pair
from llmops.domain.explanation import Passes
from llmops.domain.node import Text
from llmops.domain.run import TrialResult
from llmops.domain.suite import Suite
from llmops.domain.verdict import Totals
from llmops.errors import InvalidInputError, ProviderErrorKind, TemplateError
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import Selection
from llmops.running.planning.trial import PlannedTrial
from llmops.running.searching.breakpoints import Counts
from llmops.running.searching.weighing import NOTHING, Reply, Reverted
from llmops.versions.mixing import Mixer, mixture_fault
from llmops.versions.version import PromptVersion
from llmops.workflows.diffing.sides import Sides, with_version
from llmops.workflows.executing.asking import Prober
from llmops.workflows.opening.project import OpenProject

_PROVIDERS = frozenset(get_args(ProviderErrorKind))


class Regression(Struct, frozen=True, kw_only=True):
    """A case that passed less often on the second side.

    Attributes:
        models: The labels of both sides' models.
        before: Its samples on the first side.
        after: Its samples on the second side.
        samples: The numbers of its samples go up to here, this one excluded.
    """

    suite: str
    case: str
    case_hash: str
    models: tuple[str, str]
    before: Counts
    after: Counts
    samples: int


def regressions(pairs: Sequence[Pair]) -> list[Regression]:
    """The cases that passed less often on the second side, in the order of their pairs."""
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        key = (pair.suite, pair.case, pair.case_hash, pair.before.model, pair.after.model)
        groups.setdefault(key, []).append(pair)
    found = (_regression(group) for group in groups.values())
    return [one for one in found if one.before.passed > one.after.passed]


class MixtureProber(Struct, kw_only=True):
    """Asks mixtures for one case.

    Attributes:
        options: How the diff planned its cases.
        totals: Of all trials so far; may be shared by several.
        samples: Of one mixture, so many can be asked.
        unpriced: Completions that were asked for, and whose cost nobody knows.
    """

    opened: OpenProject
    options: PlanOptions
    suite: Suite
    sides: Sides
    mixer: Mixer
    case: Regression
    prober: Prober
    totals: Totals
    samples: int
    unpriced: int = 0
    _planned: dict[Reverted, list[PlannedTrial]] = field(default_factory=dict)
    _faults: dict[Reverted, str | None] = field(default_factory=dict)
    _next: dict[Reverted, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = dict.fromkeys((NOTHING, self.mixer.whole), self.case.samples)

    def fault(self, reverted: Reverted) -> str | None:
        """Why a mixture cannot be asked for the case; None when it can."""
        if reverted not in self._faults:
            self._faults[reverted] = self._fault(reverted)
        return self._faults[reverted]

    def ask(self, wanted: Mapping[Reverted, int]) -> Mapping[Reverted, Reply]:
        """Ask mixtures for samples of the case, all at once."""
        trials: list[PlannedTrial] = []
        owners: dict[str, Reverted] = {}
        replies: dict[Reverted, Reply] = {}
        for reverted, samples in wanted.items():
            fault = self.fault(reverted)
            if fault is not None:
                replies[reverted] = Reply(impossible=fault, more=False)
                continue
            first = self._next.get(reverted, 0)
            for trial in self._trials(reverted)[first : first + samples]:
                owners[trial.id] = reverted
                trials.append(replace(trial, index=len(trials)))
            self._next[reverted] = first + samples
        results = self.prober.ask(trials)
        for result in results:
            self.totals.add(result)
            self.unpriced += sum(
                one.origin == "live" and one.completion is not None and one.completion.cost is None
                for one in result.exchanges
            )
        for reverted in set(owners.values()):
            own = [one for one in results if owners[one.id] == reverted]
            replies[reverted] = _reply(own, wanted[reverted])
        return replies

    def _fault(self, reverted: Reverted) -> str | None:
        version = self._version(reverted)
        fault = mixture_fault(version)
        if fault is not None:
            return fault
        try:
            trials = self._trials(reverted)
        except (InvalidInputError, TemplateError) as error:
            return error.faults[0].message
        return None if trials else "the case is asked in several ways there"

    def _version(self, reverted: Reverted) -> PromptVersion:
        if reverted == NOTHING:
            return self.sides.after
        return self.sides.before if reverted == self.mixer.whole else self.mixer.without(reverted)

    def _trials(self, reverted: Reverted) -> list[PlannedTrial]:
        """The samples of the case with a mixture; none where it is not clear which they are."""
        if reverted not in self._planned:
            self._planned[reverted] = list(self._of_arm(self._plan(self._version(reverted))))
        return self._planned[reverted]

    def _plan(self, version: PromptVersion) -> list[PlannedTrial]:
        suite = with_version(self.suite, version, self.sides.names)

        def find(text: Text) -> PromptVersion:
            return version if text.text == version.name else self.opened.find_prompt(text)

        options = replace(
            self.options,
            selection=Selection(selectors=(f"{suite.path}::{self.case.case}",)),
            samples=self.case.samples + self.samples,
            known=frozenset(),
        )
        project = replace(self.opened.project, suites={suite.name: suite})
        return list(make_plan(project, find, self.opened.resources, options).trials())

    def _of_arm(self, trials: Sequence[PlannedTrial]) -> Iterator[PlannedTrial]:
        """The trials of the case on its model; the model may be what was taken back."""
        own = [one for one in trials if one.case_hash == self.case.case_hash]
        if sum(one.sample == 0 for one in own) > 1:
            model = self.case.models[1]
            own = [one for one in own if one.planned_arm.arm.model == model]
        return iter(own if sum(one.sample == 0 for one in own) == 1 else ())


def passes(counts: Counts) -> Passes:
    """Counts as a report has them."""
    return Passes(passed=counts.passed, asked=counts.asked)


def _regression(pairs: Sequence[Pair]) -> Regression:
    first = pairs[0]
    return Regression(
        suite=first.suite,
        case=first.case,
        case_hash=first.case_hash,
        models=(first.before.model, first.after.model),
        before=_counts([pair.before.status for pair in pairs]),
        after=_counts([pair.after.status for pair in pairs]),
        samples=max(pair.sample for pair in pairs) + 1,
    )


def _counts(statuses: Sequence[str]) -> Counts:
    return Counts(passed=statuses.count("passed"), failed=statuses.count("failed"))


def _reply(results: Sequence[TrialResult], wanted: int) -> Reply:
    counts = _counts([one.status for one in results])
    lost = next((one for one in results if one.status not in {"passed", "failed"}), None)
    if lost is None:
        return Reply(counts=counts, more=len(results) == wanted)
    if lost.failure is None:
        return Reply(counts=counts, more=False, unknown="an output could not be judged")
    kind, message = lost.failure.kind, lost.failure.message
    if kind == "no_recording":
        unknown = None if counts.asked else "nothing is recorded or cached of it"
        return Reply(counts=counts, more=False, unknown=unknown)
    if kind not in _PROVIDERS:
        return Reply(counts=counts, more=False, impossible=message)
    return Reply(counts=counts, more=False, unknown=message, fatal=True)
