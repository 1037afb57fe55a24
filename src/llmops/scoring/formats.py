"""What JSON Schema's `format` means here: the formats that are checked, the same everywhere."""

import re
from collections.abc import Callable
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

CHECKED = ("date", "date-time", "time", "email", "ipv4", "ipv6", "uuid", "uri")
"""The formats that are checked; all others only describe."""

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[zZ]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_TIME_ONLY = re.compile(_TIME, re.ASCII)
_DATE_TIME = re.compile(rf"(\d{{4}}-\d\d-\d\d)[tT ]{_TIME}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*+:[^\s<>\"{}|\\^`]+", re.ASCII)
_EMAIL = re.compile(
    r"[^\s@<>(),;:\"\[\]\\]{1,64}@[^\s@<>(),;:\"\[\]\\.]+(?:\.[^\s@<>(),;:\"\[\]\\.]+)++"
)


def format_checker() -> Any:  # noqa: ANN401 - a jsonschema.FormatChecker, which is imported late
    """A checker of exactly the formats in `CHECKED`, whatever else is installed."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name in CHECKED:
        checker.checks(name)(_for_text(_CHECKS[name]))
    return checker


def _for_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: check(value) if isinstance(value, str) else True


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    return found is not None and _is_date(found[1])


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "time": lambda text: bool(_TIME_ONLY.fullmatch(text)),
    "email": lambda text: bool(_EMAIL.fullmatch(text)),
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "uuid": lambda text: bool(_UUID.fullmatch(text)),
    "uri": lambda text: bool(_URI.fullmatch(text)),
}
