"""Patterns, always under a time limit: the scorer `matches`, and the tools of whoever has some."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import regex
from msgspec import Struct

from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.loading.shapes import Duration, entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer
from llmops.scoring.limits import check_length
from llmops.scoring.normal import normal
from llmops.scoring.wording import name_of, quote

MAX_PATTERN = 10_000
"""The longest pattern, in characters."""

_LONGEST = 60.0
_PURPOSE = "look for a pattern in"
_VARIABLE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]|(?P<variable>[*+]|\{(?!\d+\})|\(\?[R\d&P(|])"
)
_ANCHORED = re.compile(
    r"\\[^AZzbBGKmM]|\[\^?\]?(?:\\.|[^\]\\])*+\]|(?P<anchor>[$^]|\\.|\(\?<?[=!])"
)
_SIMPLE = re.compile(r"""(?:[A-Za-z0-9 _,;:'"/<>=@~!%&-]|\\[bdwDW./?*+$^|(){}\[\]\\-]){1,200}""")
"""Patterns that are right and quick whatever the text, and mean the same to Python's own `re` as
long as the text is ASCII. That compiles them in a third of the time, which counts where every
case has a pattern of its own."""
_WORDS = re.compile(
    r"""(?P<starts>\\b)?"""
    r"""(?P<text>(?:[A-Za-z0-9 _,;:'"/<>=@~!%&-]|\\[./?*+$^|(){}\[\]\\-]){1,200})"""
    r"""(?P<ends>\\b)?"""
)
"""Patterns that stand for one text, maybe as whole words. Most can be answered without compiling
them, which takes ten times as long as the rest of scoring does."""
_ESCAPED = re.compile(r"\\(.)")
_PROBE = "Nobody writes this.\n\t0123456789 ßÆ漢字 {}[]()<>\"'\\/|&%$#@!?;:,.-_+=*~^`\n" * 2000


@scorer(
    "matches",
    primary="pattern",
    examples=(
        ScorerExample(arguments=r'"REF-\\d{6}"', output="Reference REF-004711.", passes=True),
        ScorerExample(arguments=r'"^REF-\\d{6}$"', output="Reference REF-004711.", passes=False),
        ScorerExample(arguments='"(?i)refund"', output="REFUND", passes=True),
        ScorerExample(arguments=r'{pattern: "\\d+", full: true}', output="42\n", passes=False),
        ScorerExample(arguments="refund", output="", passes=False),
        ScorerExample(arguments='"^(a|aa)+$"', output="a" * 60 + "!", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    r"""Passes when the pattern matches somewhere in the output.

    Patterns are those of the Python package `regex` (a superset of Python's `re`): `^` and `$` are
    the ends of the whole output, `(?m)` makes them the ends of lines, `(?i)` ignores case, `(?s)`
    lets `.` match a line break. With `full: true` the pattern must match the whole output, a line
    break at its end included. In double-quoted YAML a backslash is written twice: `"\\d"`.

    Output and pattern are brought to NFC before. A pattern that matches the empty text in any
    output, such as `a*`, is refused, for it would always pass. A pattern that takes longer than
    `timeout`, or an output of more than 1,048,576 characters, leaves the assertion unscored.
    """

    pattern: str = entry("The pattern; at most 10,000 characters.")
    full: bool = entry("It must match the whole output, not a part.", default=False)
    timeout: Duration = entry("The longest it may take; at most 60s.", default=Duration(1.0))
    _compiled: regex.Pattern[str] | None = field(init=False, repr=False)
    _words: "_Words | None" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= _LONGEST:
            raise ArgumentError("the timeout must be more than 0 s, at most 60 s", key="timeout")
        words = _words_of(self.pattern)
        object.__setattr__(self, "_words", words)
        simple = words is not None or _SIMPLE.fullmatch(self.pattern) is not None
        compiled = None if simple else compile_pattern(self.pattern, key="pattern")
        if compiled is not None and _is_vacuous(compiled, self.pattern, full=self.full):
            message = f"the pattern {quote(self.pattern)} matches every output"
            hint = "ask for at least one character, as in 'a+' for 'a*'"
            raise ArgumentError(message, key="pattern", hint=hint)
        object.__setattr__(self, "_compiled", compiled)

    @property
    def slow(self) -> bool:
        """Whether the pattern can take other than a single look at each place."""
        return self._words is None and is_slow(self.pattern)

    def score(self, subject: Subject) -> Score:
        """Look for the pattern."""
        name = name_of(subject)
        found = self._look(normal(subject.text))
        if found is None:
            return Score.failing(f"does not match {name}" if self.full else f"not in {name}")
        return Score.passing(f"found {quote(found)} in {name}")

    def _look(self, text: str) -> str | None:
        """What was found."""
        found: re.Match[str] | regex.Match[str] | None
        if self._compiled is None and text.isascii():
            check_length(len(text), _PURPOSE)
            if self._words is not None and self._words.text not in text:
                return None
            if self._words is not None and not self.full and self._words.first_fits(text):
                return self._words.text
            quick = re.compile(self.pattern)
            found = quick.fullmatch(text) if self.full else quick.search(text)
        else:
            compiled = self._compiled or compile_pattern(self.pattern)
            found = search(compiled, text, timeout=self.timeout, full=self.full)
        return None if found is None else found[0]


class _Words(Struct, frozen=True):
    """A text that a pattern stands for.

    Attributes:
        text: The text, which an ASCII text is searched for.
        starts: Whether a word must start or end where it starts.
        ends: Whether a word must start or end where it ends.
    """

    text: str
    starts: bool
    ends: bool

    def first_fits(self, text: str) -> bool:
        """Whether the first place where it stands has the edges that are wanted."""
        place = text.find(self.text)
        end = place + len(self.text)
        starts_well = not self.starts or _is_edge(text, place)
        return starts_well and (not self.ends or _is_edge(text, end))


def compile_pattern(pattern: str, *, key: str | None = None) -> regex.Pattern[str]:
    """Compile a pattern of the package `regex`.

    Args:
        pattern: The pattern; brought to NFC.
        key: The argument it stands under, for complaints.

    Raises:
        ArgumentError: It is empty, too long, or wrong; then the position is in the message.
    """
    if not pattern:
        raise ArgumentError("an empty pattern matches every output", key=key, hint="write one")
    if len(pattern) > MAX_PATTERN:
        message = (
            f"a pattern of {len(pattern):,} characters is longer than the {MAX_PATTERN:,} allowed"
        )
        raise ArgumentError(message, key=key, hint="use 'contains_any' for a list of words")
    try:
        return regex.compile(normal(pattern))
    except regex.error as error:
        message = f"the pattern {quote(pattern)} is wrong: {_explain(str(error))}"
    except (RecursionError, OverflowError):
        message = f"the pattern {quote(pattern)} is nested too deeply"
    raise ArgumentError(message, key=key, hint="quote it in YAML, with '\\\\' for each backslash")


def search(
    pattern: regex.Pattern[str], text: str, *, timeout: float = 1.0, full: bool = False
) -> regex.Match[str] | None:
    """Look for a pattern in a text, or match all of it.

    Raises:
        CannotScoreError: It took longer than `timeout` seconds, or the text is over 1 MiB.
    """
    check_length(len(text), _PURPOSE)
    look = pattern.fullmatch if full else pattern.search
    try:
        return look(text, timeout=timeout)
    except TimeoutError:
        reason = f"the pattern {quote(pattern.pattern)} took longer than {timeout:g} s"
        raise CannotScoreError(reason) from None


@lru_cache(maxsize=1024)
def is_slow(pattern: str) -> bool:
    r"""Whether a pattern may take long, however short the text is.

    One thing repeated once, as in `order \d+`, takes the square of the text at the most. Repeats
    beside or inside each other may take far more, and groups can hide them.
    """
    variable = [found for found in _VARIABLE.finditer(pattern) if found["variable"]]
    return len(variable) > 1 or (bool(variable) and "(" in pattern)


def _words_of(pattern: str) -> _Words | None:
    found = _WORDS.fullmatch(pattern)
    if found is None:
        return None
    starts, text, ends = found.groups()
    return _Words(_ESCAPED.sub(r"\1", text) if "\\" in text else text, bool(starts), bool(ends))


def _is_edge(text: str, place: int) -> bool:
    r"""Whether `\b` matches there."""
    return _is_of_word(text[place - 1 : place]) != _is_of_word(text[place : place + 1])


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _explain(words: str) -> str:
    """The package's words, with positions counted from 1."""
    return re.sub(
        r"at position (\d+)", lambda found: f"at character {int(found[1]) + 1}", words, count=1
    )


def _is_vacuous(compiled: regex.Pattern[str], pattern: str, *, full: bool) -> bool:
    """Whether a pattern holds for any text.

    One without anchors or lookarounds that matches the empty text does so at the start of every
    text. With `full` it must also take in a long text with a bit of everything.
    """
    if any(found["anchor"] for found in _ANCHORED.finditer(pattern)):
        return False
    try:
        if compiled.search("", timeout=1.0) is None:
            return False
        return not full or compiled.fullmatch(_PROBE, timeout=1.0) is not None
    except TimeoutError:
        return False
