"""One case asked of one version after the other, as many samples as are wanted."""

from collections.abc import Sequence
from typing import get_args

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.run import Failure, TrialResult
from llmops.domain.suite import Step, Suite
from llmops.domain.verdict import Totals
from llmops.errors import (
    RETRYABLE,
    Fault,
    InvalidInputError,
    NothingSelectedError,
    ProviderErrorKind,
    TemplateError,
)
from llmops.location import COMMAND_LINE
from llmops.running.planning.arms import ArmOptions
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import Selection, choose_suites
from llmops.running.planning.trial import PlannedTrial
from llmops.running.searching.bisection import Answer
from llmops.running.searching.breakpoints import Counts
from llmops.versions.row import Place
from llmops.versions.version import PromptVersion
from llmops.workflows.executing.asking import Prober
from llmops.workflows.opening.project import OpenProject

_PROVIDERS = frozenset(get_args(ProviderErrorKind))
_REPLAYED = 16
"""So many samples are looked for at a time where nobody is asked."""


class AskedCase(Struct, frozen=True, kw_only=True):
    """The case that is asked.

    Attributes:
        prompt: The name of the prompt whose versions are asked.
        model: In place of the suite's own; None for that.
    """

    prompt: str
    suite: Suite
    case: str
    model: str | None = None


class Heard(Struct, frozen=True, kw_only=True):
    """What a version answered.

    Attributes:
        faults: Why it cannot be asked, for one that is skipped.
        failure: Why there is no answer, if a provider or a scorer failed.
    """

    answer: Answer
    faults: tuple[Fault, ...] = ()
    failure: Failure | None = None


class CaseProber(Struct, kw_only=True):
    """Asks versions for a case.

    Attributes:
        replay: Nobody is asked, so that what is known is all there is.
        totals: Of all trials so far.
        unpriced: Completions that were asked for, and whose cost nobody knows.
    """

    opened: OpenProject
    asked: AskedCase
    prober: Prober
    replay: bool
    totals: Totals = field(default_factory=Totals)
    unpriced: int = 0

    def trials(self, place: Place, first: int, samples: int) -> list[PlannedTrial]:
        """Plan some samples of the case with a version.

        Raises:
            InvalidInputError: The version does not go with the case, or the suite is wrong.
            NothingSelectedError: There is no such case, or it is skipped.
        """
        if place.version is None:
            raise InvalidInputError.of(place.faults)
        suite = _with_version(self.asked.suite, self.asked.prompt, place.named)
        version = replace(place.version, name=place.named)

        def find(text: Text) -> PromptVersion:
            return version if text.text == place.named else self.opened.find_prompt(text)

        model = self.asked.model
        options = PlanOptions(
            selection=Selection(selectors=(f"{suite.path}::{self.asked.case}",)),
            arms=ArmOptions(models=(Text(model, COMMAND_LINE),) if model else ()),
            samples=first + samples,
            untrusted=self.opened.untrusted,
        )
        project = replace(self.opened.project, suites={suite.name: suite})
        planned = list(make_plan(project, find, self.opened.resources, options).trials())
        _check(planned, self.asked)
        return [trial for trial in planned if trial.sample >= first]

    def ask(self, place: Place, first: int, samples: int) -> Heard:
        """Ask a version for samples, from the number `first` on."""
        try:
            trials = self.trials(place, first, _REPLAYED if self.replay else samples)
        except (InvalidInputError, TemplateError) as error:
            return Heard(answer=Answer(skipped=True), faults=error.faults)
        results = self._carried_out(trials)
        lost = next((one for one in results if one.status == "error"), None)
        if lost is not None and _again(lost):
            done = {one.id for one in results if one.status != "error"}
            results = [one for one in results if one.status != "error"]
            results += self._carried_out([one for one in trials if one.id not in done])
        return self._heard(results, first)

    def _carried_out(self, trials: Sequence[PlannedTrial]) -> list[TrialResult]:
        results = self.prober.ask(trials)
        for result in results:
            self.totals.add(result)
            self.unpriced += sum(
                one.origin == "live" and one.completion is not None and one.completion.cost is None
                for one in result.exchanges
            )
        return results

    def _heard(self, results: Sequence[TrialResult], first: int) -> Heard:
        passed, failed = (sum(r.status == word for r in results) for word in ("passed", "failed"))
        lost = [one for one in results if one.status in {"error", "unscored"}]
        unheard = [one for one in lost if (one.failure and one.failure.kind) == "no_recording"]
        real = next((one for one in lost if one not in unheard), None)
        counts = Counts(passed=passed, failed=failed)
        if real is not None and real.failure is not None and real.failure.kind not in _PROVIDERS:
            return Heard(answer=Answer(skipped=True), faults=(_fault(real.failure),))
        if real is not None:
            return Heard(answer=Answer(counts=counts), failure=real.failure or _unscored(real))
        if unheard and unheard[0].failure is not None and not first and not counts.asked:
            return Heard(answer=Answer(skipped=True), faults=(_fault(unheard[0].failure),))
        return Heard(answer=Answer(counts=counts, more=not unheard))


def suite_of(opened: OpenProject, prompt: str, suite: str | None) -> Suite:
    """The one suite that asks a prompt, among those that are named.

    Raises:
        NothingSelectedError: No suite does.
        InvalidInputError: Several do.
    """
    selection = Selection(selectors=(suite,) if suite else (), prompt=prompt)
    found = choose_suites(opened.project.suites.values(), selection, opened.config.suites)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise InvalidInputError(
            f"several suites use '{prompt}': {names}",
            at=COMMAND_LINE,
            code="usage",
            hint=f"name one of them: --suite {found[0].name}",
        )
    return found[0]


def _with_version(suite: Suite, prompt: str, named: str) -> Suite:
    """The suite with a version in place of its prompts, or of the steps that use the prompt."""
    if not suite.steps:
        return replace(suite, prompts=(Text(named, suite.at),))

    def changed(step: Step) -> Step:
        uses = step.prompt.text.partition("@")[0] == prompt
        return replace(step, prompt=Text(named, step.prompt.at)) if uses else step

    return replace(suite, steps=tuple(changed(step) for step in suite.steps))


def _check(planned: Sequence[PlannedTrial], asked: AskedCase) -> None:
    """One case on one model: nothing else can be traced."""
    cases = list(dict.fromkeys(trial.case.id for trial in planned))
    models = list(dict.fromkeys(trial.planned_arm.arm.model for trial in planned))
    for found, what, option in ((cases, "cases", "--case"), (models, "models", "--model")):
        if len(found) > 1:
            raise InvalidInputError(
                f"'{asked.case}' of '{asked.suite.name}' is {len(found)} {what}: "
                f"{', '.join(found[:5])}",
                at=COMMAND_LINE,
                code="usage",
                hint=f"name one of them: {option} '{found[0]}'",
            )
    skip = planned[0].case.skip
    if skip is not None:
        raise NothingSelectedError(
            f"the case '{asked.case}' is skipped: {skip}",
            at=planned[0].case.at,
            hint="take 'skip:' out of the case",
        )


def _again(result: TrialResult) -> bool:
    return result.failure is not None and result.failure.kind in RETRYABLE


def _fault(failure: Failure) -> Fault:
    return Fault(code=failure.kind, message=failure.message, at=failure.at, hint=failure.hint)


def _unscored(result: TrialResult) -> Failure:
    reasons = [one.score.reason for one in result.scores if one.score.status == "unscored"]
    return Failure(
        kind="unscored",
        message=f"an output could not be judged: {next(iter(reasons), 'nothing was asserted')}",
        at=result.at,
    )
