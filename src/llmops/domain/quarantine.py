"""A quarantine: a case whose failure is known and excused until a date."""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from llmops.domain.node import Text
from llmops.location import Location


class Quarantine(Struct, frozen=True, kw_only=True):
    """One entry below a suite's `quarantine:`.

    Attributes:
        case: The id of a case of the suite, as reports show it.
        until: The last day on which the case is excused, in UTC.
        reason: Why; it stands in every report.
        at: Where the entry stands.
    """

    case: Text
    until: date
    reason: Text
    at: Location

    @property
    def words(self) -> str:
        """Until when and why, in one line."""
        return f"until {self.until.isoformat()}: {' '.join(self.reason.text.split())}"

    def holds(self, today: date) -> bool:
        """Whether the case is excused on a day."""
        return today <= self.until


def in_force(entries: tuple[Quarantine, ...], today: date | None) -> Mapping[str, Quarantine]:
    """The entries that hold on a day, by case.

    Args:
        entries: A suite's.
        today: In UTC; None: nobody asks for excuses, and there are none.
    """
    if today is None:
        return {}
    return {entry.case.text: entry for entry in entries if entry.holds(today)}
