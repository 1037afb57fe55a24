"""A scorer of the language an output is written in, by py3langid (extra `language`), offline."""

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from msgspec import Struct

from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.errors import CannotScoreError, did_you_mean
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, Resources, Scorer, ScorerExample, Subject, scorer
from llmops.scoring.extras import need_extra
from llmops.scoring.normal import normal
from llmops.scoring.wording import name_of

MAX_CHARACTERS = 5_000
"""How much of a text is looked at, from its beginning."""

_SURE = 0.5
_NOTHING = "zxx"
_ALIASES = {"nb": "no", "iw": "he", "in": "id", "cmn": "zh", "fil": "tl", "hr_hr": "hr"}


@scorer(
    "language",
    primary="code",
    extra="language",
    examples=(
        ScorerExample(
            arguments="de", output="Wir haben die Rückerstattung veranlasst.", passes=True
        ),
        ScorerExample(arguments="de", output="We have issued the refund for you.", passes=False),
        ScorerExample(arguments="[fr, en]", output="We have issued the refund.", passes=True),
        ScorerExample(arguments="en", output="OK", passes=None),
        ScorerExample(arguments="en", output="", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Passes when the output is written in the language, or in one of several.

    Languages are named by their ISO 639-1 code: en, de, fr, zh, … Norwegian is `no`; no regions or
    scripts are told apart. The detector (py3langid) works offline and looks at the first 5,000
    characters. The value is how sure it is, 0 to 1. A text of which it is less than half sure,
    because it is short, mixed, or no prose at all, leaves the assertion unscored. So does an empty
    output.
    """

    slow: ClassVar[bool] = False

    code: str | tuple[str, ...] = entry("The language's code, or a list of which one will do.")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Look for the detector, and for the languages in it."""
        del resources, node
        codes = (self.code,) if isinstance(self.code, str) else self.code
        if not codes:
            raise ArgumentError("an empty list names no language", key="code")
        need_extra("py3langid", "language")
        known = frozenset(_detector().labels) - {_NOTHING}
        for code in codes:
            if code not in known:
                raise ArgumentError(_unknown(code), key="code", hint=_hint(code, known))
        return _Detection(codes=codes)


class _Detection(Struct, frozen=True, kw_only=True):
    """The scorer with languages that the detector knows."""

    slow: ClassVar[bool] = False

    codes: tuple[str, ...]

    def score(self, subject: Subject) -> Score:
        text = normal(subject.text[:MAX_CHARACTERS])
        name = name_of(subject)
        if not text.strip():
            raise CannotScoreError(f"{name} is empty, so it has no language")
        found, sure = _detector().classify(text)
        if found == _NOTHING or sure < _SURE:
            likely = "" if found == _NOTHING else f" (perhaps '{found}', {sure:.0%} sure)"
            raise CannotScoreError(f"{name} is too short or too mixed to tell its language{likely}")
        value = float(sure)
        words = f"{name} is in '{found}' ({value:.0%} sure)"
        return Score.passing(words, value) if found in self.codes else Score.failing(words)


def _unknown(code: str) -> str:
    return f"the detector knows no language '{code}'"


def _hint(code: str, known: frozenset[str]) -> str:
    lower = code.lower().replace("_", "-")
    near = _ALIASES.get(lower, lower.split("-")[0])
    if near in known:
        return f"write '{near}'"
    two = sorted(one for one in known if len(one) == 2)
    return did_you_mean(code, two) or f"known are {', '.join(two)}"


@cache
def _detector() -> Any:  # noqa: ANN401 - py3langid is imported late
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
