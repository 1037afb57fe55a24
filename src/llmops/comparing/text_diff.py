"""Two texts in, their difference out: by line, and by word inside the lines that changed.

The cost is bounded. What repeats itself too often, or is too long, is compared more coarsely; no
difference is ever lost by that.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

from llmops.domain.difference import Line, Segment, TextDiff

_MOST_MATCHES: Final = 60_000
"""Pairs of equal lines or words; the work grows with them."""
_MOST_PARTS: Final = 10_000
_MOST_ALIGNED: Final = 2_500
"""Removed lines × added lines that are looked at for pairs."""
_LIKE: Final = 0.4
"""The share of the shorter line's words that the longer one must have to be the same line."""
_LIKE_AMONG_MANY: Final = 0.15
"""The share of the longer line's words as well, where there are others to choose from."""
_LEAST_KEPT: Final = 0.4
"""The share of the shorter line that must stay for words to be compared; less is hard to read."""
_WORD: Final = re.compile(
    r"\s*(?:[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|\S)|\s+"
)

Opcode = tuple[str, int, int, int, int]


def diff_texts(before: str, after: str) -> TextDiff:
    r"""Compare two texts.

    Only `\n` ends a line, so that a carriage return that came or went is seen. A newline at the
    end of one of them shows as an empty line.
    """
    old, new = before.split("\n"), after.split("\n")
    opcodes, coarse = _opcodes(old, new)
    lines: list[Line] = []
    for tag, old_start, old_end, new_start, new_end in opcodes:
        if tag == "equal":
            lines += (
                _kept(old[old_start + step], old_start + step, new_start + step)
                for step in range(old_end - old_start)
            )
        else:
            lines += _replaced(old, new, (old_start, old_end), (new_start, new_end))
    return TextDiff(lines=tuple(lines), coarse=coarse)


def diff_words(before: str, after: str) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Compare two lines by words; each side comes back in stretches that are kept or changed."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    opcodes, _coarse = _opcodes(old, new)
    left: list[Segment] = []
    right: list[Segment] = []
    for tag, old_start, old_end, new_start, new_end in opcodes:
        changed = tag != "equal"
        _append(left, "".join(old[old_start:old_end]), changed=changed)
        _append(right, "".join(new[new_start:new_end]), changed=changed)
    return tuple(left), tuple(right)


def _append(segments: list[Segment], text: str, *, changed: bool) -> None:
    if text:
        segments.append(Segment(text, changed))


def _opcodes(old: Sequence[str], new: Sequence[str]) -> tuple[list[Opcode], bool]:
    """How one sequence becomes the other, and whether the middle was too much to look into."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    inner_old, inner_new = old[start:old_end], new[start:new_end]
    coarse = _too_much(inner_old, inner_new)
    opcodes: list[Opcode] = [("equal", 0, start, 0, start)] if start else []
    if coarse:
        opcodes.append(("replace", start, old_end, start, new_end))
    else:
        matcher = SequenceMatcher(None, inner_old, inner_new, autojunk=False)
        opcodes += (
            (tag, a + start, b + start, c + start, d + start)
            for tag, a, b, c, d in matcher.get_opcodes()
        )
    if end:
        opcodes.append(("equal", old_end, len(old), new_end, len(new)))
    return opcodes, coarse


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many parts the two have in common at their beginning."""
    pairs = zip(old, new, strict=False)
    shortest = min(len(old), len(new))
    return next((n for n, (left, right) in enumerate(pairs) if left != right), shortest)


def _too_much(old: Sequence[str], new: Sequence[str]) -> bool:
    if len(old) + len(new) > _MOST_PARTS:
        return True
    counted = Counter(new)
    return sum(counted[part] for part in old) > _MOST_MATCHES


def _kept(text: str, old: int, new: int) -> Line:
    same = (Segment(text),)
    return Line(kind="kept", before=same, after=same, number_before=old + 1, number_after=new + 1)


def _replaced(
    old: Sequence[str], new: Sequence[str], before: tuple[int, int], after: tuple[int, int]
) -> Iterator[Line]:
    """A stretch that was replaced: lines alike become changed ones, in order, the rest as it is."""
    at, new_at = before[0], after[0]
    pairs = _alike(old[before[0] : before[1]], new[after[0] : after[1]])
    for left, right in [*pairs, (before[1] - before[0], after[1] - after[0])]:
        yield from (_removed(old[index], index) for index in range(at, before[0] + left))
        yield from (_added(new[index], index) for index in range(new_at, after[0] + right))
        at, new_at = before[0] + left, after[0] + right
        if at < before[1] and new_at < after[1]:
            yield from _exchanged(old[at], new[new_at], at, new_at)
            at, new_at = at + 1, new_at + 1


def _exchanged(before: str, after: str, old: int, new: int) -> Iterator[Line]:
    """Two lines as one that changed, or as two if hardly a stretch of words stays in its order."""
    left, right = diff_words(before, after)
    kept = sum(len(segment.text) for segment in left if not segment.changed)
    if kept < _LEAST_KEPT * min(len(before), len(after)):
        yield _removed(before, old)
        yield _added(after, new)
        return
    yield Line(
        kind="changed", before=left, after=right, number_before=old + 1, number_after=new + 1
    )


def _removed(text: str, index: int) -> Line:
    return Line(kind="removed", before=(Segment(text, changed=True),), number_before=index + 1)


def _added(text: str, index: int) -> Line:
    return Line(kind="added", after=(Segment(text, changed=True),), number_after=index + 1)


def _alike(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of indices of lines that are alike, in order, chosen for the greatest likeness."""
    if len(old) * len(new) > _MOST_ALIGNED:
        return []
    old_words, new_words = ([Counter(_WORD.findall(line)) for line in side] for side in (old, new))
    least = _LIKE_AMONG_MANY if len(old) * len(new) > 1 else 0.0
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    like: dict[tuple[int, int], float] = {}
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            like[i, j] = _likeness(old_words[i], new_words[j], least)
            best[i][j] = max(best[i + 1][j], best[i][j + 1], like[i, j] + best[i + 1][j + 1])
    pairs = []
    i = j = 0
    while i < len(old) and j < len(new):
        if like[i, j] and best[i][j] == like[i, j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(old: Counter[str], new: Counter[str], least: float) -> float:
    """The share of words in common, of the shorter line and a little of the longer; 0 if unlike.

    A line to which much was added is still the same line.
    """
    shared = (old & new).total()
    shorter, longer = sorted((old.total(), new.total()))
    if not shorter or shared / shorter < _LIKE or shared / longer < least:
        return 0.0
    return shared / shorter + shared / longer / 10
