"""How alike the output and a wanted text are, by rapidfuzz."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from llmops.domain.score import Score
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer
from llmops.scoring.limits import MEBIBYTE, check_length
from llmops.scoring.normal import comparable
from llmops.scoring.wording import counted, name_of

Method = Literal["ratio", "partial", "token_set", "levenshtein"]

DEFAULT_THRESHOLD = 0.8
MAX_PARTIAL = 1_000
"""The longest text that `partial` looks for, in characters."""

MAX_PRODUCT = 2 * 10**10
"""The most pairs of characters that are compared: about a second's work."""


@scorer(
    "similar",
    primary="to",
    examples=(
        ScorerExample(
            arguments="We will refund you.", output="We will refund you soon.", passes=True
        ),
        ScorerExample(arguments="We will refund you.", output="No.", passes=False),
        ScorerExample(
            arguments="{to: kitten, method: levenshtein, max_distance: 3}",
            output="sitting",
            passes=True,
        ),
        ScorerExample(
            arguments="{to: kitten, method: levenshtein, max_distance: 2}",
            output="sitting",
            passes=False,
        ),
        ScorerExample(
            arguments="{to: [Paris, The capital is Paris.], threshold: 1}",
            output="Paris",
            passes=True,
        ),
        ScorerExample(
            arguments="{to: refund you, method: partial, threshold: 0.9}",
            output="Of course we will refund you today.",
            passes=True,
        ),
        ScorerExample(
            arguments="{to: red green blue, method: token_set, threshold: 1}",
            output="blue, white and red or green".replace(",", ""),
            passes=True,
        ),
        ScorerExample(
            arguments="{to: red green blue, method: token_set}", output="red", passes=False
        ),
        ScorerExample(arguments="We will refund you.", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Passes when the output is alike enough to the text, or to the nearest of several.

    The value lies between 0 (nothing in common) and 1 (equal), and passes from `threshold` on (0.8
    unless set). How it is measured:

    - `ratio`: twice the number of characters in common, in order, by the length of both texts.
    - `partial`: the same for the stretch of the output that fits the text best, so that what
      stands around it is free. An output shorter than the text is compared whole.
    - `token_set`: the same for the words of both, each once and sorted. Further words in the output
      are free, missing ones are not. Words are divided by white space; a comma belongs to its word.
    - `levenshtein`: 1 less the number of edits (insert, delete or replace one character) by the
      length of the longer text. `max_distance` passes up to so many edits in place of a threshold.

    Case and white space count (`ignore_case: true` for the case), compared in NFC. An empty output
    has the value 0. An output of more than 1,048,576 characters leaves the assertion unscored, and
    so do texts whose lengths multiply to more than 20,000,000,000.
    """

    slow: ClassVar[bool] = False

    to: str | tuple[str, ...] = entry("The text, or a list of which the nearest counts.")
    threshold: float | None = entry(
        "The least value that passes, above 0 and at most 1; 0.8 if not given.", default=None
    )
    max_distance: int | None = entry(
        "The most edits, in place of a threshold; for `levenshtein` only.", default=None
    )
    method: Method | None = entry(
        "`ratio` (the default), `partial`, `token_set` or `levenshtein` (the default with "
        "`max_distance`).",
        default=None,
    )
    ignore_case: bool = entry("Compare without regard to case.", default=False)
    _wanted: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        texts = (self.to,) if isinstance(self.to, str) else self.to
        _check_texts(texts)
        _check_measure(self)
        wanted = tuple(comparable(text, ignore_case=self.ignore_case) for text in texts)
        if self._method == "partial" and max(map(len, wanted)) > MAX_PARTIAL:
            message = f"'partial' looks for at most {MAX_PARTIAL:,} characters"
            raise ArgumentError(message, key="to", hint="use 'ratio' or 'token_set'")
        object.__setattr__(self, "_wanted", wanted)

    @property
    def _method(self) -> Method:
        return self.method or ("ratio" if self.max_distance is None else "levenshtein")

    def score(self, subject: Subject) -> Score:
        """Measure."""
        text = comparable(subject.text, ignore_case=self.ignore_case)
        longest = max(map(len, self._wanted))
        check_length(len(text), "compare", min(MEBIBYTE, MAX_PRODUCT // longest))
        if self.max_distance is not None:
            return self._by_distance(text, self.max_distance)
        measure = _MEASURES[self._method]
        value = max(measure(text, wanted) for wanted in self._wanted) if text else 0.0
        threshold = DEFAULT_THRESHOLD if self.threshold is None else self.threshold
        words = f"{name_of(subject)} is {value:.3g} alike, of {threshold:g} wanted"
        return Score.of(
            value >= threshold, words if text else f"{name_of(subject)} is empty", value
        )

    def _by_distance(self, text: str, most: int) -> Score:
        from rapidfuzz.distance import Levenshtein

        found = [(Levenshtein.distance(text, wanted), wanted) for wanted in self._wanted]
        distance, nearest = min(found, key=lambda pair: pair[0])
        value = 1 - distance / max(len(text), len(nearest))
        words = f"{counted(distance, 'edit')} away, at most {most:,} allowed"
        return Score.of(distance <= most, words, value)


def _check_texts(texts: tuple[str, ...]) -> None:
    if not texts:
        raise ArgumentError("an empty list has nothing to be similar to", key="to")
    if not all(text.strip() for text in texts):
        hint = "for an empty output, write 'equals: \"\"'"
        raise ArgumentError("nothing is similar to an empty text", key="to", hint=hint)


def _check_measure(similar: Similar) -> None:
    threshold, distance = similar.threshold, similar.max_distance
    if threshold is not None and not 0 < threshold <= 1:
        message = f"a threshold of {threshold:g} is not above 0 and at most 1"
        raise ArgumentError(message, key="threshold", hint="for per cent, divide by 100")
    if distance is None:
        return
    if threshold is not None:
        message = "'threshold' and 'max_distance' exclude each other"
        raise ArgumentError(message, key="max_distance", hint="keep one of them")
    if distance < 0:
        raise ArgumentError("a distance is 0 or more", key="max_distance")
    shortest = min(similar.to, key=len) if isinstance(similar.to, tuple) else similar.to
    if distance >= len(shortest):
        message = f"with {counted(distance, 'edit')}, an empty output is near enough"
        hint = f"{shortest!r} has {counted(len(shortest), 'character')}; allow fewer edits"
        raise ArgumentError(message, key="max_distance", hint=hint)
    if similar.method not in {None, "levenshtein"}:
        message = f"'max_distance' counts edits, which '{similar.method}' does not"
        raise ArgumentError(message, key="max_distance", hint="write 'method: levenshtein'")


def _ratio(text: str, wanted: str) -> float:
    from rapidfuzz.distance import Indel

    return float(Indel.normalized_similarity(text, wanted))


def _partial(text: str, wanted: str) -> float:
    from rapidfuzz.fuzz import partial_ratio

    if len(text) <= len(wanted):
        return _ratio(text, wanted)
    return float(partial_ratio(text, wanted)) / 100


def _token_set(text: str, wanted: str) -> float:
    has, needs = set(text.split()), set(wanted.split())
    common = " ".join(sorted(has & needs))
    missing = " ".join(sorted(needs - has))
    whole = f"{common} {missing}".strip() if missing else common
    extra = f"{common} {' '.join(sorted(has - needs))}".strip()
    return max(_ratio(common, whole), _ratio(extra, whole))


def _levenshtein(text: str, wanted: str) -> float:
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_similarity(text, wanted))


_MEASURES: dict[Method, Callable[[str, str], float]] = {
    "ratio": _ratio,
    "partial": _partial,
    "token_set": _token_set,
    "levenshtein": _levenshtein,
}
