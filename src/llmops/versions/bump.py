"""The text of a prompt's file with another version or changelog, and every other byte as it was."""

import re
from collections.abc import Iterator

from llmops.domain.config import Limits
from llmops.domain.node import Node
from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.location import Location

_MARK = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n]|\Z)")
_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\s,}]+")
_PLAIN_LINE = re.compile(r"[^\r\n]*?(?=\s+#|\s*(?:[\r\n]|\Z))")
_PLAIN_FLOW = re.compile(r"[^\r\n,}]*?(?=\s*[,}])")
_WORD = re.compile(r"[A-Za-z](?:[\w ,.()/-]*[\w.)])?", re.ASCII)


def set_version(text: str, path: str, version: str) -> str:
    """The text of a prompt's file that claims a version.

    Args:
        text: As it was.
        path: The file's, for complaints.
        version: A semantic version.

    Raises:
        InvalidInputError: The text is no YAML, or the version cannot be put into it.
    """
    return _set(text, path, "version", version)


def set_changelog(text: str, path: str, message: str) -> str:
    """The text of a prompt's file, which claims a version, with a changelog.

    Args:
        text: As it was.
        path: The file's, for complaints.
        message: What changed.

    Raises:
        InvalidInputError: As `set_version`.
    """
    return _set(text, path, "changelog", message)


def _set(text: str, path: str, key: str, value: str) -> str:
    """The first text that says what is wanted and nothing else that it did not say before."""
    mark, text = (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)
    node = _node(text, path)
    for word in _words(value):
        for made in _tries(text, node, key, word):
            if _says(made, path, node, (key, value)):
                return mark + made
    child = node.get(key)
    raise InvalidInputError(
        f"the {key} cannot be written into {path}",
        at=child.at if child is not None else node.at,
        code="not-writable",
        hint=f"write '{key}: {value}' by hand",
    )


def _tries(text: str, node: Node, key: str, word: str) -> Iterator[str]:
    child = node.get(key)
    if child is None:
        yield from _inserted(text, node, key, word)
        return
    head, rest = _split(text, child.at)
    if child.kind == "nothing":
        before, after = _split(text, node.key_at(key))
        yield before + re.sub(r":[^\S\r\n]*(?:~|null)?", f": {word}", after, count=1)
        return
    if word == child.typed or not word.startswith('"'):
        line = _LINE.match(rest)
        if line is not None and child.typed in line[0]:
            yield head + rest.replace(child.typed, word, 1)
    for pattern in (_TOKEN, _PLAIN_LINE, _PLAIN_FLOW):
        yield head + pattern.sub(lambda _: word, rest, count=1)
    yield head + word + _after_block(rest, node)


def _inserted(text: str, node: Node, key: str, word: str) -> Iterator[str]:
    """Texts with a new entry: above the first one, a changelog below the version."""
    first = next(at for _, at, _ in node.entries())
    lines = _LINE.findall(text)
    line = first.line if key == "version" else node.key_at("version").line + 1
    indent = " " * (first.column - 1)
    end = "\r\n" if "\r\n" in text else "\n"
    above = lines[: line - 1]
    if above and not above[-1].endswith(("\r", "\n")):
        above[-1] += end
    yield "".join([*above, f"{indent}{key}: {word}{end}", *lines[line - 1 :]])
    head, rest = _split(text, first)
    yield f"{head}{key}: {word}, {rest}"


def _after_block(rest: str, node: Node) -> str:
    """What follows a value of several lines: the first line that is not pushed to the right."""
    margin = next(at for _, at, _ in node.entries()).column - 1
    first, *lines = _LINE.findall(rest)
    inside = 0
    for number, line in enumerate(lines, 1):
        shown = line.strip()
        if shown and len(line) - len(line.lstrip(" ")) <= margin:
            break
        inside = number if shown else inside
    last: str = [first, *lines][inside]
    return last[len(last.rstrip("\r\n")) :] + "".join(lines[inside:])


def _words(value: str) -> Iterator[str]:
    """The value as YAML: plain where that may do, else in quotes."""
    if _WORD.fullmatch(value) or value[:1].isdigit():
        yield value
    yield '"' + "".join(map(_escaped, value)) + '"'


def _escaped(one: str) -> str:
    if one in {'"', "\\"}:
        return f"\\{one}"
    if one == "\n":
        return "\\n"
    return one if one.isprintable() else f"\\U{ord(one):08x}"


def _says(text: str, path: str, before: Node, entry: tuple[str, str]) -> bool:
    """Whether a text has an entry, and all others as they were."""
    key, value = entry
    try:
        found = _node(text, path)
    except InvalidInputError:
        return False
    child = found.get(key) if found.kind == "mapping" else None
    kinds = {"text", "number"} if key == "version" else {"text"}
    if child is None or child.kind not in kinds or child.typed != value:
        return False
    return {**found.value, key: None} == {**before.value, key: None}


def _split(text: str, at: Location) -> tuple[str, str]:
    lines = _LINE.findall(text)
    line = lines[at.line - 1]
    head = "".join([*lines[: at.line - 1], line[: at.column - 1]])
    return head, "".join([line[at.column - 1 :], *lines[at.line :]])


def _node(text: str, path: str) -> Node:
    return parse_yaml(text.encode(), path, Limits())
