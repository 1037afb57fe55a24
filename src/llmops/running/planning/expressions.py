"""Expressions of `-k`: words with `and`, `or`, `not` and parentheses."""

import re
from collections.abc import Callable

from llmops.errors import InvalidInputError

Condition = Callable[[str], bool]

_DEEPEST = 50
"""Levels of an expression; more would only be written to break the parser."""


def parse_expression(text: str) -> Condition:
    """Read a `-k` expression: `refund and not (slow or french)`.

    Returns:
        A test of the words of a case: any word of the expression may stand anywhere in them,
        whatever its case.

    Raises:
        InvalidInputError: The expression cannot be read; the message says where.
    """
    return _Expression(text).parse()


class _Expression:
    """A recursive-descent parser of `or`, `and`, `not`, parentheses and words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(m[0], m.start()) for m in re.finditer(r"[()]|[^\s()]+", text)]
        self._next = 0
        self._depth = 0

    def parse(self) -> Condition:
        condition = self._either()
        if self._next < len(self._tokens):
            raise self._wrong("expected 'and', 'or' or the end")
        return condition

    def _peek(self) -> str | None:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else None

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._next += 1
        return True

    def _either(self) -> Condition:
        options = [self._both()]
        while self._take("or"):
            options.append(self._both())
        return lambda words: any(option(words) for option in options)

    def _both(self) -> Condition:
        parts = [self._negated()]
        while self._take("and"):
            parts.append(self._negated())
        return lambda words: all(part(words) for part in parts)

    def _negated(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"more than {_DEEPEST} levels of 'not' and parentheses")
        condition = self._inner()
        self._depth -= 1
        return condition

    def _inner(self) -> Condition:
        if self._take("not"):
            inner = self._negated()
            return lambda words: not inner(words)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._wrong("expected ')'")
            return inner
        return self._word()

    def _word(self) -> Condition:
        word = self._peek()
        if word is None or word in {"and", "or", ")"}:
            raise self._wrong("expected a word")
        self._next += 1
        folded = word.casefold()
        return lambda words: folded in words

    def _wrong(self, what: str) -> InvalidInputError:
        at_end = self._next >= len(self._tokens)
        column = len(self._text) if at_end else self._tokens[self._next][1]
        return InvalidInputError(
            f"-k '{self._text}': {what} at character {column + 1}",
            code="usage",
            hint="write words with and, or, not and parentheses",
        )
