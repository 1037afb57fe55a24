"""Templates with a mark in each line, by which a rendered message shows what lines it is made of.

A mark is one character of Unicode's last private plane that stands for the number of a line in
the prompt's file. It is put between two characters of text, or beside an expression, so that
neither jinja's handling of white space nor a condition of the template sees it. Where a template
does look at its own text (`{% set %}` and a comparison, a length), the marked messages without
their marks are not the messages, which is how the caller learns of it.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from jinja2 import TemplateNotFound
from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.prompt import Message, Part, Placeholder, Prompt
from llmops.rendering.environment import Sandbox

_FIRST = 0x100000
_MOST = 0xFFFD
_MARK = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST)}]")
_WORD = re.compile(r"\S")
_Edit = tuple[int, int]
"""An offset in a template, and the line of the file that its text there comes from."""


class MarkedPrompt(Struct, frozen=True, kw_only=True):
    """A prompt whose messages show by marks what lines of its file they are made of.

    Attributes:
        lines: The numbers of the lines that hold text of a message, from 1.
    """

    prompt: Prompt
    lines: frozenset[int]


def mark_lines(prompt: Prompt, source: Sequence[str]) -> MarkedPrompt:
    """Put marks into the templates that stand in a prompt's own file.

    Args:
        prompt: A prompt whose templates compile.
        source: The lines of its file. Lines behind the 65,533rd get no marks.
    """
    marked: set[int] = set()
    messages = tuple(_of_entry(entry, prompt.path, source, marked) for entry in prompt.messages)
    return MarkedPrompt(prompt=replace(prompt, messages=messages), lines=frozenset(marked))


def lines_marked(text: str) -> set[int]:
    """The lines whose marks stand in a text."""
    return {ord(mark) - _FIRST for mark in _MARK.findall(text)}


def without_marks(text: str) -> str:
    """A text without its marks."""
    return _MARK.sub("", text)


def _of_entry(
    entry: Message | Placeholder, path: str, source: Sequence[str], marked: set[int]
) -> Message | Placeholder:
    """A message with marks, whose lines are added to `marked`."""
    if isinstance(entry, Placeholder):
        return entry
    parts: list[Part] = []
    for part in entry.parts:
        text = part.text
        if text is None or text.at.path != path:  # a text of what the prompt extends
            parts.append(part)
            continue
        edits = [(offset, line) for offset, line in _edits(text, source) if line < _MOST]
        marked.update(line for _, line in edits)
        parts.append(replace(part, text=replace(text, text=_with_marks(text.text, edits))))
    return replace(entry, parts=tuple(parts))


def _edits(text: Text, source: Sequence[str]) -> Iterator[_Edit]:
    """Where marks go in a template: into each line's first text, beside each expression."""
    spans = _spans(text, source)
    tokens = _tokens(text.text)
    for number, (offset, kind, value) in enumerate(tokens):
        if kind == "data":
            for line, start, end in _lines_between(spans, offset, offset + len(value)):
                found = _WORD.search(text.text, start, end)
                if found:
                    yield found.end(), line
        elif kind == "variable_begin":
            beside = _beside(tokens, number)
            if beside is not None:
                yield from (
                    (beside, line) for line, _, _ in _lines_between(spans, offset, offset + 1)
                )


def _beside(tokens: Sequence[tuple[int, str, str]], number: int) -> int | None:
    """A place beside an expression where no sign for white space looks, if it has one."""
    offset, _, begin = tokens[number]
    if begin == "{{":
        return offset
    ends = (token for token in tokens[number:] if token[1] == "variable_end")
    offset, _, end = next(ends)
    return None if end.startswith("-") else offset + len(end)


def _tokens(template: str) -> list[tuple[int, str, str]]:
    """Jinja's tokens with their offsets; the lexer leaves out nothing but white space."""
    found = []
    offset = 0
    for _, kind, value in Sandbox(_no_partial).lex(template):
        offset = template.index(value, offset)
        found.append((offset, kind, value))
        offset += len(value)
    return found


def _no_partial(name: str) -> NoReturn:
    raise TemplateNotFound(name)


def _spans(text: Text, source: Sequence[str]) -> list[tuple[int, int]]:
    """Which line of the file each part of a text comes from: where it begins, and the line.

    Literal, folded and plain text is found again line by line; what is written with escapes
    belongs to the line where it was last found.
    """
    first = text.at.line + text.block
    spans = [(0, first)]
    offset = 0
    for line in range(first, len(source) + 1):
        written = source[line - 1]
        if line == text.at.line:
            written = written[text.at.column - 1 :].lstrip("\"'")
        written = written.strip()
        start = offset + len(text.text[offset:]) - len(text.text[offset:].lstrip())
        shared = _shared(text.text[start : start + len(written)], written)
        if shared:
            spans.append((start, line))
            offset = start + shared
        if shared < len(written) or offset == len(text.text):
            break
    return spans


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common before they part."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _lines_between(
    spans: Sequence[tuple[int, int]], start: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """The lines that a part of a text comes from, each with where it begins and ends in it."""
    ends = [*(begin for begin, _ in spans[1:]), end]
    for (begin, line), stop in zip(spans, ends, strict=True):
        if max(begin, start) < min(max(stop, begin), end):
            yield line, max(begin, start), min(stop, end)


def _with_marks(template: str, edits: Sequence[_Edit]) -> str:
    pieces, before = [], 0
    for offset, line in sorted(edits):
        pieces += [template[before:offset], chr(_FIRST + line)]
        before = offset
    return "".join([*pieces, template[before:]])
