"""Two lists that were edited in, which element became which out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

Pair = tuple[int | None, int | None]
"""An element's place before and after, from 0; None where it was added or removed."""
Likeness = Callable[[int, int], float]
"""How likely an element before is one after; 0 when it cannot be."""

_MOST = 400
"""Of more pairs than these the likeliest are not looked for."""


def align(before: Sequence[str], after: Sequence[str], likeness: Likeness) -> list[Pair]:
    """Find what differs between two lists, elements paired so that they are as like as can be.

    Args:
        before: What each element is, as text; equal texts are equal elements.
        after: The same.
        likeness: Judges two that are not equal.

    Returns:
        Elements that were added, removed, or became another; a pair of equal ones was moved.
    """
    pairs = walk(before, after, likeness)
    differing = [(i, j) for i, j in pairs if i is None or j is None or before[i] != after[j]]
    return list(_moved_together(differing, before, after))


def walk(before: Sequence[str], after: Sequence[str], likeness: Likeness) -> Iterator[Pair]:
    """Go through two lists at once, equal elements and what differs between them.

    Args:
        before: What each element is, as text; equal texts are equal elements.
        after: The same.
        likeness: Judges two that are not equal.

    Yields:
        Every element of both once, each side in its order.
    """
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what == "equal":
            yield from zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            yield from _likeliest(range(i, i_end), range(j, j_end), likeness)


def overlap(one: str, other: str) -> float:
    """The share of words that two texts have in common, 0 to 1."""
    words, others = Counter(one.split()), Counter(other.split())
    total = words.total() + others.total()
    return 2 * (words & others).total() / total if total else 1.0


def _likeliest(rows: range, columns: range, likeness: Likeness) -> Iterator[Pair]:
    """Pairs by the largest sum of likenesses; the order is kept."""
    if len(rows) * len(columns) > _MOST:
        yield from _by_place(rows, columns, likeness)
        return
    like = [[likeness(i, j) for j in columns] for i in rows]
    best = [[0.0] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    for i in reversed(range(len(rows))):
        for j in reversed(range(len(columns))):
            paired = best[i + 1][j + 1] + like[i][j] if like[i][j] else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(rows) and j < len(columns):
        if like[i][j] and best[i][j] == best[i + 1][j + 1] + like[i][j]:
            yield rows[i], columns[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield rows[i], None
            i += 1
        else:
            yield None, columns[j]
            j += 1
    yield from ((row, None) for row in rows[i:])
    yield from ((None, column) for column in columns[j:])


def _by_place(rows: range, columns: range, likeness: Likeness) -> Iterator[Pair]:
    for i, j in zip_longest(rows, columns):
        if i is not None and j is not None and likeness(i, j):
            yield i, j
        else:
            yield from ((i, None),) if i is not None else ()
            yield from ((None, j),) if j is not None else ()


def _moved_together(
    pairs: Sequence[Pair], before: Sequence[str], after: Sequence[str]
) -> Iterator[Pair]:
    """Make one pair of an element that was taken out in one place and put in at another."""
    gone: dict[str, list[int]] = {}
    for i, j in pairs:
        if i is not None and j is None:
            gone.setdefault(before[i], []).append(i)
    moved: dict[int, int] = {}
    for i, j in pairs:
        if i is None and j is not None and gone.get(after[j]):
            moved[j] = gone[after[j]].pop(0)
    for i, j in pairs:
        if j is not None:
            yield moved.get(j, i), j
        elif i not in moved.values():
            yield i, None
