"""Trials of the base and of the change in, what the gate's rules say of them out."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.assessment import assess_arms
from llmops.comparing.case_policy import MUST_PASS
from llmops.comparing.excused import deciding
from llmops.comparing.gate_losses import CONFIDENCE, MARGIN
from llmops.comparing.identity import models_moved, moved_words
from llmops.comparing.new_arms import NewArms, compared, without_counterpart
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.assessment import PASS_RATE, Assessment, Estimate
from llmops.domain.config import GatePolicy
from llmops.domain.early import EarlyEnd
from llmops.domain.gate import RULES, OnInconclusive, RuleOutcome, RuleResult
from llmops.domain.run import TrialResult

_NAMED: Final = 5


class SuiteStandard(Struct, frozen=True, kw_only=True):
    """What one suite is held to.

    Attributes:
        policy: The suite's, laid over the project's; both are the base's.
        own: Whether the suite has a policy of its own.
        must_pass: Ids of cases that were tagged so at the base; the tag counts there and now.
    """

    policy: GatePolicy = field(default_factory=GatePolicy)
    own: bool = False
    must_pass: frozenset[str] = frozenset()


class Standards(Struct, frozen=True, kw_only=True):
    """What a change is held to.

    Attributes:
        policy: The project's, as it is at the base.
        suites: Of each suite by its name; one that is not there is held to the project's.
        pairs_wanted: Why there must be something to compare; empty when there need not be.
        rule: What early looks at the evidence leave for the end; None when there was none.
        end: Why the run ended early; None when every trial was carried out.
        seed: Fixes every random draw.
        together: Both sides are asked in one run.
        new: Arms without a counterpart at the base: they are held to the absolute rules.
    """

    policy: GatePolicy = field(default_factory=GatePolicy)
    suites: Mapping[str, SuiteStandard] = field(default_factory=dict)
    pairs_wanted: str = ""
    rule: Rule | None = None
    end: EarlyEnd | None = None
    seed: int = 0
    together: bool = True
    new: NewArms = frozenset()

    def of(self, suite: str) -> SuiteStandard:
        """What a suite is held to."""
        return self.suites.get(suite) or SuiteStandard(policy=self.policy)


class Held(Struct, frozen=True, kw_only=True):
    """What came of holding the trials to the standards.

    Attributes:
        whole: Of all suites together; None when no case has trials on both sides.
        suites: Of each suite that was compared.
    """

    rules: tuple[RuleResult, ...]
    whole: Assessment | None
    suites: Mapping[str, Assessment]


def hold(before: Sequence[TrialResult], after: Sequence[TrialResult], standards: Standards) -> Held:
    """Hold the trials of a change to the gate's rules.

    What is quarantined is in no rule; what has no verdict is in the absolute ones all the same.

    Args:
        before: Trials of the base.
        after: Trials of the change.
        standards: What it must hold.

    Raises:
        ValueError: A confidence is not above ½ and below 1.
    """
    names = list(dict.fromkeys(trial.suite for trial in after))
    alone = without_counterpart(before, after, standards.new)
    rules: list[RuleResult] = []
    for name in names:
        own = [t for t in after if t.suite == name and t.status != "skipped" and not t.excused]
        rules += _absolute(name, own, standards.of(name), alone)
    sides = deciding(before, compared(after, standards.new))
    moved = models_moved(*sides, together=standards.together)
    whole = None if moved else _whole(*sides, standards)
    if moved:
        standards = replace(standards, pairs_wanted=moved_words(moved))
    suites = {} if whole is None else _of_suites(names, sides, whole, standards)
    return Held(rules=(*_relative(whole, suites, standards), *rules), whole=whole, suites=suites)


def _absolute(
    name: str,
    trials: Sequence[TrialResult],
    standard: SuiteStandard,
    alone: Collection[str],
) -> Iterator[RuleResult]:
    """The rules that hold whatever the base came to."""
    policy = standard.policy
    if not trials:
        return
    must = [t for t in trials if MUST_PASS in t.tags or t.case in standard.must_pass]
    if must:
        yield _of_rate("must_pass", name, must, 1.0, policy)
    if policy.min_pass_rate is not None:
        yield _of_rate("min_pass_rate", name, trials, policy.min_pass_rate, policy)
        return
    without = [t for t in trials if t.id in alone]
    if without:
        yield _of_rate("without_base", name, without, 1.0, policy)


_TITLES: Final = {
    "must_pass": "cases that must pass",
    "min_pass_rate": "trials",
    "without_base": "trials without a counterpart at the base",
}


def _of_rate(
    rule: str, suite: str, trials: Sequence[TrialResult], least: float, policy: GatePolicy
) -> RuleResult:
    counts = Counter(trial.status for trial in trials)
    unknown = counts["error"] + counts["unscored"]
    asked = len(trials)
    low, high = (counts["passed"], counts["passed"] + unknown)
    outcome: RuleOutcome = "held" if low >= least * asked else "unknown"
    outcome = "broken" if high < least * asked else outcome
    shown = f"{low:,}" if not unknown else f"{low:,} to {high:,}"
    words = f"{shown} of {asked:,} {_TITLES[rule]} passed"
    words += f", at least {least * 100:g} % must" if rule == "min_pass_rate" else ""
    names = list(dict.fromkeys(t.case for t in trials if t.status != "passed"))
    if outcome != "held" and names:
        more = f", and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        words += f"; not {', '.join(names[:_NAMED])}{more}"
    return _result(rule, suite, outcome, words, policy)


def _of_suites(
    names: Sequence[str],
    sides: tuple[Sequence[TrialResult], Sequence[TrialResult]],
    whole: Assessment,
    standards: Standards,
) -> dict[str, Assessment]:
    """Each suite by itself; one that is the only one, under the same policy, is the whole."""
    if len(names) == 1 and not standards.of(names[0]).own:
        return {names[0]: whole}
    found = {}
    for name in names:
        before, after = ([t for t in side if t.suite == name] for side in sides)
        assessed = _assessed(before, after, standards.of(name).policy, standards.seed)
        if assessed is not None:
            found[name] = assessed
    return found


def _whole(
    before: Sequence[TrialResult], after: Sequence[TrialResult], standards: Standards
) -> Assessment | None:
    """All suites together, as sure as early looks leave it."""
    rule = standards.rule or rule_of(standards.policy)
    metrics = standards.policy.metrics or ()
    assessed = assess_arms(before, after, rule=rule, metrics=metrics, seed=standards.seed)
    if not assessed.cases:
        return None
    end = standards.end
    return assessed if end is None else _ended(assessed, end)


def _ended(assessed: Assessment, end: EarlyEnd) -> Assessment:
    """The assessment of a run that ended on evidence: what holds whenever one looks."""
    if end.low is None or end.high is None or end.reason == "rule":
        return assessed
    rate = replace(
        assessed.pass_rate, low=end.low, high=end.high, certainty=end.reason, test="e-process"
    )
    judged = {**assessed.judged, PASS_RATE: rate}
    return replace(assessed, judged=judged, certainty=end.reason)


def _assessed(
    before: Sequence[TrialResult], after: Sequence[TrialResult], policy: GatePolicy, seed: int
) -> Assessment | None:
    rule = rule_of(policy)
    assessed = assess_arms(before, after, rule=rule, metrics=policy.metrics or (), seed=seed)
    return assessed if assessed.cases else None


def rule_of(policy: GatePolicy) -> Rule:
    """The margin and the confidence of a policy.

    Raises:
        ValueError: The confidence is not above ½ and below 1.
    """
    return Rule(
        margin=MARGIN if policy.margin is None else policy.margin,
        confidence=CONFIDENCE if policy.confidence is None else policy.confidence,
    )


def _relative(
    whole: Assessment | None, suites: Mapping[str, Assessment], standards: Standards
) -> Iterator[RuleResult]:
    if whole is None:
        if standards.pairs_wanted:
            yield _result("worse", "", "incomparable", standards.pairs_wanted, standards.policy)
        return
    yield _compared("worse", "", whole, standards.policy, decides=True)
    for name, assessed in suites.items():
        if assessed is not whole:
            standard = standards.of(name)
            yield _compared("suite_worse", name, assessed, standard.policy, decides=standard.own)


def _compared(
    rule: str, scope: str, assessed: Assessment, policy: GatePolicy, *, decides: bool
) -> RuleResult:
    """The rule that a change is not worse; only one that decides may fail as inconclusive."""
    outcome = _outcome(assessed)
    words = _words(assessed, policy.metrics or (), outcome)
    usual = policy.on_inconclusive or "warn"
    return _result(rule, scope, outcome, words, policy, usual if decides else "pass")


def _outcome(assessed: Assessment) -> RuleOutcome:
    """What the judged metrics come to; trials without a verdict never decide in favour."""
    judged = assessed.judged.values()
    if any(one.certainty == "regressed" and one.high < 0 for one in judged):
        return "broken"
    if assessed.certainty in {"improved", "not worse"}:
        return "held"
    undecided = (one for one in judged if one.certainty in {"regressed", "inconclusive"})
    return "unknown" if any(one.unknown for one in undecided) else "inconclusive"


def _words(assessed: Assessment, asked: Sequence[str], outcome: RuleOutcome) -> str:
    name, shown = _loudest(assessed)
    certainty = f"{assessed.certainty}: " if outcome in {"held", "broken"} else ""
    test = f"p = {shown.p_value:.3g} ({shown.test}, seed {assessed.seed})"
    words = [
        f"{certainty}{name} {shown.before * 100:.1f} % → {shown.after * 100:.1f} %",
        f"difference {shown.delta * 100:+.1f} points "
        f"[{shown.low * 100:+.1f}, {shown.high * 100:+.1f}]",
        *([] if outcome == "unknown" else [test]),  # which would look as if errors told something
        f"{assessed.cases:,} cases × {assessed.samples:,}",
    ]
    if assessed.smallest is None:
        words.append("so few cases can see no drop")
    else:
        words.append(f"the smallest drop they can see is {assessed.smallest * 100:.1f} points")
    if missing := [metric for metric in asked if metric not in assessed.judged]:
        words.append(f"no case asserts {', '.join(missing)}")
    if shown.unknown:
        words.append(f"{shown.unknown:,} samples without a verdict")
    return ", ".join(words)


def _loudest(assessed: Assessment) -> tuple[str, Estimate]:
    """The metric that made the verdict; the pass rate when several did."""
    found = (
        (name, one) for name, one in assessed.judged.items() if one.certainty == assessed.certainty
    )
    return next(found, ("pass rate", assessed.pass_rate))


def _result(
    rule: str,
    scope: str,
    outcome: RuleOutcome,
    words: str,
    policy: GatePolicy,
    on_inconclusive: OnInconclusive = "warn",
) -> RuleResult:
    return RuleResult(
        rule=rule,
        scope=scope,
        outcome=outcome,
        level=(policy.levels or {}).get(rule, RULES[rule]),
        reason=words,
        on_inconclusive=on_inconclusive,
    )
