"""What a run may spend: calls are counted before they start, money as it is known."""

from collections.abc import Callable
from decimal import Decimal

from llmops.domain.config import Budget


class BudgetSpentError(Exception):
    """Nothing more may be started."""


class Purse:
    """Counts calls and money of one run.

    Money is added in decimals: ten calls of 0.7 dollars are 7 dollars and not a little less,
    which would buy an eleventh.
    """

    def __init__(
        self,
        budget: Budget,
        on_empty: Callable[[], None],
        on_unknown: Callable[[str], None] = lambda _whose: None,
    ) -> None:
        """Set the caps.

        Args:
            budget: The caps.
            on_empty: Called once, when a call is refused for the first time.
            on_unknown: Called once with the model or target whose cost nobody knows, where a cap
                on money cannot count it.
        """
        self.calls = 0
        self._spent = Decimal(0)
        self._held = Decimal(0)
        self._most_calls = budget.max_calls
        self._most = None if budget.max_cost is None else Decimal(str(budget.max_cost))
        self._on_empty = on_empty
        self._on_unknown = on_unknown
        self._told = False
        self._told_unknown = False

    @property
    def spent(self) -> float:
        """US dollars, as far as somebody knows."""
        return float(self._spent)

    @property
    def holds_back(self) -> bool:
        """Whether a part of a cap on money is kept for calls whose cost is not known yet."""
        return self._most is not None and self._held > 0

    def start(self, most: float | None = None) -> None:
        """Count one call that is about to start.

        Args:
            most: US dollars that it may cost at most, which are held back until they are released;
                None holds back nothing.

        Raises:
            BudgetSpentError: A cap is reached, or may be; the call must not be made.
        """
        if self._empty(_dollars(most)):
            if not self._told:
                self._told = True
                self._on_empty()
            raise BudgetSpentError
        self.calls += 1
        self._held += _dollars(most)

    def release(self, most: float | None) -> None:
        """Hold back no longer what a call might have cost."""
        self._held -= _dollars(most)

    def paid(self, cost: float | None, whose: str = "") -> None:
        """Add what a completion of a model or target cost; what nobody knows adds nothing."""
        if cost is not None:
            self._spent += _dollars(cost)
        elif self._most is not None and not self._told_unknown:
            self._told_unknown = True
            self._on_unknown(whose)

    def _empty(self, most: Decimal) -> bool:
        if self._most_calls is not None and self.calls >= self._most_calls:
            return True
        if self._most is None:
            return False
        sure = self._spent + self._held
        return sure >= self._most or sure + most > self._most


def _dollars(cost: float | None) -> Decimal:
    return Decimal(0) if cost is None else Decimal(str(cost))
