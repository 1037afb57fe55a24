"""What a run may spend: calls are counted before they start, money as it is known."""

from collections.abc import Callable

from llmops.domain.config import Budget


class BudgetSpentError(Exception):
    """Nothing more may be started."""


class Purse:
    """Counts calls and money of one run."""

    def __init__(self, budget: Budget, on_empty: Callable[[], None]) -> None:
        """Set the caps; `on_empty` is called once when one is reached."""
        self.calls = 0
        self.spent = 0.0
        self._budget = budget
        self._on_empty = on_empty

    def start(self) -> None:
        """Count one call that is about to start.

        Raises:
            BudgetSpentError: A cap is reached; the call must not be made.
        """
        calls, cost = self._budget.max_calls, self._budget.max_cost
        if (calls is not None and self.calls >= calls) or (cost is not None and self.spent >= cost):
            self._on_empty()
            raise BudgetSpentError
        self.calls += 1

    def paid(self, cost: float | None) -> None:
        """Add what a completion cost; what nobody knows adds nothing."""
        self.spent += cost or 0.0
