"""Which known request is nearest to an unknown one, and where the two first differ."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from llmops.domain.completion import Request, canonical_json

_WORD = re.compile(r"\w+")
_LONGEST_TEXT = 20_000
_RAREST = 12
_CANDIDATES = 64
_SHOWN = 24
_GONE = "\0 nothing at all"


class Nearest(Struct, frozen=True, kw_only=True):
    """The known request that differs least from the one that was asked.

    Attributes:
        request: The known one.
        sample: Its sample's number.
        words: The first difference, the known side first:
            `messages[1].content differs at character 17: 'Ada' / 'Bob'`.
    """

    request: Request
    sample: int
    words: str


class RequestIndex:
    """Known requests by their words, made once and asked often."""

    def __init__(self, known: Sequence[tuple[Request, int]]) -> None:
        self._known = known
        self._words = [frozenset(_words(request)) for request, _sample in known]
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(self._words):
            for word in words:
                self._by_word[word].append(number)

    def nearest(self, request: Request, sample: int) -> Nearest | None:
        """The nearest known request and its first difference; None when nothing is known.

        Only requests that share one of the rarest words are looked at, so a thousand misses
        in a thousand recordings stay quick.
        """
        if not self._known:
            return None
        words = frozenset(_words(request))
        best = max(self._candidates(words), key=lambda number: self._score(number, words, request))
        found, found_sample = self._known[best]
        return Nearest(
            request=found,
            sample=found_sample,
            words=_request_difference(found, found_sample, request, sample),
        )

    def _candidates(self, words: frozenset[str]) -> Sequence[int]:
        by_rarity = sorted(
            (word for word in words if word in self._by_word),
            key=lambda word: (len(self._by_word[word]), word),
        )
        found: dict[int, None] = {}
        for word in by_rarity[:_RAREST]:
            found.update(dict.fromkeys(self._by_word[word][:_CANDIDATES]))
            if len(found) >= _CANDIDATES:
                break
        return list(found) or range(min(len(self._known), _CANDIDATES))

    def _score(
        self, number: int, words: frozenset[str], request: Request
    ) -> tuple[float, bool, bool]:
        other = self._words[number]
        shared = len(words & other) / (len(words | other) or 1)
        known = self._known[number][0]
        same_rest = known.parameters == request.parameters and known.tools == request.tools
        return shared, known.model == request.model, same_rest


def first_difference(known: object, asked: object) -> str | None:
    """The first place where two JSON values differ, in words, the known side first."""
    return None if _same(known, asked) else _difference(known, asked, "")


def _same(known: object, asked: object) -> bool:
    """Whether two values are the same JSON: 1, 1.0 and true are not."""
    return canonical_json(known) == canonical_json(asked)


def _difference(known: object, asked: object, path: str) -> str:
    if isinstance(known, Mapping) and isinstance(asked, Mapping):
        return _in_mappings(known, asked, path)
    if isinstance(known, list | tuple) and isinstance(asked, list | tuple):
        return _in_lists(known, asked, path)
    if isinstance(known, str) and isinstance(asked, str):
        at = next(
            (i for i, (a, b) in enumerate(zip(known, asked, strict=False)) if a != b),
            min(len(known), len(asked)),
        )
        return f"{path} differs at character {at + 1}: {_shown(known, at)} / {_shown(asked, at)}"
    return f"{path} differs: {_shown(str(known))} / {_shown(str(asked))}"


def _in_mappings(known: Mapping[object, object], asked: Mapping[object, object], path: str) -> str:
    keys = dict.fromkeys((*known, *asked))
    key = next(key for key in keys if not _same(known.get(key, _GONE), asked.get(key, _GONE)))
    name = f"{path}.{key}" if path else str(key)
    if key not in asked:
        return f"{name} is not in the request"
    if key not in known:
        return f"{name} is not in the recording"
    return _difference(known[key], asked[key], name)


def _in_lists(known: Sequence[object], asked: Sequence[object], path: str) -> str:
    for number, (left, right) in enumerate(zip(known, asked, strict=False)):
        if not _same(left, right):
            return _difference(left, right, f"{path}[{number}]")
    return f"{path} has {len(known)} entries, not {len(asked)}"


def _request_difference(known: Request, known_sample: int, asked: Request, sample: int) -> str:
    words = first_difference(known.as_json(), asked.as_json())
    if words is not None:
        return words
    return f"sample {known_sample} is recorded, not sample {sample}"


def _shown(text: str, start: int = 0) -> str:
    """The text from where it differs, short, quoted, on one line."""
    part = text[start : start + _SHOWN]
    cut = "…" if len(text) > start + _SHOWN else ""
    return repr(part)[:-1] + cut + repr(part)[-1] if part else "nothing"


def _words(request: Request) -> Iterator[str]:
    for text in _texts(list(request.messages)):
        yield from _WORD.findall(text[:_LONGEST_TEXT].casefold())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
