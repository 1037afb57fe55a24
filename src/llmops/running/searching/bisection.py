"""The search for the version that broke a case: what to ask next, and when it is sure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from llmops.running.searching.breakpoints import Beliefs, Counts, beliefs, most_telling

End = Literal["found", "same", "spent", "silent", "alone"]
"""Why a search is over. `found`: it is sure of the place. `same`: it is sure that the case passes
no more often at the good end. `spent`: no more trials are allowed. `silent`: nothing more can be
asked, or would tell anything. `alone`: fewer than two versions can be asked."""

_DOUBT = 0.1
"""While it is more likely than this that nothing broke, the two ends are asked."""
_ENOUGH = 0.95
"""So sure that nothing broke is sure enough: it accuses nobody, and more would cost much."""


class Rule(Struct, frozen=True, kw_only=True):
    """When a search ends, and how it asks.

    Attributes:
        confidence: The chance that makes sure, above ½ and below 1.
        most: Trials at most.
        samples: Asked of a version at a time, once some version has answered now so, now so.
        settled: Every version passes always or never.
    """

    confidence: float = 0.99
    most: int = 400
    samples: int = 4
    settled: bool = False


class Question(Struct, frozen=True, kw_only=True):
    """Ask a version, by its place in the row, for so many more samples."""

    version: int
    samples: int


class Answer(Struct, frozen=True, kw_only=True):
    """What came of a question.

    Attributes:
        more: Whether the version can be asked again.
        skipped: Whether it cannot be asked at all, so that nothing is ever known of it.
    """

    counts: Counts = Counts()
    more: bool = True
    skipped: bool = False


class Suspect(Struct, frozen=True, kw_only=True):
    """A place where the case may have broken.

    Attributes:
        versions: One version; or several that nothing can tell apart, for all but the last of them
            were skipped.
        chance: 0 to 1.
    """

    versions: tuple[int, ...]
    chance: float


@dataclass(slots=True)
class Search:
    """A search under way over a row of versions, the oldest first.

    The oldest that can be asked is taken as the good end, the newest as the bad one; both are
    asked before they are believed.

    Attributes:
        size: Versions in the row.
        counts: What is known of those that were asked.
        skipped: Those that cannot be asked.
    """

    size: int
    rule: Rule = field(default_factory=Rule)
    counts: dict[int, Counts] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    _silent: set[int] = field(default_factory=set)
    _held: Beliefs = field(init=False)
    _place: int | None = field(init=False)

    def __post_init__(self) -> None:
        self._weigh()

    @property
    def open(self) -> list[int]:
        """The versions that can be asked."""
        return [version for version in range(self.size) if version not in self.skipped]

    @property
    def trials(self) -> int:
        """Samples that were counted."""
        return sum(counts.asked for counts in self.counts.values())

    @property
    def same(self) -> float:
        """The chance that nothing broke the case, 0 to 1."""
        return self._held.same

    @property
    def end(self) -> End | None:
        """Why the search is over; None while it goes on."""
        if len(self.open) < 2:
            return "alone"
        if max(self._held.breaks) >= self.rule.confidence:
            return "found"
        if self._held.same >= min(self.rule.confidence, _ENOUGH):
            return "same"
        if self.trials >= self.rule.most:
            return "spent"
        return "silent" if self._place is None else None

    def question(self) -> Question | None:
        """What to ask next; None when the search is over."""
        place = self._place
        if place is None or self.end is not None:
            return None
        wanted = self.rule.samples if self._mixed() else 1
        return Question(version=self.open[place], samples=min(wanted, self.rule.most - self.trials))

    def take(self, version: int, answer: Answer) -> None:
        """Take what came of a question, or what was known before anything was asked."""
        if answer.skipped:
            self.skipped.add(version)
            self.counts.pop(version, None)
        else:
            self.counts[version] = self.counts.get(version, Counts()) + answer.counts
        if not answer.more:
            self._silent.add(version)
        self._weigh()

    def suspects(self) -> list[Suspect]:
        """The likeliest places, the likeliest first: as few as are sure to hold the right one."""
        if len(self.open) < 2:
            return []
        held = self._held
        wanted = self.rule.confidence * (1 - held.same)
        found: list[Suspect] = []
        for place in sorted(range(1, len(held.breaks)), key=lambda one: -held.breaks[one]):
            if found and sum(one.chance for one in found) >= wanted:
                break
            found.append(Suspect(versions=tuple(self._at(place)), chance=held.breaks[place]))
        return found

    def _at(self, place: int) -> Iterator[int]:
        """The versions that a break may be at: those skipped since the one before, and its own."""
        yield from range(self.open[place - 1] + 1, self.open[place] + 1)

    def _weigh(self) -> None:
        """Weigh what is known, and choose the place in the open row that is asked next."""
        open_ = self.open
        row = [self.counts.get(version, Counts()) for version in open_]
        self._held = beliefs(row, settled=self.rule.settled)
        askable = [place for place, one in enumerate(open_) if one not in self._silent]
        ends = [place for place in (0, len(open_) - 1) if place in askable]
        if ends and self._held.same > _DOUBT:
            self._place = min(ends, key=lambda place: self._asked(open_[place]))
        else:
            self._place = most_telling(self._held, askable)

    def _asked(self, version: int) -> int:
        return self.counts.get(version, Counts()).asked

    def _mixed(self) -> bool:
        return any(counts.passed and counts.failed for counts in self.counts.values())
