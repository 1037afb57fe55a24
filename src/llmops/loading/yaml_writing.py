"""Plain values in, YAML out that people read and that says the very same when it is read back.

Text stands as a block, line by line, where that keeps every character; else in double quotes, where
what cannot be seen is an escape. Half a character (a lone surrogate) no YAML can hold: such a text
becomes a mapping `{json: "…"}` of its JSON.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from llmops.domain.completion import canonical_json
from llmops.domain.config import Limits
from llmops.domain.node import Node, plain
from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.loading.scalars import resolve_scalar

JSON_KEY: Final = "json"
_STEP: Final = "  "
_PROBE_DEPTH: Final = 2
"""How deep a text stands where it is tried out."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_./ -]*[A-Za-z0-9_./-])?")
_YAML_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Words that other programs would read as true or false."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\uffff\U000e0000-\U000e0fff]"
)
"""What a reader would not see, or a parser would not take as it is; tabs and newlines excepted."""
_UNBOUND: Final = Limits(yaml_bytes=2**30)
_BLANKS_AT_END: Final = re.compile(r"[ \t]$", re.MULTILINE)


def yaml_text(
    value: Mapping[str, object] | list[object] | tuple[object, ...], depth: int = 0
) -> Iterator[str]:
    """Write a mapping or a list of plain values, line by line.

    Args:
        value: What to write: mappings whose keys are plain words, lists, scalars, and what is
            marked as a `Flow` or a `Block`.
        depth: How many steps it is pushed to the right.
    """
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _entry(f"{_STEP * depth}{key}:", child, depth)
    else:
        for child in value:
            yield from _element(child, depth)


class Flow:
    """A JSON value that is written on one line."""

    def __init__(self, value: object) -> None:
        self.value = value


class Block:
    """A text that is written as a block where it can be."""

    def __init__(self, text: str) -> None:
        self.text = text


def text_of(node: Node) -> str | None:
    """Read a text that `yaml_text` wrote; None when the node is none."""
    if node.kind == "mapping":
        found = value_of(node)
        return found if isinstance(found, str) else None
    return node.typed if node.kind in {"text", "number", "boolean"} else None


def value_of(node: Node) -> Any:  # noqa: ANN401 - any JSON value
    """Read a value that a `Flow` wrote; a `{json: …}` that is no JSON stands for itself."""
    value: Any = plain(node.value)
    if not _is_wrapped(value):
        return value
    try:
        return json.loads(value[JSON_KEY])
    except (ValueError, RecursionError):
        return value


def scalar(value: object) -> str:
    """Write one scalar on one line."""
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    if _SURROGATE.search(value):
        return _wrapped(value)
    if _PLAIN.fullmatch(value) and resolve_scalar(value) == value:
        return value if value.casefold() not in _YAML_1_1 else f'"{value}"'
    return _quoted(value)


def _entry(start: str, child: object, depth: int) -> Iterator[str]:
    if isinstance(child, Block):
        yield f"{start} {_block(child.text, depth + 1)}"
    elif isinstance(child, Flow):
        yield f"{start} {_flow(child.value)}"
    elif isinstance(child, Mapping | list | tuple):
        if not child:
            yield f"{start} {_flow(child)}"
            return
        yield start
        yield from yaml_text(child, depth + 1)
    else:
        yield f"{start} {scalar(child)}"


def _element(child: object, depth: int) -> Iterator[str]:
    """An element; a mapping's first key stands on the line of its dash."""
    if not isinstance(child, Mapping) or not child:
        yield from _entry(f"{_STEP * depth}-", child, depth)
        return
    lines = yaml_text(child, depth + 1)
    yield f"{_STEP * depth}- {next(lines).removeprefix(_STEP * (depth + 1))}"
    yield from lines


def _block(text: str, depth: int) -> str:
    """A text over several lines, each of which is a line of the file."""
    if _SURROGATE.search(text):
        return _wrapped(text)
    forms: list[Callable[[str, int], str]] = []
    if text.strip("\n") and not _UNSEEN.search(text) and not _BLANKS_AT_END.search(text):
        forms.append(_literal)
    if "\n" in text:
        forms.append(_quoted_lines)
    for form in forms:
        if _reads_as(form(text, _PROBE_DEPTH), text):
            return form(text, depth)
    return _quoted(text)


def _literal(text: str, depth: int) -> str:
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    chomping = ("-", "")[ends] if ends < 2 else "+"
    indented = str(len(_STEP)) if body[0] in " \n" else ""
    lines = [f"{_STEP * depth}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([f"|{indented}{chomping}", *lines, *[""] * (ends - 1)])


def _quoted_lines(text: str, depth: int) -> str:
    *whole, last = text.split("\n")
    lines = [_quoted(f"{line}\n")[1:-1] for line in whole] + ([_quoted(last)[1:-1]] if last else [])
    shown = [f"\\{line}" if line.startswith(" ") else line for line in lines]
    return '"\\\n' + "\\\n".join(f"{_STEP * depth}{line}" for line in shown) + '"'


def _quoted(text: str) -> str:
    return _UNSEEN.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _flow(value: object) -> str:
    """A value on one line, as JSON, which is YAML as well: nearly."""
    text = _UNSEEN.sub(_escape, json.dumps(value, ensure_ascii=False, allow_nan=False))
    if _SURROGATE.search(text) or _is_wrapped(value) or not _reads_as(text, value):
        return _wrapped(value)
    return text


def _wrapped(value: object) -> str:
    return f"{{{JSON_KEY}: {_quoted(json.dumps(value, allow_nan=False))}}}"


def _is_wrapped(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {JSON_KEY} and isinstance(value["json"], str)


def _reads_as(text: str, value: object) -> bool:
    try:
        node = parse_yaml(f"v:\n{_STEP}w: {text}\n".encode(), "", _UNBOUND)
        read = plain(node.value["v"]["w"])
        return type(read) is type(value) and canonical_json(read) == canonical_json(value)
    except (InvalidInputError, TypeError):
        return False
