"""Which hunks of a prompt's change broke the cases that regressed: mixtures are asked for them."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.comparison import Comparison, ComparisonVerdict
from llmops.domain.config import Budget
from llmops.domain.explanation import Culprit, ExplainedCase, Explanation, Hunk, Tried
from llmops.domain.suite import Suite
from llmops.domain.verdict import Totals, decide
from llmops.running.searching.breakpoints import Counts
from llmops.running.searching.mending import Search, find_mending
from llmops.running.searching.weighing import NOTHING, Reverted, Rule, Weighing
from llmops.running.stop import Stop, on_signals
from llmops.versions.mixing import Mixer, hunks_of, mix
from llmops.workflows.diffing.mixtures import MixtureProber, Regression, passes, regressions
from llmops.workflows.diffing.sides import Sides
from llmops.workflows.executing.asking import Asking, Clock, Prober
from llmops.workflows.executing.execution import TestOptions
from llmops.workflows.opening.project import OpenProject

Tell = Callable[[str], None]
_NOTHING = "no case regressed, so there is nothing to explain"


class Ran(Struct, frozen=True, kw_only=True):
    """What is to be explained.

    Attributes:
        suites: Those that were run.
        verdict: Of the comparison; one that could not compare leaves nothing to explain.
        spent: What the run asked and paid, of the same budget.
    """

    sides: Sides
    suites: Sequence[Suite]
    comparison: Comparison
    verdict: ComparisonVerdict
    spent: Totals


def explain(
    opened: OpenProject, ran: Ran, options: TestOptions, rule: Rule, outside: tuple[Clock, Tell]
) -> Explanation:
    """Find the hunks that broke each case that regressed.

    Args:
        opened: The project.
        ran: The versions, and what the cases came to.
        options: How the cases were run; the budget is that of both.
        rule: When it is sure, and how much it asks.
        outside: The time; and who is told what becomes of each case.

    Raises:
        InvalidInputError: A suite cannot be read any more.
    """
    unjudged = len(ran.comparison.of("unknown"))
    broken = regressions(ran.comparison.pairs)
    if ran.verdict.status in {"stopped", "incomparable"}:
        return Explanation(unjudged=unjudged, note=f"nothing was explained: {ran.verdict.reason}")
    if not broken:
        return Explanation(unjudged=unjudged, note=_NOTHING)
    mixer = mix(ran.sides.before, ran.sides.after)
    stop = Stop()
    limits = replace(options.limits, budget=_left(opened, options, ran.spent))
    clock, tell = outside
    asking = Asking(opened=opened, limits=limits, clock=clock, note=tell, stop=stop)
    with on_signals(stop), Prober(asking=asking) as prober:
        explainer = _Explainer(
            opened=opened,
            ran=ran,
            options=options,
            rule=replace(rule, settled=options.replay),
            mixer=mixer,
            hunks=hunks_of(mixer.edits),
            prober=prober,
        )
        cases = tuple(explainer.cases(broken, stop, tell))
    return Explanation(
        edits=mixer.edits,
        hunks=explainer.hunks,
        cases=cases,
        unjudged=unjudged,
        totals=explainer.totals,
        unpriced=explainer.unpriced,
        stopped_by=stop.reason,
    )


def verdict_with(verdict: ComparisonVerdict, explained: Explanation) -> ComparisonVerdict:
    """The verdict of a diff whose explanation may have been stopped."""
    stopped = explained.stopped_by
    if stopped is None:
        return verdict
    why = "the budget is spent" if stopped == "budget" else "interrupted"
    return ComparisonVerdict(
        status="stopped",
        exit_code=decide(Totals(), stopped_by=stopped).exit_code,
        reason=f"{verdict.reason}; not all is explained: {why}",
        complete=False,
    )


class _Explainer(Struct, kw_only=True):
    """Explains one case after the other."""

    opened: OpenProject
    ran: Ran
    options: TestOptions
    rule: Rule
    mixer: Mixer
    hunks: tuple[Hunk, ...]
    prober: Prober
    totals: Totals = field(default_factory=Totals)
    unpriced: int = 0
    _failed: str | None = None

    def cases(
        self, broken: Sequence[Regression], stop: Stop, tell: Tell
    ) -> Iterator[ExplainedCase]:
        """Every case; those that nobody got round to are unknown."""
        for case in broken:
            if stop.reason is not None or self._failed is not None:
                yield _unasked(case, self._failed or "it was stopped before this case")
                continue
            found = self._case(case)
            if stop.reason is not None and found.status in {"unsure", "unknown"}:
                found = replace(found, why="it was stopped before it was sure")
            tell(f"{found.suite}::{found.case}: {found.reason}")
            yield found

    def _case(self, case: Regression) -> ExplainedCase:
        suite = next(suite for suite in self.ran.suites if suite.name == case.suite)
        prober = MixtureProber(
            opened=self.opened,
            options=self.options.plan,
            suite=suite,
            sides=self.ran.sides,
            mixer=self.mixer,
            case=case,
            prober=self.prober,
            totals=self.totals,
            samples=self.rule.each,
        )
        weighing = Weighing(
            whole=self.mixer.whole,
            hunks=len(self.hunks),
            ask=prober.ask,
            rule=self.rule,
            counts=self._known(case),
        )
        hunks = [frozenset(hunk.edits) for hunk in self.hunks]
        candidates = [self._joined(hunk, prober, weighing) for hunk in hunks]
        search = find_mending(weighing, hunks, candidates)
        self._failed = weighing.over
        self.unpriced += prober.unpriced
        explained = self._explained(case, search, weighing)
        tried = self._tried(candidates, weighing) if search.singly else ()
        return replace(explained, tried=tuple(tried))

    def _known(self, case: Regression) -> dict[Reverted, Counts]:
        """What counts before anything is asked.

        The case was picked for its samples in the run, so by chance they look worse than the case
        is: only where they are all there is do they count.
        """
        if not self.rule.settled:
            return {}
        return {NOTHING: case.after, self.mixer.whole: case.before}

    def _joined(self, hunk: Reverted, prober: MixtureProber, weighing: Weighing) -> Reverted:
        """A hunk with the fewest others that it cannot be rendered without."""
        fault = prober.fault(hunk)
        if fault is None:
            return hunk
        weighing.rule_out(hunk, fault)
        joined = self.mixer.whole
        for other in (frozenset(one.edits) for one in self.hunks):
            if other != hunk and prober.fault(joined - other) is None:
                joined -= other
        return joined

    def _explained(self, case: Regression, search: Search, weighing: Weighing) -> ExplainedCase:
        culprits = [
            Culprit(
                hunks=self._numbers(one.enough),
                edits=tuple(sorted(one.enough)),
                passes=passes(weighing.of(one.enough)),
                smallest=one.smallest,
                bound=search.status == "named" and len(self._numbers(one.enough)) > 1,
            )
            for one in search.mended
            if search.status in {"named", "together"}
        ]
        return ExplainedCase(
            suite=case.suite,
            case=case.case,
            model=" → ".join(dict.fromkeys(model for model in case.models if model)),
            status=search.status,
            before=passes(weighing.counts.get(self.mixer.whole, case.before)),
            after=passes(weighing.counts.get(NOTHING, case.after)),
            culprits=tuple(culprits),
            why=search.why,
        )

    def _tried(self, candidates: Sequence[Reverted], weighing: Weighing) -> Iterator[Tried]:
        """What became of each hunk, tried by itself or with those that it needs."""
        for hunk, reverted in zip(self.hunks, candidates, strict=True):
            needs_all = reverted == self.mixer.whole and len(self.hunks) > 1
            judgement = "impossible" if needs_all else weighing.judge(reverted)
            alone = weighing.reasons.get(frozenset(hunk.edits))
            yield Tried(
                hunk=hunk.number,
                hunks=self._numbers(reverted),
                judgement=judgement,
                passes=passes(weighing.of(reverted)),
                reason=alone or (weighing.why(reverted) if judgement == "unknown" else None),
            )

    def _numbers(self, reverted: Reverted) -> tuple[int, ...]:
        return tuple(hunk.number for hunk in self.hunks if reverted & set(hunk.edits))


def _unasked(case: Regression, why: str) -> ExplainedCase:
    return ExplainedCase(
        suite=case.suite,
        case=case.case,
        model=" → ".join(dict.fromkeys(model for model in case.models if model)),
        status="unknown",
        before=passes(case.before),
        after=passes(case.after),
        why=why,
    )


def _left(opened: OpenProject, options: TestOptions, spent: Totals) -> Budget:
    """What the run left of the budget."""
    asked, allowed = options.budget, opened.config.budget
    costs = [cap for cap in (asked.max_cost, allowed.max_cost) if cap is not None]
    calls = [cap for cap in (asked.max_calls, allowed.max_calls) if cap is not None]
    return Budget(
        max_cost=max(0.0, min(costs) - spent.spent) if costs else None,
        max_calls=max(0, min(calls) - spent.calls) if calls else None,
    )
