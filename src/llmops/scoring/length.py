"""A scorer of length, and how characters, words, sentences, lines and paragraphs are counted."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from llmops.domain.score import Score
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer
from llmops.scoring.normal import normal
from llmops.scoring.wording import counted, name_of

Unit = Literal["characters", "words", "sentences", "lines", "paragraphs"]


@scorer(
    "length",
    primary=None,
    examples=(
        ScorerExample(arguments="{max: 5, unit: words}", output="We will refund you.", passes=True),
        ScorerExample(
            arguments="{min: 5, unit: words}", output="We will refund you.", passes=False
        ),
        ScorerExample(arguments="{exactly: 4}", output="Zoë\n", passes=True),
        ScorerExample(
            arguments="{exactly: 2, unit: sentences}", output="Hi Dr. Wu! OK?", passes=True
        ),
        ScorerExample(arguments="{exactly: 2, unit: lines}", output="one\n\n", passes=True),
        ScorerExample(arguments="{max: 1, unit: paragraphs}", output="one\n\ntwo", passes=False),
        ScorerExample(arguments="{min: 1}", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Passes when the output is as long as is asked, both ends included.

    `min`, `max` or both, or `exactly`, in one of these units:

    - `characters`: code points in NFC, as Python and JSON Schema count. `é` is one however it is
      written; an emoji put together of several (a family, a flag) counts as several. White space
      and line breaks count.
    - `words`: stretches without white space that hold a letter or a digit: `well-known` is one, a
      lone dash is none. Chinese, Japanese and Thai are written without white space, so use
      characters for them.
    - `sentences`: stretches that hold a letter or a digit, ended by `.`, `!`, `?` or `…` before
      white space, by `。`, `！` or `？` anywhere, by an empty line, or by the end. `Dr.`, `e.g.` and
      their like end none, nor do initials.
    - `lines`: ended by a line break or by the end of the output; empty ones count.
    - `paragraphs`: blocks with an empty line between.

    An empty output has the length 0 in every unit. `min: 0` alone is refused, for it always holds.
    """

    slow: ClassVar[bool] = False

    min: int | None = entry("The least length.", default=None, minimum=0)
    max: int | None = entry("The greatest length.", default=None, minimum=0)
    exactly: int | None = entry("The one length, in place of the two.", default=None, minimum=0)
    unit: Unit = entry(
        "characters (the default), words, sentences, lines or paragraphs.", default="characters"
    )

    def __post_init__(self) -> None:
        if self.exactly is not None and (self.min, self.max) != (None, None):
            message = "'exactly' excludes 'min' and 'max'"
            raise ArgumentError(message, key="exactly", hint="keep the one or the others")
        if (self.min, self.max, self.exactly) == (None, None, None):
            raise ArgumentError("'length' needs 'min', 'max' or 'exactly'")
        if (self.min or 0) == 0 and self.max is None and self.exactly is None:
            raise ArgumentError("every output has a length of 0 or more", key="min")
        if self.min is not None and self.max is not None and self.min > self.max:
            message = f"no length is at least {self.min:,} and at most {self.max:,}"
            raise ArgumentError(message, key="max")

    def score(self, subject: Subject) -> Score:
        """Count."""
        number = _COUNTERS[self.unit](normal(subject.text))
        least = self.min if self.exactly is None else self.exactly
        most = self.max if self.exactly is None else self.exactly
        words = f"{name_of(subject)} has {counted(number, self.unit.removesuffix('s'))}"
        if least is not None and number < least:
            return Score.failing(f"{words}, fewer than the {least:,} wanted")
        if most is not None and number > most:
            return Score.failing(f"{words}, more than the {most:,} allowed")
        return Score.passing(words)


_WORD = re.compile(r"(?<!\S)(?:(?!\s)[\W_])*+[^\W_]\S*+")
_ALPHANUMERIC = re.compile(r"[^\W_]")
_CLOSING = "\"'”’»)\\]」』）"
_SENTENCE_END = re.compile(
    rf"(?<![.!?…])(?P<mark>[.!?…]++)[{_CLOSING}]*+(?=\s|\Z)|[。！？]++[{_CLOSING}]*+|\n(?:[^\S\n]*+\n)++"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|No|Nr|vs|etc|ca|cf|approx|Inc|Ltd|Co|Corp|Fig"
    r"|Vol|e\.g|i\.e|z\.B|d\.h|u\.a|a\.m|p\.m))\Z"
)
_BLANK_LINE = re.compile(r"\n(?:[^\S\n]*+\n)++")


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _sentences(text: str) -> int:
    return _filled(text, _sentence_ends(text), _ALPHANUMERIC)


def _sentence_ends(text: str) -> Iterator[tuple[int, int]]:
    for end in _SENTENCE_END.finditer(text):
        if end["mark"] != "." or end.end() == len(text) or not _is_abbreviated(text, end.start()):
            yield end.span()


def _is_abbreviated(text: str, stop: int) -> bool:
    return _ABBREVIATION.search(text[max(0, stop - 8) : stop]) is not None


def _lines(text: str) -> int:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def _paragraphs(text: str) -> int:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    breaks = (found.span() for found in _BLANK_LINE.finditer(text))
    return _filled(text, breaks, re.compile(r"\S"))


def _filled(text: str, breaks: Iterator[tuple[int, int]], what: re.Pattern[str]) -> int:
    """How many of the stretches between the breaks hold what makes them count."""
    count = start = 0
    for end, after in breaks:
        count += what.search(text, start, end) is not None
        start = after
    return count + (what.search(text, start) is not None)


_COUNTERS: dict[Unit, Callable[[str], int]] = {
    "characters": len,
    "words": _words,
    "sentences": _sentences,
    "lines": _lines,
    "paragraphs": _paragraphs,
}
