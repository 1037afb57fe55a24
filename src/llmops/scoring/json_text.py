"""JSON that a model wrote: read under limits, and looked into by a path.

Strict: the whole text is one JSON value. What the grammar allows but no reader should be made
to hold is refused as well, which RFC 8259 leaves to the reader: deep nesting and huge integers.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from llmops.scoring.limits import check_length

MAX_DEPTH = 100
"""How deep arrays and objects may be nested."""

MAX_CHARACTERS = 4 * 2**20
"""The longest text that is read as JSON."""


class NotJsonError(Exception):
    """The text is not JSON; the message says where and why, without the text's name."""


class NoSuchPathError(Exception):
    """A path leads nowhere; the message says at which step."""


def parse_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read a text as one JSON value.

    A repeated key keeps its last value. White space around the value is allowed, nothing else.

    Raises:
        NotJsonError: It is not JSON, it is nested deeper than 100, or it holds an integer of more
            than 4,300 digits.
        CannotScoreError: It is longer than 4 MiB.
    """
    check_length(len(text), "read as JSON", MAX_CHARACTERS)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise NotJsonError(_explain(text, error)) from None
    except ValueError:
        raise NotJsonError("it holds an integer of more than 4,300 digits") from None
    except RecursionError:
        raise NotJsonError(f"it is nested deeper than {MAX_DEPTH}") from None
    if _is_deep(text, value):
        raise NotJsonError(f"it is nested deeper than {MAX_DEPTH}")
    return value


def find(value: object, path: str) -> object:
    """Follow a path into a JSON value: `a.0.b` is key `a`, its first element, key `b`.

    Args:
        value: Where to start.
        path: Keys and indexes (from 0) with dots between; empty for the value itself.

    Raises:
        NoSuchPathError: There is nothing at the path.
    """
    steps = path.split(".") if path else []
    for done, step in enumerate(steps):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and _is_index(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            before = ".".join(steps[:done])
            raise NoSuchPathError(f"{f'{before!r}' if before else 'it'} {_lacks(value, step)}")
    return value


def is_path(path: str) -> bool:
    """Whether a path has no empty step."""
    return all(path.split("."))


def _refuse_constant(word: str) -> NoReturn:
    raise NotJsonError(f"{word} is not a JSON value")


def _explain(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "it is empty"
    if text.lstrip().startswith("```"):
        return "it starts with a Markdown fence"
    words = error.msg[0].lower() + error.msg[1:]
    return f"line {error.lineno}, column {error.colno}: {words}"


def _is_deep(text: str, value: object) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 12


def _lacks(value: object, step: str) -> str:
    if isinstance(value, Mapping):
        return f"has no '{step}'"
    if isinstance(value, list):
        return f"has {len(value):,} elements, and no '{step}'"
    return f"is no object or list, so it has no '{step}'"
