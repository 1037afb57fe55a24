"""Rounds of samples: more are bought only as long as the verdict needs them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from llmops.comparing.assessment import assess_arms
from llmops.comparing.excused import deciding
from llmops.comparing.new_arms import NewArms, compared
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.early import EarlyEnd
from llmops.domain.run import TrialResult


class RoundReferee:
    """Looks at a run after each round of samples.

    Every look is a chance of a false claim, so each is given an equal share of what the confidence
    allows (Bonferroni), the last one too.
    """

    def __init__(
        self,
        rounds: Mapping[str, int],
        before: frozenset[str],
        rule: Rule,
        metrics: Sequence[str] = (),
        new: NewArms = frozenset(),
    ) -> None:
        """Prepare.

        Args:
            rounds: The round of each trial of the plan, from 0, by its id.
            before: Ids of the base's trials.
            rule: The margin and the confidence.
            metrics: What is judged beside the pass rate.
            new: Arms that are not compared, for they have no counterpart.
        """
        looks = max(rounds.values(), default=0) + 1
        self.rule = replace(rule, confidence=1 - rule.alpha / looks)
        self.looked = True
        self._rounds = rounds
        self._before = before
        self._metrics = metrics
        self._new = new
        self._left = Counter(rounds.values())
        self._last = looks - 1
        self._seen: list[TrialResult] = []
        self._live = False

    def take(self, trial: TrialResult) -> EarlyEnd | None:
        """Take a finished trial; after the last of a round, say whether another is needed."""
        self._seen.append(trial)
        self._live = self._live or trial.origin == "live"
        number = self._rounds[trial.id]
        self._left[number] -= 1
        whole = not any(self._left[earlier] for earlier in range(number + 1))
        if not whole or number == self._last or not self._live:
            return None
        return self._look(number)

    def counted(self, end: EarlyEnd) -> frozenset[str]:
        """Ids of the trials of the rounds that were whole."""
        del end
        whole = {number for number in self._left if not self._left[number]}
        return frozenset(trial.id for trial in self._seen if self._rounds[trial.id] in whole)

    def _look(self, number: int) -> EarlyEnd | None:
        counted = [trial for trial in self._seen if self._rounds[trial.id] <= number]
        sides: tuple[list[TrialResult], list[TrialResult]] = ([], [])
        for trial in compared(counted, self._new):
            sides[trial.id not in self._before].append(trial)
        assessed = assess_arms(*deciding(*sides), rule=self.rule, metrics=self._metrics)
        if assessed.certainty == "inconclusive":
            return None
        return EarlyEnd(
            reason="regressed" if assessed.certainty == "regressed" else "not worse",
            words=f"{assessed.samples:,} samples a case were enough: {assessed.certainty}",
            cases=assessed.cases,
        )
