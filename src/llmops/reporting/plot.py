"""Points on a screen: a small picture of quality and cost, made of letters."""

from collections.abc import Sequence
from typing import Final

_ROWS: Final = 9
_COLUMNS: Final = 56
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letter(place: int) -> str:
    """The letter of a point, by its place in the list; `*` for those beyond Z."""
    return _LETTERS[place] if place < len(_LETTERS) else "*"


def scatter(points: Sequence[tuple[float, float]], labels: tuple[str, str]) -> list[str]:
    """Draw points as letters.

    Args:
        points: Across and up, finite; the first is A.
        labels: What is across, and what is up.

    Returns:
        Lines without colours, the last one with the ends of the axis; letters that fall together
        stand beside each other.
    """
    across, up = zip(*points, strict=True)
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    for place, (x, y) in enumerate(points):
        row = _ROWS - 1 - _scaled(y, up, _ROWS)
        column = _scaled(x, across, _COLUMNS)
        free = next((i for i in range(column, _COLUMNS) if grid[row][i] == " "), column)
        grid[row][free] = letter(place)
    left = [f"{max(up):.1%}", *[""] * (_ROWS - 2), f"{min(up):.1%}"]
    lines = [f"{labels[1]}"]
    lines += [f"{a:>8} │{''.join(cells).rstrip()}" for a, cells in zip(left, grid, strict=True)]
    ends = f"{min(across):.6f}", f"{max(across):.6f}"
    gap = " " * max(1, _COLUMNS - len(ends[0]) - len(ends[1]))
    return [*lines, f"{'':>8} └{'─' * _COLUMNS}", f"{'':>10}{ends[0]}{gap}{ends[1]}  {labels[0]}"]


def _scaled(value: float, values: Sequence[float], size: int) -> int:
    low, high = min(values), max(values)
    return round((value - low) / (high - low) * (size - 1)) if high > low else (size - 1) // 2
