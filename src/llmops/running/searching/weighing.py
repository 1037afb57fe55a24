"""A change less some of its edits, asked again until it is sure whether a case passes more often.

How sure that is follows from passes and fails as in a search for a commit (`breakpoints`): the
chance that the rate fell from the change without the edits to the whole change. Before anything is
known, the hunks share the chance that one of them did it, so that many hunks accuse nobody sooner
than few.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from llmops.domain.explanation import Judgement
from llmops.running.searching.breakpoints import Counts, beliefs

Reverted = frozenset[int]
"""Edits that are taken back; none of them is the change itself."""

NOTHING: Final[Reverted] = frozenset()
_CLEARED: Final = 0.95
"""So sure that edits did not do it is sure enough: it accuses nobody."""
_LEAST: Final = 0.1
"""The chance of having done it, before anything is known, with which an edit must be cleared."""
_TINY: Final = 1e-12


class Rule(Struct, frozen=True, kw_only=True):
    """When it is sure, and how much it asks.

    Attributes:
        confidence: The chance that makes sure, above ½ and below 1.
        most: Samples at most, of one case.
        each: Samples of one mixture at most.
        samples: Asked of a mixture at a time, once one has answered now so, now so.
        singles: Up to so many hunks are tried one by one; of more, by halves.
        settled: Every mixture passes always or never, as where all there is of it is recorded.
    """

    confidence: float = 0.99
    most: int = 400
    each: int = 60
    samples: int = 4
    singles: int = 32
    settled: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    """What came of asking a mixture.

    Attributes:
        counts: The samples that were judged.
        more: Whether it can be asked again.
        impossible: Why it cannot be loaded or rendered.
        unknown: Why there is no answer.
        fatal: Whether no other mixture would be answered either.
    """

    counts: Counts = field(default_factory=Counts)
    more: bool = True
    impossible: str | None = None
    unknown: str | None = None
    fatal: bool = False


Ask = Callable[[Mapping[Reverted, int]], Mapping[Reverted, Reply]]
"""From the samples that are wanted of each mixture to what came of them."""


class Weighing(Struct, kw_only=True):
    """What is known of the mixtures of one case.

    Attributes:
        whole: All edits; the change without them is the version before it.
        hunks: How many suspects share the blame.
        counts: Samples by what was taken back.
        reasons: Why a mixture is impossible or unknown.
        over: Why nobody answers any more.
    """

    whole: Reverted
    hunks: int
    ask: Ask
    rule: Rule
    counts: dict[Reverted, Counts] = field(default_factory=dict)
    reasons: dict[Reverted, str] = field(default_factory=dict)
    over: str | None = None
    _impossible: set[Reverted] = field(default_factory=set)
    _silent: set[Reverted] = field(default_factory=set)
    _judgements: dict[Reverted, Judgement] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Samples that were counted, of all mixtures."""
        return sum(one.asked for one in self.counts.values())

    @property
    def spent(self) -> bool:
        """Whether no more samples are allowed."""
        return self.asked >= self.rule.most

    def of(self, reverted: Reverted) -> Counts:
        """The samples of a mixture."""
        return self.counts.get(reverted, Counts())

    def rule_out(self, reverted: Reverted, reason: str) -> None:
        """Never ask a mixture, for it cannot be loaded or rendered."""
        self._impossible.add(reverted)
        self.reasons[reverted] = reason

    def settle(self, mixtures: Sequence[Reverted]) -> None:
        """Ask until each of these is judged, or nothing more can be asked."""
        while self.over is None and not self.spent:
            wanted = self._wanted([one for one in mixtures if self._judged(one) is None])
            if not wanted:
                return
            replies = self.ask(wanted)
            for reverted in wanted:
                self._take(reverted, replies.get(reverted, Reply(more=False)))

    def mends(self, reverted: Reverted) -> bool:
        """Whether it is sure that the case passes more often without these edits."""
        return self._judged(reverted) == "mends"

    def judge(self, reverted: Reverted) -> Judgement:
        """What taking back these edits comes to, by what is known now."""
        found = self._judged(reverted)
        if found is not None:
            return found
        nobody = not self.of(reverted).asked or not self.of(NOTHING).asked
        return "unknown" if nobody and (self.over or reverted in self.reasons) else "unsure"

    def why(self, reverted: Reverted) -> str | None:
        """Why a mixture is impossible or unknown."""
        return self.reasons.get(reverted) or self.reasons.get(NOTHING) or self.over

    def _judged(self, reverted: Reverted) -> Judgement | None:
        """None as long as it is open; what was judged once stays judged."""
        if reverted in self._impossible:
            return "impossible"
        if reverted not in self._judgements:
            found = self._weighed(reverted)
            if found is None:
                return None
            self._judgements[reverted] = found
        return self._judgements[reverted]

    def _weighed(self, reverted: Reverted) -> Judgement | None:
        counts, base = self.of(reverted), self.of(NOTHING)
        if reverted == NOTHING:
            return "not"
        if not counts.asked or not base.asked:
            return None
        held = beliefs([counts, base], settled=self.rule.settled)
        odds = held.breaks[1] / max(held.same, _TINY)
        accused = 0.5 if reverted == self.whole else 1 / (self.hunks + 1)
        if _chance(odds, accused) >= self.rule.confidence:
            return "mends"
        cleared = 1 - _chance(odds, max(accused, _LEAST))
        return "not" if cleared >= min(self.rule.confidence, _CLEARED) else None

    def _wanted(self, open_: Sequence[Reverted]) -> dict[Reverted, int]:
        """The samples that would tell something: of the open ones, and as many of the change."""
        if not open_:
            return {}
        asking = [one for one in open_ if self._more(one)]
        most = max((self.of(one).asked for one in asking), default=self.rule.each)
        if self._more(NOTHING) and self.of(NOTHING).asked <= most:
            asking.insert(0, NOTHING)
        size = self.rule.samples if self._mixed() else 1
        left = self.rule.most - self.asked
        wanted: dict[Reverted, int] = {}
        for one in asking:
            wanted[one] = min(size, self.rule.each - self.of(one).asked, left)
            left -= wanted[one]
        return {one: samples for one, samples in wanted.items() if samples > 0}

    def _more(self, reverted: Reverted) -> bool:
        return reverted not in self._silent and self.of(reverted).asked < self.rule.each

    def _take(self, reverted: Reverted, reply: Reply) -> None:
        if reply.impossible is not None:
            self.rule_out(reverted, reply.impossible)
        if reply.unknown is not None:
            self.reasons[reverted] = reply.unknown
        if reply.fatal:
            self.over = reply.unknown
        if not reply.more or not reply.counts.asked:
            self._silent.add(reverted)
        if reply.counts.asked:
            self.counts[reverted] = self.of(reverted) + reply.counts

    def _mixed(self) -> bool:
        return any(one.passed and one.failed for one in self.counts.values())


def _chance(odds: float, before: float) -> float:
    weight = odds * before
    return weight / (weight + 1 - before)
