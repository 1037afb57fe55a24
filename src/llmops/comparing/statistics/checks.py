"""What numbers may be handed in: shares, counts and finite values, or a ValueError."""

import math
from collections.abc import Iterable


def check_inner_share(name: str, value: float) -> None:
    """Refuse what does not lie strictly between 0 and 1.

    Raises:
        ValueError: It does not.
    """
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, not at {value}")


def check_share(name: str, value: float) -> None:
    """Refuse what does not lie between 0 and 1, both allowed.

    Raises:
        ValueError: It does not.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie from 0 to 1, not at {value}")


def check_count(name: str, value: int, *, least: int = 0) -> None:
    """Refuse a count that is too small.

    Raises:
        ValueError: It is below `least`.
    """
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def check_finite(name: str, values: Iterable[float]) -> None:
    """Refuse values that are infinite or not numbers.

    Raises:
        ValueError: One is.
    """
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, not {value}")
