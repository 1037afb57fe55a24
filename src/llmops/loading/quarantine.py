"""The `quarantine:` of a suite: which cases are excused, until when and why."""

import re
from collections.abc import Collection, Iterator
from datetime import date
from typing import Final

from llmops.domain.node import Node, Text
from llmops.domain.quarantine import Quarantine
from llmops.errors import Fault, did_you_mean
from llmops.loading.shapes import Faults, entry, refuse, shape_of
from llmops.loading.value_checks import not_empty
from llmops.location import Location

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def last_day(written: Text, node: Node, faults: Faults) -> object:
    """Turn `2026-12-05` into the day."""
    if not _DAY.fullmatch(written.text):
        message = f"expected a date, found '{written}'"
        return refuse(node, "date", message, faults, "write one such as 2026-12-05")
    try:
        return date.fromisoformat(written.text)
    except ValueError:
        message = f"there is no day '{written}'"
        return refuse(node, "date", message, faults, "look at the calendar")


def once_each(entries: tuple[Quarantine, ...], node: Node, faults: Faults) -> object:
    """Check that no case stands there twice."""
    seen: dict[str, Quarantine] = {}
    for child, one in zip(node.elements(), entries, strict=True):
        first = seen.setdefault(one.case.text, one)
        if first is not one:
            message = f"'{one.case}' is quarantined twice"
            refuse(child, "listed-twice", message, faults, f"the first is at {first.at}")
    return entries


@shape_of(Quarantine, "an entry of 'quarantine'")
class QuarantineShape:
    """One entry below `quarantine:`."""

    case: Text = entry("The case's id, as reports show it.", then=not_empty)
    until: Text = entry(
        "The last day on which a failure of it is excused, in UTC: 2026-12-05.",
        then=last_day,
        schema={"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    )
    reason: Text = entry("Why; it stands in every report.", then=not_empty)
    at: Location


def unknown_cases(entries: tuple[Quarantine, ...], known: Collection[str]) -> Iterator[Fault]:
    """A complaint for each entry that names no case of its suite.

    Args:
        entries: A suite's.
        known: The ids of all of its cases.
    """
    for one in entries:
        if one.case.text not in known:
            yield Fault(
                code="unknown-case",
                message=f"the suite has no case '{one.case}' that could be quarantined",
                at=one.case.at,
                hint=did_you_mean(one.case.text, known)
                or "write the id as 'llmops suites' shows it, or delete the entry",
            )


def expired(entries: tuple[Quarantine, ...], today: date) -> Iterator[Fault]:
    """A warning for each entry whose day has passed, so that it does nothing."""
    for one in entries:
        if not one.holds(today):
            yield Fault(
                code="quarantine-over",
                message=f"the quarantine of '{one.case}' ended on {one.until.isoformat()}",
                at=one.at,
                hint="the case counts again: delete the entry",
                severity="warning",
            )
