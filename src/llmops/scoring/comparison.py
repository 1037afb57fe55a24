"""Two JSON values in, the first difference in words out."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from llmops.scoring.normal import normal
from llmops.scoring.wording import listing, quote


def difference(got: object, wanted: object, *, tolerance: float = 0.0, path: str) -> str | None:
    """Say where two JSON values differ first.

    Args:
        got: What the model gave.
        wanted: What it should have given.
        tolerance: How far any number may be off, 0 or more; compared as decimals.
        path: Where the values stand, for the words.

    Returns:
        The difference, or None when they are equal: numbers by value, texts in NFC, objects
        whatever the order of their keys.
    """
    where = f"'{path}' " if path else "it "
    if isinstance(got, Mapping) and isinstance(wanted, Mapping):
        return _keys(got, wanted, where) or _first(
            difference(got[key], wanted[key], tolerance=tolerance, path=_step(path, key))
            for key in wanted
        )
    if isinstance(got, list) and isinstance(wanted, list):
        if len(got) != len(wanted):
            return f"{where}has {len(got):,} elements, not {len(wanted):,}"
        return _first(
            difference(one, wanted[index], tolerance=tolerance, path=_step(path, index))
            for index, one in enumerate(got)
        )
    if _same(got, wanted, tolerance):
        return None
    return f"{where}is {_shown(got)}, not {_shown(wanted)}"


def holds_number(value: object) -> bool:
    """Whether a number stands anywhere in a JSON value."""
    if isinstance(value, Mapping):
        return any(map(holds_number, value.values()))
    if isinstance(value, list):
        return any(map(holds_number, value))
    return _is_number(value)


def _first(differences: Iterable[str | None]) -> str | None:
    return next((found for found in differences if found), None)


def _step(path: str, step: object) -> str:
    return f"{path}.{step}" if path else str(step)


def _keys(got: Mapping[str, object], wanted: Mapping[str, object], where: str) -> str | None:
    missing = [key for key in wanted if key not in got]
    extra = [key for key in got if key not in wanted]
    if missing:
        return f"{where}lacks {listing(missing)}"
    return f"{where}also has {listing(extra)}" if extra else None


def _same(got: object, wanted: object, tolerance: float) -> bool:
    if isinstance(got, str) and isinstance(wanted, str):
        return normal(got) == normal(wanted)
    if _is_number(got) and _is_number(wanted):
        return got == wanted or _near(got, wanted, tolerance)
    return type(got) is type(wanted) and got == wanted


def _near(got: object, wanted: object, tolerance: float) -> bool:
    """Compare as decimals, for 0.3 - 0.1 is more than 0.2 in binary."""
    numbers = [Decimal(repr(number)) for number in (got, wanted)]
    if not tolerance or not all(number.is_finite() for number in numbers):
        return False
    return abs(numbers[0] - numbers[1]) <= Decimal(repr(tolerance))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    match value:
        case str():
            return f"the text {quote(value, 40)}"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int() | float():
            return str(value) if abs(value) < 10**15 else f"{Decimal(value):.6e}"
        case Mapping():
            return "an object"
        case _:
            return "a list"
