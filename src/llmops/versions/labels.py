"""The text of `labels.yaml` with one label set or taken out, and every other line as it was."""

import re
from collections.abc import Iterable, Iterator

from llmops.domain.config import Limits
from llmops.domain.node import Node
from llmops.errors import InvalidInputError
from llmops.loading.labels import Labels, read_labels
from llmops.loading.nodes import parse_yaml
from llmops.location import Location

_HEADING = "# Which version each label means; moved by 'llmops label'.\n"
_LINE = re.compile(r"[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\Z)")
"""A line as YAML sees it; Python would end one at a form feed, too."""
_ENDS = "\r\n\x85\u2028\u2029"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*|\d+\.\d+\.\d+[A-Za-z0-9.+-]*|[0-9a-f]{40,64}")
_WORDS = {"null", "true", "false"}
_SCALAR = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s#,}]+")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_Plain = dict[str, dict[str, str]]


def set_label(text: str, path: str, prompt: str, label: str, target: str) -> str:
    """The file's text with a label that means a version.

    Args:
        text: As it was; empty for a new file.
        path: The file's, for complaints.
        prompt: The prompt's name.
        label: The label.
        target: A claimed version or a commit's id.

    Raises:
        InvalidInputError: The text is no file of labels.
    """
    node = _node(text, path)
    wanted = _plain(read_labels(node))
    wanted.setdefault(prompt, {})[label] = target
    return _first_that_says(wanted, path, text, _set(text, node, prompt, f"{label}: {target}"))


def remove_label(text: str, path: str, prompt: str, label: str) -> str:
    """The file's text without a label, which must be there.

    Raises:
        InvalidInputError: The text is no file of labels.
    """
    node = _node(text, path)
    wanted = _plain(read_labels(node))
    del wanted[prompt][label]
    if not wanted[prompt]:
        del wanted[prompt]
    return _first_that_says(wanted, path, text, _removed(text, node, prompt, label))


def _first_that_says(wanted: _Plain, path: str, text: str, tries: Iterable[str]) -> str:
    """The first text that says what is wanted, the last resort being one written anew."""
    return next(made for made in (*tries, *_anew(wanted, text)) if _says(made, path, wanted))


def _says(text: str, path: str, wanted: _Plain) -> bool:
    try:
        return _plain(read_labels(_node(text, path))) == wanted
    except InvalidInputError:
        return False


def _set(text: str, node: Node, prompt: str, entry: str) -> Iterator[str]:
    """Texts in which a label might be set: in its place, beside the others, or at the end."""
    lines, end = _lines(text), _line_end(text)
    label, _, target = entry.partition(": ")
    at, child = _entry(node, prompt)
    if at is not None and child is not None:
        known = {key: value for key, _, value in child.entries()} if _is_mapping(child) else {}
        if label in known:
            yield _replaced(lines, known[label].at, _SCALAR, target)
        for value in reversed(known.values()):
            above = lines[value.at.line - 1]
            indent = above[: len(above) - len(above.lstrip(" "))]
            yield _inserted(lines, value.at.line, f"{indent}{entry}{end}")
        comma = "," if known else ""
        yield _replaced(lines, child.at, re.compile(r"\{"), f"{{{entry}{comma} ")
        yield _inserted(lines, at.line, f"{' ' * (at.column + 1)}{entry}{end}")
    last = [f"{_word(prompt)}:{end}", f"  {entry}{end}"]
    yield "".join([*(lines or [_HEADING]), *last])


def _removed(text: str, node: Node, prompt: str, label: str) -> Iterator[str]:
    """Texts in which a label might be gone, and the prompt's name with the last of them."""
    lines = _lines(text)
    at, child = _entry(node, prompt)
    if at is None or child is None:
        return
    places = {key: (place, value.at) for key, place, value in child.entries()}
    key, value = places[label]
    own = set(range(key.line, value.line + 1))
    yield _without(lines, own)
    yield _without(lines, {at.line, *own})
    head, after = _split(lines, key)
    pair = rf"{re.escape(label)}\s*:\s*(?:{_SCALAR.pattern})"
    yield head + re.sub(rf"^{pair}\s*,\s*", "", after, count=1)
    yield re.sub(r",\s*$", "", head) + re.sub(rf"^{pair}\s*", "", after, count=1)


def _anew(wanted: _Plain, text: str) -> Iterator[str]:
    """The file written anew below all the comments it had."""
    comments = [
        found[0] + "\n" for line in _lines(text) if (found := _COMMENT.search(line.strip()))
    ]
    for quoted in (False, True):
        made = comments or [_HEADING]
        for prompt, known in sorted(wanted.items()):
            made = [*made, f"{_word(prompt, quoted=quoted)}:\n"]
            made += [f"  {key}: {_word(value, quoted=quoted)}\n" for key, value in known.items()]
        yield "".join(made).replace("\n", _line_end(text))


def _lines(text: str) -> list[str]:
    """The lines with their ends; the last one has one, too."""
    lines = [line for line in _LINE.findall(text) if line]
    if lines and lines[-1][-1] not in _ENDS:
        lines[-1] += _line_end(text)
    return lines


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _inserted(lines: list[str], after: int, line: str) -> str:
    return "".join([*lines[:after], line, *lines[after:]])


def _without(lines: list[str], gone: set[int]) -> str:
    return "".join(line for number, line in enumerate(lines, start=1) if number not in gone)


def _replaced(lines: list[str], at: Location, old: re.Pattern[str], new: str) -> str:
    """The text with the first thing of a sort, from a place on, replaced."""
    head, after = _split(lines, at)
    return head + old.sub(lambda _: new, after, count=1)


def _split(lines: list[str], at: Location) -> tuple[str, str]:
    line = lines[at.line - 1]
    head, after = line[: at.column - 1], line[at.column - 1 :]
    return "".join([*lines[: at.line - 1], head]), "".join([after, *lines[at.line :]])


def _entry(node: Node, prompt: str) -> tuple[Location | None, Node | None]:
    entries = node.entries() if _is_mapping(node) else ()
    return next(((at, child) for name, at, child in entries if name == prompt), (None, None))


def _is_mapping(node: Node) -> bool:
    return node.kind == "mapping"


def _node(text: str, path: str) -> Node:
    return parse_yaml(text.encode(), path, Limits())


def _plain(labels: Labels) -> _Plain:
    found = {
        name: {key: str(value) for key, value in known.items()} for name, known in labels.items()
    }
    return {name: known for name, known in found.items() if known}


def _word(text: str, *, quoted: bool = False) -> str:
    """A scalar, in quotes where it would not be read as it is."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not quoted:
        return text
    return '"' + "".join(_escaped(one) for one in text) + '"'


def _escaped(one: str) -> str:
    if one in {'"', "\\"}:
        return f"\\{one}"
    return one if one.isprintable() else f"\\U{ord(one):08x}"
