"""A page of Markdown with a limit: sections that fit, and the names of those that do not."""

from collections.abc import Callable, Sequence
from typing import Final

COMMENT_LIMIT: Final = 60_000
"""Characters. GitHub refuses comments of more than 65,536."""


class Page:
    """Room for sections, and the names of those that found none."""

    def __init__(self, *, room: int, measure: Callable[[str], int] = len) -> None:
        """Begin with so much room; `measure` says how much of it a section takes."""
        self.room = room
        self.measure = measure
        self.dropped: list[str] = []

    def fit(self, sections: Sequence[str], name: str) -> list[str]:
        """The sections for which there is room."""
        kept = []
        for section in sections:
            size = self.measure(section) + 1
            if size <= self.room:
                self.room -= size
                kept.append(section)
        if name and len(kept) < len(sections):
            self.dropped.append(name)
        return kept

    def ending(self, whole: str) -> list[str]:
        """What found no room, and the command that shows all of it, as Markdown."""
        if not self.dropped:
            return []
        return [f"Left out to keep this short: {', '.join(self.dropped)}. All of it: {whole}\n"]
