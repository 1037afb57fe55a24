"""The text of `labels.yaml` with one label set or taken out, and every other line as it was."""

import json
import re
from collections.abc import Callable, Mapping

from llmops.domain.config import Limits
from llmops.errors import InvalidInputError
from llmops.loading.labels import Labels, read_labels
from llmops.loading.nodes import parse_yaml

_HEADING = "# Which version each label means; moved by 'llmops label'.\n"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_SCALAR = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s#,}]+")
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
    labels = _parsed(text, path)
    wanted = _plain(labels)
    wanted.setdefault(prompt, {})[label] = target
    known = labels.get(prompt, {})

    def edit(lines: list[str]) -> None:
        if label in known:
            at = known[label].at
            before, after = lines[at.line - 1][: at.column - 1], lines[at.line - 1][at.column - 1 :]
            lines[at.line - 1] = before + _SCALAR.sub(target, after, count=1)
        elif known:
            last = max(value.at.line for value in known.values())
            indent = re.match(r"\s*", lines[last - 1])
            lines.insert(last, f"{indent[0] if indent else '  '}{label}: {target}\n")
        else:
            lines += ["" if text.endswith("\n") or not text else "\n"]
            lines += [f"{_key(prompt)}:\n", f"  {label}: {target}\n"]

    return _edited(text or _HEADING, path, wanted, edit)


def remove_label(text: str, path: str, prompt: str, label: str) -> str:
    """The file's text without a label, which must be there.

    Raises:
        InvalidInputError: The text is no file of labels.
    """
    labels = _parsed(text, path)
    wanted = _plain(labels)
    del wanted[prompt][label]
    if not wanted[prompt]:
        del wanted[prompt]
    at = labels[prompt][label].at

    def edit(lines: list[str]) -> None:
        del lines[at.line - 1]
        if prompt not in wanted:
            del lines[at.line - 2]

    return _edited(text, path, wanted, edit)


def _edited(text: str, path: str, wanted: _Plain, edit: Callable[[list[str]], None]) -> str:
    """The text with its lines edited; written anew when that does not say what is wanted."""
    lines = text.splitlines(keepends=True)
    if "\r\n" in text:
        lines = [line.replace("\r\n", "\n") for line in lines]
    edit(lines)
    made = "".join(lines)
    if not _says(made, path, wanted):
        made = _written(wanted)
    return made.replace("\n", "\r\n") if "\r\n" in text else made


def _says(text: str, path: str, wanted: _Plain) -> bool:
    try:
        return _plain(_parsed(text, path)) == wanted
    except InvalidInputError:
        return False


def _written(labels: Mapping[str, Mapping[str, str]]) -> str:
    lines = [_HEADING]
    for prompt, known in sorted(labels.items()):
        lines.append(f"{_key(prompt)}:\n")
        lines += [f"  {label}: {target}\n" for label, target in known.items()]
    return "".join(lines)


def _parsed(text: str, path: str) -> Labels:
    return read_labels(parse_yaml(text.encode(), path, Limits()))


def _plain(labels: Labels) -> _Plain:
    found = {
        name: {key: str(value) for key, value in known.items()} for name, known in labels.items()
    }
    return {name: known for name, known in found.items() if known}


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
