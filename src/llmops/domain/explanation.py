"""An explanation: which hunks of a prompt's change broke the cases that regressed."""

from typing import Literal

from msgspec import Struct, field

from llmops.domain.run import StoppedBy
from llmops.domain.verdict import Totals
from llmops.location import Location

ExplainedStatus = Literal["named", "together", "same", "unsure", "unknown"]
"""What became of a case. `named`: one hunk, reverted, mends it. `together`: several must be
reverted at once. `same`: asked more often, it passes as often before the change as after it.
`unsure`: it was asked too little. `unknown`: one side or the other could not be asked."""

Judgement = Literal["mends", "not", "unsure", "impossible", "unknown"]
"""What reverting some hunks comes to. `impossible`: the prompt cannot be loaded or rendered
then. `unknown`: nobody could be asked."""


class Edit(Struct, frozen=True, kw_only=True):
    """The smallest thing that can be reverted by itself: a sentence of a text, or a whole value.

    Attributes:
        part: The part of the prompt, as `llmops diff` calls it.
        before: What stood there, as text; None when it is new.
        after: What stands there; None when it was removed.
        at: Where it stands now; where it stood, or nearly so, when it was removed.
        follows: Whether it stands next to the edit before it, in the same text.
    """

    part: str
    before: str | None
    after: str | None
    at: Location | None = None
    follows: bool = False


class Hunk(Struct, frozen=True, kw_only=True):
    """What is reverted at a time: one edit, or several that stand next to each other.

    Attributes:
        number: From 1, as reports call it.
        edits: Their places in the list of edits, from 0.
    """

    number: int
    edits: tuple[int, ...]


class Passes(Struct, frozen=True, kw_only=True):
    """How often a case passed of so many samples that were judged."""

    passed: int = 0
    asked: int = 0

    def __str__(self) -> str:
        return f"{self.passed:,}/{self.asked:,}"


class Tried(Struct, frozen=True, kw_only=True):
    """The change without one of its hunks, asked for one case.

    Attributes:
        hunk: Its number.
        hunks: All that were reverted for it; several where it cannot be reverted by itself.
        passes: Without them.
        reason: Why it is impossible by itself, or unknown.
    """

    hunk: int
    hunks: tuple[int, ...]
    judgement: Judgement
    passes: Passes = field(default_factory=Passes)
    reason: str | None = None


class Culprit(Struct, frozen=True, kw_only=True):
    """What broke a case: reverted, and nothing else, the case passes more often.

    Attributes:
        hunks: The numbers of its hunks.
        edits: What of them is enough, as places in the list of edits.
        passes: Of the change without these edits.
        smallest: Whether no part of them, reverted, mends the case.
        bound: Whether the hunks cannot be reverted one without the other.
    """

    hunks: tuple[int, ...]
    edits: tuple[int, ...]
    passes: Passes
    smallest: bool = True
    bound: bool = False


class ExplainedCase(Struct, frozen=True, kw_only=True):
    """What a regressed case came to.

    Attributes:
        before: Of the version before the change.
        after: Of the version after it.
        tried: Every hunk reverted by itself; empty where there were too many of them.
        why: Why it is unsure or unknown, without a full stop.
    """

    suite: str
    case: str
    model: str
    status: ExplainedStatus
    before: Passes
    after: Passes
    culprits: tuple[Culprit, ...] = ()
    tried: tuple[Tried, ...] = ()
    why: str | None = None

    @property
    def reason(self) -> str:
        """What it came to, in a sentence without a full stop; nothing that was not measured."""
        rates = f"{self.before} before the change, {self.after} with it"
        if self.status == "same":
            return f"not a regression when asked more often: {rates}"
        if self.status in {"unsure", "unknown"}:
            return f"{self.why or 'not sure'}: {rates}"
        ways = [
            f"{_named(one.hunks)} ({one.passes} pass without {_it(one)}{_bound(one)})"
            for one in self.culprits
        ]
        if self.status == "named":
            mends = "mends the case" if len(ways) == 1 else "mends the case, each by itself"
            return f"reverting {' or '.join(ways)} {mends}; {rates}"
        if self.culprits[0].smallest:
            return f"only together: reverting {ways[0]} mends the case; {rates}"
        return f"no smaller part is known: reverting {ways[0]} mends the case; {rates}"


class Explanation(Struct, frozen=True, kw_only=True):
    """Why cases regressed, as far as it was measured.

    Attributes:
        edits: All that differs, in the order of the prompt.
        hunks: The edits as they were reverted.
        cases: The regressed cases, in the order of the comparison.
        unjudged: Pairs without a verdict on a side: whether they broke cannot be known.
        totals: Of all trials that were asked for this.
        unpriced: Completions that were asked for, and whose cost nobody knows.
        stopped_by: What ended it early.
        note: Why nothing was asked, if nothing was.
    """

    edits: tuple[Edit, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    cases: tuple[ExplainedCase, ...] = ()
    unjudged: int = 0
    totals: Totals = field(default_factory=Totals)
    unpriced: int = 0
    stopped_by: StoppedBy | None = None
    note: str | None = None

    @property
    def samples(self) -> int:
        """Samples that were asked for this, those without a verdict too."""
        return self.totals.done

    @property
    def found(self) -> int:
        """Cases of which it is known what broke them."""
        return sum(case.status in {"named", "together"} for case in self.cases)


def _named(hunks: tuple[int, ...]) -> str:
    shown = [str(number) for number in hunks]
    if len(shown) == 1:
        return f"hunk {shown[0]}"
    return f"hunks {', '.join(shown[:-1])} and {shown[-1]}"


def _it(culprit: Culprit) -> str:
    return "it" if len(culprit.hunks) == 1 else "them"


def _bound(culprit: Culprit) -> str:
    return "; not all of them can be reverted by themselves" if culprit.bound else ""
