"""Scorers that look for text: equals, contains, starts and ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from llmops.domain.score import Score
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer
from llmops.scoring.normal import comparable, folded
from llmops.scoring.wording import listing, name_of, quote

_IGNORE_CASE = "Compare without regard to case, in every script (Unicode case folding)."
_EMPTY = "an empty text would be found in every output"


@scorer(
    "equals",
    primary="text",
    examples=(
        ScorerExample(arguments="refund", output="refund", passes=True),
        ScorerExample(arguments="refund", output="Refund", passes=False),
        ScorerExample(arguments="{text: refund, ignore_case: true}", output="REFUND", passes=True),
        ScorerExample(arguments="refund", output="refund\n", passes=False),
        ScorerExample(arguments="{text: refund, trim: true}", output=" refund\n", passes=True),
        ScorerExample(arguments='""', output="", passes=True),
        ScorerExample(arguments='"1.20"', output="1.2", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """Passes when the output is exactly the text.

    Every character counts: case, white space and a line break at the end. `trim: true` leaves
    out white space at both ends of both texts, `ignore_case: true` the case. `é` is the same
    whether it is written as one character or as two (NFC). An empty text passes for an empty
    output only. To compare JSON values, use `json_equals`.
    """

    slow: ClassVar[bool] = False

    text: str = entry("The text.")
    ignore_case: bool = entry(_IGNORE_CASE, default=False)
    trim: bool = entry("Leave out white space at both ends.", default=False)
    _wanted: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wanted", self._form(self.text))

    def score(self, subject: Subject) -> Score:
        """Compare."""
        got = self._form(subject.text)
        if got == self._wanted:
            return Score.passing("equal")
        return Score.failing(f"{name_of(subject)} {self._difference(got)}")

    def _form(self, text: str) -> str:
        text = comparable(text, ignore_case=self.ignore_case)
        return text.strip() if self.trim else text

    def _difference(self, got: str) -> str:
        wanted = self._wanted
        if not got:
            return "is empty"
        if got.strip() == wanted.strip():
            return f"is {quote(got)}: other white space at an end; 'trim: true' ignores it"
        if folded(got) == folded(wanted):
            return f"is {quote(got)}: another case; 'ignore_case: true' ignores it"
        if len(got) <= 60:
            return f"is {quote(got)}"
        same = _common_start(got, wanted)
        there = f"is {quote(got[same : same + 30], 30)}" if got[same:] else "ends"
        here = f"{quote(wanted[same : same + 30], 30)}" if wanted[same:] else "nothing more"
        return f"differs from character {same + 1:,} on: there it {there}, not {here}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneText:
    """What scorers that look for one text share."""

    slow: ClassVar[bool] = False

    text: str = entry("The text to look for; not empty.")
    ignore_case: bool = entry(_IGNORE_CASE, default=False)
    _wanted: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.text:
            raise ArgumentError(_EMPTY, key="text", hint="write the text to look for")
        wanted = comparable(self.text, ignore_case=self.ignore_case)
        object.__setattr__(self, "_wanted", wanted)

    def _judge(self, subject: Subject, holds: Callable[[str, str], bool], where: str) -> Score:
        """Ask whether `holds(text, wanted)`; `where` follows `not` in the reason."""
        text = comparable(subject.text, ignore_case=self.ignore_case)
        if holds(text, self._wanted):
            return Score.passing(f"{where} {name_of(subject)}")
        if not self.ignore_case and holds(folded(text), folded(self._wanted)):
            return Score.failing(f"{where} {name_of(subject)} only when case is ignored")
        return Score.failing(f"not {where} {name_of(subject)}")


@scorer(
    "contains",
    primary="text",
    examples=(
        ScorerExample(arguments="refund", output="Your refund is on its way.", passes=True),
        ScorerExample(arguments="refund", output="Refund issued.", passes=False),
        ScorerExample(
            arguments="{text: refund, ignore_case: true}", output="Refund issued.", passes=True
        ),
        ScorerExample(arguments="refund", output="", passes=False),
        ScorerExample(
            arguments="{text: STRASSE, ignore_case: true}", output="Lange Straße 3", passes=True
        ),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Contains(_OneText):
    r"""Passes when the output holds the text somewhere.

    Case and white space count, unless `ignore_case: true`. Parts of words are found too: `art` is
    in `party`; for whole words use `matches: "\\bart\\b"`. `é` is found however it is written
    (NFC). An empty text is refused. An empty output fails.
    """

    def score(self, subject: Subject) -> Score:
        """Look for the text."""
        return self._judge(subject, str.__contains__, "in")


@scorer(
    "starts_with",
    primary="text",
    examples=(
        ScorerExample(arguments="Dear", output="Dear Ms Keller,", passes=True),
        ScorerExample(arguments="Dear", output=" Dear Ms Keller,", passes=False),
        ScorerExample(arguments="{text: dear, ignore_case: true}", output="Dear Jo", passes=True),
        ScorerExample(arguments="Dear", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class StartsWith(_OneText):
    """Passes when the output starts with the text.

    Case and white space count, at the start of the output too, unless `ignore_case: true` for the
    case. Compared in NFC. An empty text is refused. An empty output fails.
    """

    def score(self, subject: Subject) -> Score:
        """Look at the start."""
        return self._judge(subject, str.startswith, "at the start of")


@scorer(
    "ends_with",
    primary="text",
    examples=(
        ScorerExample(arguments="team", output="Yours, the support team", passes=True),
        ScorerExample(arguments="team", output="Yours, the support team.", passes=False),
        ScorerExample(arguments="team", output="Yours, the support team\n", passes=False),
        ScorerExample(arguments="{text: TEAM, ignore_case: true}", output="Our team", passes=True),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class EndsWith(_OneText):
    """Passes when the output ends with the text.

    Case and white space count, a line break at the end of the output too, unless
    `ignore_case: true` for the case. Compared in NFC. An empty text is refused. An empty output
    fails.
    """

    def score(self, subject: Subject) -> Score:
        """Look at the end."""
        return self._judge(subject, str.endswith, "at the end of")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ManyTexts:
    """What scorers that look for several texts share."""

    slow: ClassVar[bool] = False

    texts: tuple[str, ...] = entry("The texts to look for; at least one, and none empty.")
    ignore_case: bool = entry(_IGNORE_CASE, default=False)
    _wanted: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.texts:
            message = "an empty list of texts says nothing about the output"
            raise ArgumentError(message, key="texts", hint="list the texts to look for")
        if not all(self.texts):
            raise ArgumentError(_EMPTY, key="texts", hint="take the empty text out of the list")
        wanted = tuple(comparable(text, ignore_case=self.ignore_case) for text in self.texts)
        object.__setattr__(self, "_wanted", wanted)

    def _missing(self, subject: Subject) -> list[str]:
        """The texts that are not in the output, as the suite writes them."""
        text = comparable(subject.text, ignore_case=self.ignore_case)
        pairs = zip(self.texts, self._wanted, strict=True)
        return [written for written, wanted in pairs if wanted not in text]


@scorer(
    "contains_any",
    primary="texts",
    examples=(
        ScorerExample(arguments="[sorry, apologise]", output="We are sorry.", passes=True),
        ScorerExample(arguments="[sorry, apologise]", output="Sorry!", passes=False),
        ScorerExample(arguments="[sorry, apologise]", output="", passes=False),
        ScorerExample(
            arguments="{texts: [sorry, apologise], ignore_case: true}",
            output="Sorry!",
            passes=True,
        ),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ContainsAny(_ManyTexts):
    """Passes when the output holds at least one of the texts.

    Each is looked for as `contains` does it: case and white space count, parts of words are found,
    compared in NFC. An empty list, or an empty text in it, is refused. An empty output fails.
    """

    def score(self, subject: Subject) -> Score:
        """Look for each text."""
        missing = self._missing(subject)
        if len(missing) == len(self.texts):
            return Score.failing(f"none of them is in {name_of(subject)}")
        found = [text for text in self.texts if text not in missing]
        return Score.passing(f"{listing(found)} in {name_of(subject)}")


@scorer(
    "contains_all",
    primary="texts",
    examples=(
        ScorerExample(
            arguments="[photo, teapot]", output="A photo of the teapot, please.", passes=True
        ),
        ScorerExample(arguments="[photo, teapot]", output="A photo, please.", passes=False),
        ScorerExample(arguments="[photo, teapot]", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ContainsAll(_ManyTexts):
    """Passes when the output holds every one of the texts, in any order.

    Each is looked for as `contains` does it: case and white space count, parts of words are found,
    compared in NFC. The value is the share of texts that were found. An empty list, or an empty
    text in it, is refused. An empty output fails.
    """

    def score(self, subject: Subject) -> Score:
        """Look for each text."""
        missing = self._missing(subject)
        if not missing:
            return Score.passing(f"all of them in {name_of(subject)}")
        value = 1 - len(missing) / len(self.texts)
        return Score.failing(f"not in {name_of(subject)}: {listing(missing)}", value)


def _common_start(one: str, other: str) -> int:
    length = min(len(one), len(other))
    for index in range(length):
        if one[index] != other[index]:
            return index
    return length
