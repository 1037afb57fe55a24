"""A difference: two texts line by line, and what changed inside the lines."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

LineKind = Literal["kept", "removed", "added", "changed"]
"""`changed`: a line of one side that stands for a line of the other, with its words compared."""


WordKind = Literal["kept", "removed", "added"]
"""What became of a stretch of a line."""


class Segment(Struct, frozen=True):
    """A stretch of a line.

    Attributes:
        changed: Whether the other side's line lacks it.
    """

    text: str
    changed: bool = False


class Line(Struct, frozen=True, kw_only=True):
    """One line of a difference.

    Attributes:
        before: The line as it was; empty for one that was added.
        after: The line as it is; empty for one that was removed.
        number_before: Its number, from 1; None for one that was added.
        number_after: Its number, from 1; None for one that was removed.
    """

    kind: LineKind
    before: tuple[Segment, ...] = ()
    after: tuple[Segment, ...] = ()
    number_before: int | None = None
    number_after: int | None = None

    def words(self) -> Iterator[tuple[WordKind, str]]:
        """Both sides as one row of stretches: what was removed stands before what was added."""
        old, new = list(self.before), list(self.after)
        while old or new:
            if old and old[0].changed:
                yield "removed", old.pop(0).text
            elif new and new[0].changed:
                yield "added", new.pop(0).text
            else:
                yield "kept", (old or new)[0].text
                del old[:1], new[:1]


class TextDiff(Struct, frozen=True, kw_only=True):
    """Two texts, line by line.

    Attributes:
        lines: Every line of both texts, in order.
        coarse: Whether the texts were too long to be compared line by line: what lies between
            their common beginning and their common end is shown as replaced.
    """

    lines: tuple[Line, ...]
    coarse: bool = False

    @property
    def same(self) -> bool:
        """Whether the texts are equal."""
        return all(line.kind == "kept" for line in self.lines)

    @property
    def changes(self) -> tuple[Line, ...]:
        """The lines that are not kept."""
        return tuple(line for line in self.lines if line.kind != "kept")

    @property
    def signature(self) -> tuple[tuple[str, ...], ...]:
        """What changed, whatever stands around it: equal for equal changes of different texts."""
        return tuple(
            (line.kind, *_changed(line.before), "\n", *_changed(line.after))
            for line in self.changes
        )

    def hunks(self, context: int = 2) -> tuple[tuple[Line, ...], ...]:
        """The lines that changed, each with so many kept ones around it; touching ones are one."""
        spans: list[tuple[int, int]] = []
        for index, line in enumerate(self.lines):
            if line.kind == "kept":
                continue
            start, end = max(0, index - context), min(len(self.lines), index + context + 1)
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return tuple(self.lines[start:end] for start, end in spans)


def _changed(segments: tuple[Segment, ...]) -> Iterator[str]:
    return (segment.text for segment in segments if segment.changed)
