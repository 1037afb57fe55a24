"""The search for the hunks that broke a case: each by itself, then fewer and fewer of all.

Where no hunk alone is enough, sets of them are halved as in delta debugging (A. Zeller and
R. Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on Software
Engineering 28(2), 2002): what cannot be rendered is an unresolved test there, and so is what stays
unsure. The same search finds the sentences of a hunk that are enough.
"""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from llmops.domain.explanation import ExplainedStatus
from llmops.running.searching.weighing import NOTHING, Reverted, Weighing

_TOGETHER = "no hunk alone is known to mend the case"


class Mended(Struct, frozen=True, kw_only=True):
    """Edits without which a case passes more often.

    Attributes:
        edits: All of the set that was found first.
        enough: Those of them that are enough.
        smallest: Whether every smaller set was tried, one edit or hunk less at a time, and does
            not mend the case.
    """

    edits: Reverted
    enough: Reverted
    smallest: bool = True


class Search(Struct, frozen=True, kw_only=True):
    """What a search came to.

    Attributes:
        singly: Whether the candidates were tried one by one.
        why: Why it is unsure or unknown.
    """

    status: ExplainedStatus
    mended: tuple[Mended, ...] = ()
    singly: bool = False
    why: str | None = None


def find_mending(
    weighing: Weighing, hunks: Sequence[Reverted], candidates: Sequence[Reverted]
) -> Search:
    """Find the fewest hunks without which the case passes more often.

    Args:
        weighing: Asks mixtures, and weighs what they answer.
        hunks: All hunks, as sets of edits.
        candidates: What to try first: each hunk, with the others that it cannot be reverted
            without. All hunks at once are no candidate where there are several.
    """
    weighing.settle([weighing.whole])
    judged = weighing.judge(weighing.whole)
    if judged == "not":
        return Search(status="same")
    if judged != "mends":
        status: ExplainedStatus = "unsure" if judged == "unsure" else "unknown"
        return Search(status=status, why=weighing.why(weighing.whole) or _unsure(weighing))
    singly = len(hunks) <= weighing.rule.singles
    tried = list(dict.fromkeys(candidates)) if singly else []
    if len(hunks) > 1:
        tried = [one for one in tried if one != weighing.whole]
    weighing.settle(tried)
    mending = [one for one in tried if weighing.mends(one)]
    least = [one for one in mending if not any(other < one for other in mending)]
    found = [_narrowed(weighing, one) for one in least] or [_fewest(weighing, hunks)]
    status = "named" if least else _of(found[0], hunks)
    why = f"{_TOGETHER}; {_unsure(weighing)}" if status == "unsure" else None
    return Search(status=status, mended=tuple(found), singly=singly, why=why)


def _of(found: Mended, hunks: Sequence[Reverted]) -> ExplainedStatus:
    touched = [hunk for hunk in hunks if hunk & found.edits]
    if len(touched) == 1:
        return "named"
    return "together" if found.smallest or len(touched) < len(hunks) else "unsure"


def _fewest(weighing: Weighing, hunks: Sequence[Reverted]) -> Mended:
    parts, smallest = _halved(weighing, hunks)
    whole = _union(parts)
    inner = _narrowed(weighing, whole)
    return Mended(edits=whole, enough=inner.enough, smallest=smallest)


def _narrowed(weighing: Weighing, edits: Reverted) -> Mended:
    """The edits of a set that are enough."""
    singles = [frozenset({edit}) for edit in sorted(edits)]
    parts, smallest = _halved(weighing, singles)
    return Mended(edits=edits, enough=_union(parts), smallest=smallest)


def _halved(weighing: Weighing, parts: Sequence[Reverted]) -> tuple[list[Reverted], bool]:
    """Fewer and fewer parts that mend the case together, as all of them do.

    Returns:
        The parts that are left, and whether it is known that none of them can be spared.
    """
    left, pieces = list(parts), 2
    while len(left) > 1:
        chunks = _chunks(left, min(pieces, len(left)))
        fewer = _first(weighing, chunks) or _first(weighing, _rests(chunks))
        if fewer is not None:
            pieces = 2 if fewer in chunks else max(pieces - 1, 2)
            left = fewer
        elif pieces >= len(left):
            return left, all(_spared(weighing, left, part) for part in left)
        else:
            pieces *= 2
    return left, True


def _first(weighing: Weighing, options: Sequence[list[Reverted]]) -> list[Reverted] | None:
    unions = [_union(option) for option in options]
    weighing.settle(unions)
    mending = (option for option, one in zip(options, unions, strict=True) if weighing.mends(one))
    return next(mending, None)


def _spared(weighing: Weighing, parts: Sequence[Reverted], part: Reverted) -> bool:
    """Whether it is known that the others alone do not mend the case."""
    others = _union([one for one in parts if one != part])
    return weighing.judge(others) in {"not", "impossible"}


def _chunks(parts: Sequence[Reverted], pieces: int) -> list[list[Reverted]]:
    ends = [round(len(parts) * number / pieces) for number in range(pieces + 1)]
    return [list(parts[start:end]) for start, end in pairwise(ends)]


def _rests(chunks: Sequence[list[Reverted]]) -> list[list[Reverted]]:
    """For each chunk all others; of two chunks they are the chunks themselves."""
    if len(chunks) == 2:
        return []
    return [
        [part for other, chunk in enumerate(chunks) if other != number for part in chunk]
        for number in range(len(chunks))
    ]


def _union(parts: Sequence[Reverted]) -> Reverted:
    return NOTHING.union(*parts)


def _unsure(weighing: Weighing) -> str:
    return "the trials are spent" if weighing.spent else "the samples do not tell"
