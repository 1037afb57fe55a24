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

    def start(self) -> None:
        """Count one call that is about to start.

        Raises:
            BudgetSpentError: A cap is reached; the call must not be made.
        """
        if self._empty():
            if not self._told:
                self._told = True
                self._on_empty()
            raise BudgetSpentError
        self.calls += 1

    def paid(self, cost: float | None, whose: str = "") -> None:
        """Add what a completion of a model or target cost; what nobody knows adds nothing."""
        if cost is not None:
            self._spent += Decimal(str(cost))
        elif self._most is not None and not self._told_unknown:
            self._told_unknown = True
            self._on_unknown(whose)

    def _empty(self) -> bool:
        if self._most_calls is not None and self.calls >= self._most_calls:
            return True
        return self._most is not None and self._spent >= self._most
