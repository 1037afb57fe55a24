"""When a gate's run may end early: the rules that are certain, and the evidence that is enough."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Protocol

from msgspec import Struct

from llmops.comparing.case_policy import MUST_PASS
from llmops.comparing.gate import Standards, rule_of
from llmops.comparing.new_arms import is_new
from llmops.comparing.referee import Block, Referee, Terms
from llmops.comparing.rounds import RoundReferee
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.config import GatePolicy
from llmops.domain.early import EarlyEnd, Savings
from llmops.domain.gate import RULES
from llmops.domain.run import TrialResult
from llmops.domain.verdict import Totals
from llmops.running.planning.interleaving import round_of
from llmops.running.planning.plan import Plan
from llmops.running.planning.trial import PlannedTrial

WORTH_ENDING: Final = 100
"""Trials; a smaller plan is carried out whole, for its cases say more than they cost."""


class Judge(Protocol):
    """Sees trials as they end, and says when no further one can matter.

    Attributes:
        looked: Whether it looked before the end, which costs some certainty.
        rule: The margin and the confidence that are left for the end.
    """

    looked: bool
    rule: Rule

    def take(self, trial: TrialResult) -> EarlyEnd | None:
        """Take a finished trial; say whether the rest can be left out."""
        ...

    def counted(self, end: EarlyEnd) -> frozenset[str]:
        """Ids of the trials that count in a run that ended early."""
        ...


class EarlyWatch(Struct):
    """Sees the trials of a run, and keeps why it ended early.

    Attributes:
        end: None as long as every trial may matter.
    """

    referee: Judge
    end: EarlyEnd | None = None

    def __call__(self, trial: TrialResult) -> bool:
        """Take a finished trial; say whether the rest can be left out."""
        if self.end is None:
            self.end = self.referee.take(trial)
        return self.end is not None

    @property
    def rule(self) -> Rule | None:
        """What is left for the end after looks at the evidence; None when there was no look."""
        return self.referee.rule if self.referee.looked else None


def may_end(plan: Plan) -> bool:
    """Whether a plan is one that may end early: it is large, or suites let samples be bought."""
    several = any(one.suite.samples.max > one.suite.samples.min for one in plan.suites)
    return several or plan.planned >= WORTH_ENDING


def watch_for(plan: Plan, before: frozenset[str], standards: Standards) -> EarlyWatch:
    """Make what watches a run of both sides.

    Args:
        plan: Both sides, case by case, in random order.
        before: Ids of the base's trials.
        standards: What the change is held to.
    """
    rounds = {trial.id: round_of(trial) for trial in plan.trials()}
    if any(rounds.values()):
        policy = standards.policy
        metrics = policy.metrics or ()
        judge = RoundReferee(rounds, before, rule_of(policy), metrics, standards.new)
        return EarlyWatch(judge)
    blocks: list[Block] = []
    must = set()
    for (suite, case), trials in groupby(plan.trials(), key=lambda t: (t.suite.name, t.case.id)):
        listed = list(trials)
        if any(trial.quarantined is not None for trial in listed):
            continue
        first = listed[0].case
        blocks += _blocks(listed, before, standards)
        if MUST_PASS in first.tags or case in standards.of(suite).must_pass:
            must.add((suite, case))
    suites = {block.suite: standards.of(block.suite).policy for block in blocks}
    return EarlyWatch(Referee(blocks, _terms(standards, suites, frozenset(must))))


def _blocks(
    trials: Sequence[PlannedTrial], before: Collection[str], standards: Standards
) -> Iterator[Block]:
    """The trials of one case; those of arms without a counterpart are a block of their own."""
    suite, case = trials[0].suite.name, trials[0].case
    after = [trial for trial in trials if trial.id not in before]
    new = [one for one in after if is_new(suite, one.planned_arm.arm, standards.new)]
    alone = frozenset(trial.id for trial in new)
    yield Block(
        suite=suite,
        case=case.id,
        before=frozenset(trial.id for trial in trials if trial.id in before),
        after=frozenset(trial.id for trial in after) - alone,
        cluster=case.cluster,
    )
    if alone:
        yield Block(suite=suite, case=case.id, before=frozenset(), after=alone)


def _terms(
    standards: Standards,
    suites: Mapping[str, GatePolicy],
    must: frozenset[tuple[str, str]],
) -> Terms:
    policy = standards.policy
    return Terms(
        rule=rule_of(policy),
        worse_is_red=_is_red("worse", policy),
        may_pass=not policy.metrics and not any(_judged_alone(one) for one in suites.values()),
        must_pass=frozenset(key for key in must if _is_red("must_pass", suites[key[0]])),
        least={
            suite: one.min_pass_rate
            for suite, one in suites.items()
            if one.min_pass_rate is not None and _is_red("min_pass_rate", one)
        },
    )


def _judged_alone(policy: GatePolicy) -> bool:
    """Whether a suite's own comparison may turn the verdict red, so that all of it must be seen."""
    return _is_red("suite_worse", policy) or bool(policy.metrics)


def _is_red(rule: str, policy: GatePolicy) -> bool:
    return (policy.levels or {}).get(rule, RULES[rule]) == "error"


def savings_of(totals: Totals) -> Savings:
    """What was not spent, by the mean of what was."""
    known = totals.done - totals.unpriced
    mean = totals.spent / known if known and totals.spent else None
    missing = totals.missing
    return Savings(
        done=totals.done,
        planned=totals.planned,
        saved=mean * missing if mean is not None else None,
    )
