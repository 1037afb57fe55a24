"""A forecast: what a run will ask, take and cost, and what it will be able to see."""

from collections.abc import Iterable
from functools import reduce

from msgspec import Struct

Span = tuple[float, float | None]
"""Least and most; the most is None when nothing caps it."""


class Expense(Struct, frozen=True, kw_only=True):
    """What a part of a run takes. Expenses can be added.

    Attributes:
        trials: Planned, the skipped ones included.
        skipped: Trials of cases that are skipped.
        recorded: Requests that recordings answer.
        cached: Requests that the cache answers.
        missing: Requests that nobody may be asked: a replay, or a model that is only recorded.
        calls: Requests that have to be asked, at most.
        later: Of these, turns and steps whose words hang on answers that nobody knows yet.
        repeated: Of these, requests that another trial asks, too; one answer may serve both.
        input_tokens: An estimate of what is read.
        output_tokens: An estimate of what is written.
        cost: US dollars, of the calls whose price is known.
        unpriced: Calls whose price nobody knows.
    """

    trials: int = 0
    skipped: int = 0
    recorded: int = 0
    cached: int = 0
    missing: int = 0
    calls: int = 0
    later: int = 0
    repeated: int = 0
    input_tokens: Span = (0.0, 0.0)
    output_tokens: Span = (0.0, 0.0)
    cost: Span = (0.0, 0.0)
    unpriced: int = 0

    @property
    def least_calls(self) -> int:
        """Calls that are certain, when every one is answered at the first attempt."""
        return self.calls - self.later - self.repeated

    @property
    def exact(self) -> bool:
        """Whether the number of calls is known and no estimate."""
        return self.least_calls == self.calls

    def __add__(self, other: "Expense") -> "Expense":
        return Expense(
            trials=self.trials + other.trials,
            skipped=self.skipped + other.skipped,
            recorded=self.recorded + other.recorded,
            cached=self.cached + other.cached,
            missing=self.missing + other.missing,
            calls=self.calls + other.calls,
            later=self.later + other.later,
            repeated=self.repeated + other.repeated,
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cost=_sum(self.cost, other.cost),
            unpriced=self.unpriced + other.unpriced,
        )


class Part(Struct, frozen=True, kw_only=True):
    """What one suite asks of one model.

    Attributes:
        model: The model's label; empty for a target.
        cases: Cases that are asked and may decide; those of one cluster count as one.
        samples: Of each case.
        expense: What is still to be asked, and what is known.
        whole: What it would take if nothing were known.
        usual: US dollars that one trial costs: as kept runs tell, else at most; None when the
            price or the length of answers is not known.
    """

    suite: str
    model: str
    cases: int
    samples: int
    expense: Expense
    whole: Expense
    usual: float | None = None


class Forecast(Struct, frozen=True, kw_only=True):
    """What a run will take.

    Attributes:
        parts: A suite and a model each, in the order of the plan.
        seconds: By the model's label, at its concurrency and usual latency; None when nobody
            knows how long it takes to answer.
    """

    parts: tuple[Part, ...]
    seconds: dict[str, float | None]

    @property
    def expense(self) -> Expense:
        """Everything together."""
        return total(part.expense for part in self.parts)

    def by_model(self) -> dict[str, Expense]:
        """By the model's label."""
        return {
            label: total(part.expense for part in self.parts if part.model == label)
            for label in dict.fromkeys(part.model for part in self.parts)
        }

    @property
    def time(self) -> float | None:
        """Seconds, for models are asked side by side; None when one's time is not known."""
        asked = {label for label, expense in self.by_model().items() if expense.calls}
        known = [self.seconds.get(label) for label in asked]
        if any(seconds is None for seconds in known):
            return None
        return max((seconds for seconds in known if seconds is not None), default=0.0)


class PastArms(Struct, frozen=True, kw_only=True):
    """What kept runs say of how much cases waver.

    Attributes:
        runs: Their ids.
        cases: How many both arms were asked.
        discordance: The share of pairs of answers with different verdicts; one more case than was
            seen counts as different.
    """

    runs: tuple[str, ...]
    cases: int
    discordance: float


class Sight(Struct, frozen=True, kw_only=True):
    """The smallest drop of the pass rate that a suite can show on a model.

    Attributes:
        suite: Empty for all suites together.
        confidence: The gate's.
        drop: A share; None when not even a drop to nothing would be seen.
        best: If every case that differs were a loss; what nothing can be better than.
        past: What `drop` rests on; None for the worst case, half of the cases differing by chance.
    """

    suite: str
    model: str
    cases: int
    samples: int
    confidence: float
    drop: float | None
    best: float | None
    past: PastArms | None = None


class Advice(Struct, frozen=True, kw_only=True):
    """Cases × samples, on both sides of a comparison, for a drop or for money.

    Attributes:
        cases: Of the suite's; 0 when there is no way.
        trials: On both sides.
        drop: The smallest drop that it sees.
        cost: US dollars, when nothing is recorded or cached; None when nobody knows.
        why: Why there is no way; empty when there is one.
    """

    suite: str
    model: str
    cases: int = 0
    samples: int = 0
    trials: int = 0
    drop: float | None = None
    cost: float | None = None
    why: str = ""


class Outlook(Struct, frozen=True, kw_only=True):
    """All that `llmops plan` says.

    Attributes:
        power: The chance to see a drop.
        confidence: The gate's, where a suite has none of its own.
        detect: The drop that was asked for, a share.
        max_cost: US dollars that were offered.
        notes: What limits it, in sentences without a full stop.
    """

    forecast: Forecast
    sights: tuple[Sight, ...]
    power: float
    confidence: float
    detect: float | None = None
    max_cost: float | None = None
    advice: tuple[Advice, ...] = ()
    notes: tuple[str, ...] = ()


def total(expenses: Iterable[Expense]) -> Expense:
    """Expenses, added up."""
    return reduce(Expense.__add__, expenses, Expense())


def _sum(one: Span, other: Span) -> Span:
    most = None if one[1] is None or other[1] is None else one[1] + other[1]
    return one[0] + other[0], most
