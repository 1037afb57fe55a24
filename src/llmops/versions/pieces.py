"""Two texts in, the sentences that differ out, each of which can be taken back by itself."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from llmops.versions.aligning import Pair, overlap, walk

_LIKE: Final = 0.3
"""The share of words that two sentences have in common at least to be one that was changed."""
_PIECE: Final = re.compile(
    r"""\s*                                    # the white space before
        (?:(?!\n)[^.!?\n。！？]|[.!?](?![ \t\n]|$|["')\]]))*   # words, and dots inside of them
        (?:[.!?。！？]+["')\]”’]*)?              # the end of a sentence
    """,
    re.VERBOSE,
)


class Stretch(Struct, frozen=True):
    """A stretch of two texts.

    Attributes:
        before: The first text's; empty when it was added.
        after: The second text's; empty when it was removed.
        line: The line of the second text, from 1, that it begins on.
    """

    before: str
    after: str
    line: int

    @property
    def same(self) -> bool:
        """Whether nothing changed here."""
        return self.before == self.after


def stretches(before: str, after: str) -> list[Stretch]:
    """Cut two texts into stretches that stay and sentences that differ.

    Returns:
        The stretches, in order. All of one side together are that side's text, so any choice of
        sides gives a whole text. Lines end sentences.
    """
    old, new = split(before), split(after)
    words = [piece.strip() for piece in old], [piece.strip() for piece in new]
    pairs = walk(*words, lambda i, j: _likeness(words[0][i], words[1][j]))
    return list(_placed(_glued(_texts(pairs, old, new))))


def split(text: str) -> list[str]:
    """A text as sentences and lines, each with the white space before it."""
    found: list[str] = []
    at = 0
    while at < len(text):
        matched = _PIECE.match(text, at)
        end = max(matched.end() if matched else at, at + 1)
        found.append(text[at:end])
        at = end
    return found


def _likeness(one: str, other: str) -> float:
    shared = overlap(one, other)
    return shared if shared >= _LIKE else 0.0


def _texts(
    pairs: Iterator[Pair], old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for i, j in pairs:
        yield (old[i] if i is not None else "", new[j] if j is not None else "")


def _glued(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Let white space that changed belong to the sentence before it, if that one changed too."""
    waiting: tuple[str, str] | None = None
    for before, after in texts:
        only_space = before != after and before.strip() == after.strip()
        if waiting is not None and only_space:
            waiting = waiting[0] + before, waiting[1] + after
            continue
        if waiting is not None:
            yield waiting
        waiting = None if before == after else (before, after)
        if waiting is None:
            yield before, after
    if waiting is not None:
        yield waiting


def _placed(texts: Iterator[tuple[str, str]]) -> Iterator[Stretch]:
    ended = 0
    for before, after in texts:
        shown = after or before
        gap = shown[: len(shown) - len(shown.lstrip())].count("\n")
        yield Stretch(before, after, ended + gap + 1)
        ended += after.count("\n")
