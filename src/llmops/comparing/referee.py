"""A referee: sees trials as they end, and says as soon as no further one can matter."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from llmops.comparing.statistics.curtailment import certain_rate
from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.evidence import anytime_interval, early_verdict, split
from llmops.comparing.statistics.table import CountedCase, Tally, counted
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.early import EarlyEnd
from llmops.domain.run import TrialResult

_EVERY: Final = 50
"""Up to so many cases the evidence is looked at after each; later at every fiftieth part more."""
CaseKey = tuple[str, str]
"""Suite and case."""


class Block(Struct, frozen=True, kw_only=True):
    """The trials of one case.

    Attributes:
        before: Ids of the base's; none where the case has no counterpart.
        after: Ids of the change's.
        cluster: Cases of one cluster count as one.
    """

    suite: str
    case: str
    before: frozenset[str]
    after: frozenset[str]
    cluster: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All of them."""
        return self.before | self.after


class Terms(Struct, frozen=True, kw_only=True):
    """What may end a run early.

    Attributes:
        rule: The margin and the confidence of the comparison.
        worse_is_red: Whether a regression turns the verdict red.
        may_pass: Whether evidence of no loss is enough, the absolute rules aside.
        must_pass: Cases each of whose trials must pass, and turns the verdict red if not.
        least: The least share of passed trials of each suite, where missing it is red.
    """

    rule: Rule
    worse_is_red: bool = True
    may_pass: bool = True
    must_pass: frozenset[CaseKey] = frozenset()
    least: Mapping[str, float] = field(default_factory=dict)


class Referee:
    """Looks at a run while money is spent on it.

    Cases count in the order of the plan, which is random: a case is looked at when all before it
    are complete, so that quick answers are not looked at first.
    """

    def __init__(self, blocks: Sequence[Block], terms: Terms) -> None:
        """Prepare.

        Args:
            blocks: In the order of the plan.
            terms: What may end the run.
        """
        self.looked = False
        self._blocks = blocks
        self._terms = terms
        self._alpha, self.rule = split(terms.rule)
        self._seen: dict[str, TrialResult] = {}
        self._next = 0
        self._cases: list[CountedCase] = []
        self._after = {id_: block.suite for block in blocks for id_ in block.after}
        self._counts = {suite: Counter[str]() for suite in self._after.values()}
        self._planned = Counter(self._after.values())
        self._due = 1

    def take(self, trial: TrialResult) -> EarlyEnd | None:
        """Take a finished trial; say whether the rest can be left out."""
        self._seen[trial.id] = trial
        if trial.id in self._after:
            self._counts[self._after[trial.id]][trial.status] += 1
        if not self.looked and trial.origin != "live":
            return None
        self.looked = True
        broken = self._broken(trial)
        self._advance()
        return broken or self._evidence()

    def counted(self, end: EarlyEnd) -> frozenset[str]:
        """Ids of the trials that count in a run that ended early.

        Those of the cases that were complete on both sides; where a rule was broken, what the
        change failed too, for it is what broke it.
        """
        whole = [block.ids for block in self._blocks if block.ids <= self._seen.keys()]
        failed = {id_ for id_ in self._after if self._status(id_) == "failed"}
        return frozenset().union(*whole, failed if end.reason == "rule" else ())

    def _advance(self) -> None:
        """Take in the cases that are complete."""
        while self._next < len(self._blocks):
            block = self._blocks[self._next]
            if not block.ids <= self._seen.keys():
                return
            self._next += 1
            if block.before:
                before, after = self._tally(block.before), self._tally(block.after)
                cluster = f"{block.suite}::{block.cluster}" if block.cluster else None
                self._cases.append(CountedCase(baseline=before, candidate=after, cluster=cluster))

    def _tally(self, ids: Iterable[str]) -> Tally:
        statuses = [self._seen[id_].status for id_ in ids]
        statuses = [status for status in statuses if status != "skipped"]
        passed, failed = statuses.count("passed"), statuses.count("failed")
        return Tally(passed=passed, failed=failed, unknown=len(statuses) - passed - failed)

    def _broken(self, trial: TrialResult) -> EarlyEnd | None:
        """A rule that cannot be kept any more."""
        must = (trial.suite, trial.case) in self._terms.must_pass and trial.id in self._after
        if must and trial.status == "failed":
            words = f"{trial.suite}::{trial.case} must pass"
            return EarlyEnd(reason="rule", words=words, cases=len(self._cases))
        for suite, minimum in self._terms.least.items():
            if self._rate(suite, minimum) == "missed":
                words = f"{suite} cannot reach {minimum * 100:g} % any more"
                return EarlyEnd(reason="rule", words=words, cases=len(self._cases))
        return None

    def _rate(self, suite: str, minimum: float) -> str | None:
        counts = self._counts.get(suite, Counter())
        passed, failed = counts["passed"], counts["failed"]
        remaining = self._planned[suite] - passed - failed - counts["skipped"]
        return certain_rate(passed, failed, remaining, minimum=minimum)

    def _evidence(self) -> EarlyEnd | None:
        if len(self._cases) < self._due:
            return None
        self._due = len(self._cases) + max(1, len(self._cases) // _EVERY)
        ends = counted(self._cases)
        if self._terms.worse_is_red and self._says(ends.better) == "regressed":
            return self._end("regressed", ends.better, "the evidence of a loss is enough")
        may_pass = self._terms.may_pass and self._says(ends.worse) == "not worse"
        if may_pass and self._rules_are_kept():
            return self._end("not worse", ends.worse, "the evidence of no loss is enough")
        return None

    def _says(self, differences: Differences) -> str | None:
        return early_verdict(differences, self._terms.rule, alpha=self._alpha)

    def _end(self, reason: str, differences: Differences, words: str) -> EarlyEnd:
        interval = anytime_interval(
            differences, alpha=self._terms.rule.alpha, reach=self._terms.rule.reach
        )
        return EarlyEnd(
            reason="regressed" if reason == "regressed" else "not worse",
            words=f"{words} after {len(self._cases):,} cases",
            cases=len(self._cases),
            low=interval.low,
            high=interval.high,
        )

    def _rules_are_kept(self) -> bool:
        """Whether every absolute rule is sure to hold, whatever comes."""
        for block in self._blocks:
            needed = (block.suite, block.case) in self._terms.must_pass or not block.before
            if needed and not all(
                self._status(id_) in {"passed", "skipped"} for id_ in block.after
            ):
                return False
        return all(
            self._rate(suite, minimum) == "reached" for suite, minimum in self._terms.least.items()
        )

    def _status(self, id_: str) -> str | None:
        seen = self._seen.get(id_)
        return seen.status if seen is not None else None
