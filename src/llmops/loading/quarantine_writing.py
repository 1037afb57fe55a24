"""The text of a suite's file with more cases in quarantine, and every other byte as it was."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from llmops.domain.config import Limits
from llmops.domain.flaky import Proposal
from llmops.domain.node import Node, plain
from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.loading.yaml_writing import scalar

_KEY: Final = "quarantine"
_LINE: Final = re.compile(r"[^\n]*(?:\n|\Z)")
_DAY: Final = re.compile(r"[^\s,}'\"]+")


def set_quarantine(text: str, path: str, proposals: Sequence[Proposal]) -> str:
    """Put cases into quarantine; one whose entry is over gets another day.

    Args:
        text: The suite's file as it was.
        path: The file's, for complaints.
        proposals: Each case once.

    Raises:
        InvalidInputError: The text is no YAML, or holds its entries in a form that is not edited.
    """
    for proposal in (one for one in proposals if one.renewed):
        text = _first(text, path, _renewals(text, path, proposal), [proposal])
    added = [one for one in proposals if not one.renewed]
    return _first(text, path, _additions(text, path, added), added) if added else text


def entry_lines(proposals: Sequence[Proposal], indent: str = "  ") -> list[str]:
    """The lines of entries, as they stand below `quarantine:`."""
    lines = []
    for one in proposals:
        lines.append(f"{indent}- case: {scalar(one.case)}")
        lines.append(f"{indent}  until: {one.until.isoformat()}")
        lines.append(f"{indent}  reason: {scalar(one.reason)}")
    return lines


def _first(text: str, path: str, tries: Iterator[str], wanted: Sequence[Proposal]) -> str:
    """The first text that says what is wanted and all that was said before."""
    before = plain(_node(text, path).value)
    for made in tries:
        if _says(made, path, before, wanted):
            return made
    raise InvalidInputError(
        f"the quarantine cannot be written into {path}",
        at=_node(text, path).at,
        code="not-writable",
        hint="paste the entries that 'llmops flaky' shows by hand",
    )


def _renewals(text: str, path: str, proposal: Proposal) -> Iterator[str]:
    """Texts in which the entry of a case has another last day."""
    entries = _node(text, path).get(_KEY)
    for entry in entries.elements() if entries is not None else ():
        case, until = entry.get("case"), entry.get("until")
        if case is None or until is None or case.typed != proposal.case:
            continue
        lines = _lines(text)
        line, start = until.at.line - 1, until.at.column - 1
        start += lines[line][start : start + 1] in {"'", '"'}
        day = _DAY.sub(proposal.until.isoformat(), lines[line][start:], count=1)
        yield "".join([*lines[:line], lines[line][:start] + day, *lines[line + 1 :]])


def _additions(text: str, path: str, added: Sequence[Proposal]) -> Iterator[str]:
    """Texts with more entries: below the last one, inside the brackets, or at the file's end."""
    node = _node(text, path)
    entries = node.get(_KEY)
    lines, end = _lines(text), "\r\n" if "\r\n" in text else "\n"
    if entries is None:
        margin = " " * (next(at for _, at, _ in node.entries()).column - 1)
        head = f"{margin}{_KEY}:"
        yield _inserted(lines, len(lines), [head, *entry_lines(added, f"{margin}  ")], end)
        return
    key = node.key_at(_KEY)
    if entries.kind == "list" and entries.value:
        last = list(entries.elements())[-1]
        start = lines[last.at.line - 1]
        indent = start[: len(start) - len(start.lstrip(" "))]
        place = _after(lines, last.at.line, len(indent))
        yield _inserted(lines, place, entry_lines(added, indent), end)
    margin = " " * (key.column - 1)
    line = lines[key.line - 1]
    emptied = re.sub(r":[^\S\r\n]*(?:\[\s*\]|~|null)?", ":", line[key.column - 1 :], count=1)
    bare = [*lines[: key.line - 1], line[: key.column - 1] + emptied, *lines[key.line :]]
    yield _inserted(bare, key.line, entry_lines(added, f"{margin}  "), end)


def _inserted(lines: Sequence[str], place: int, added: Sequence[str], end: str) -> str:
    above = [line for line in lines[:place] if line]
    if above and not above[-1].endswith("\n"):
        above[-1] += end
    return "".join([*above, *(f"{line}{end}" for line in added), *lines[place:]])


def _after(lines: Sequence[str], line: int, indent: int) -> int:
    """The number of lines up to the end of an element: those that are further to the right."""
    place = line
    for number in range(line, len(lines)):
        shown = lines[number].strip()
        if shown and len(lines[number]) - len(lines[number].lstrip(" ")) <= indent:
            break
        place = number + 1 if shown else place
    return place


def _says(text: str, path: str, before: Any, wanted: Sequence[Proposal]) -> bool:  # noqa: ANN401 - any JSON value
    try:
        after: Any = plain(_node(text, path).value)
    except InvalidInputError:
        return False
    renewed = {one.case: one.until.isoformat() for one in wanted if one.renewed}
    entries = [
        {**entry, "until": renewed.get(entry["case"], entry["until"])}
        for entry in before.get(_KEY) or ()
    ]
    entries += [
        {"case": one.case, "until": one.until.isoformat(), "reason": one.reason}
        for one in wanted
        if not one.renewed
    ]
    return bool(after == {**before, _KEY: entries})


def _lines(text: str) -> list[str]:
    return [line for line in _LINE.findall(text) if line]


def _node(text: str, path: str) -> Node:
    return parse_yaml(text.encode(), path, Limits())
