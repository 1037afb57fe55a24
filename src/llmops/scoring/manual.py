"""Manual pages of scorers, from their docstrings, arguments and examples."""

import inspect
from collections.abc import Sequence

from llmops.loading.shapes import json_schema
from llmops.scoring.base import ScorerExample, ScorerKind

_INTRODUCTION = """\
# Scorers

<!-- Written by the code: `pytest tests/scoring/test_manual.py --rewrite`. -->

An assertion is a mapping with one scorer's key. Beside it may stand `on` (what is judged),
`metric`, `weight`, `soft` and `name`. A scorer either passes, fails, or cannot judge; what cannot
be judged is *unscored*, and a trial with an unscored assertion is never green.

Common to all: text is compared in Unicode's composed form (NFC), with case unless `ignore_case` is
set, and with white space as it stands. What is no text (an application's JSON answer, tool calls,
`json.<path>`) is written as JSON with sorted keys before a text scorer reads it. What `on` names
but the model did not give is a failure.
"""
_VERDICTS = {True: "yes", False: "no", None: "unscored"}


def manual_page(kind: ScorerKind, *, level: int = 1) -> str:
    """A scorer's manual page in Markdown.

    Args:
        kind: The scorer.
        level: Of its heading, 1 for a page of its own.
    """
    parts = [f"{'#' * level} {kind.name}", inspect.cleandoc(kind.cls.__doc__ or "")]
    if kind.extra:
        parts.append(f"Needs the extra `{kind.extra}`: `pip install 'llmops[{kind.extra}]'`.")
    if kind.on not in {"", "text"}:
        parts.append(f"Judges `{kind.on}` unless `on` says otherwise.")
    parts += [table for table in (_arguments(kind), _examples(kind)) if table]
    return "\n\n".join(parts) + "\n"


def reference_page(kinds: Sequence[ScorerKind]) -> str:
    """The manual pages of several scorers in one Markdown document."""
    index = ["| scorer | holds when |", "|---|---|"]
    index += [f"| [`{kind.name}`](#{kind.name}) | {first_sentence(kind)} |" for kind in kinds]
    pages = [manual_page(kind, level=2) for kind in kinds]
    return "\n".join([_INTRODUCTION, "\n".join(index), "", "\n".join(pages)])


def first_sentence(kind: ScorerKind) -> str:
    """The first line of a scorer's page, which says when it passes."""
    return inspect.cleandoc(kind.cls.__doc__ or "").split("\n", 1)[0]


def _arguments(kind: ScorerKind) -> str:
    schema = json_schema(kind.cls)
    if not schema["properties"]:
        return ""
    required = schema.get("required", ())
    lines = ["| argument | what it is |", "|---|---|"]
    for key, part in schema["properties"].items():
        marks = " **(required)**" if key in required else ""
        short = f" `{kind.name}: …` is short for it." if key == kind.primary else ""
        lines.append(f"| `{key}` | {_cell(part.get('description', ''))}{short}{marks} |")
    return "\n".join(lines)


def _examples(kind: ScorerKind) -> str:
    if not kind.examples:
        return ""
    lines = ["| assertion | output | holds |", "|---|---|---|"]
    lines += [_example(kind, example) for example in kind.examples]
    return "\n".join(lines)


def _example(kind: ScorerKind, example: ScorerExample) -> str:
    written = f"{kind.name}: {example.arguments}" if example.arguments else kind.name
    shown = _code(example.output) if example.output else "*empty*"
    if example.completion:
        shown = ", ".join(f"{key}: {value}" for key, value in example.completion.items())
    return f"| {_code(written)} | {_cell(shown)} | {_VERDICTS[example.passes]} |"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return _cell(f"{fence}{space}{text.replace(chr(10), '⏎')}{space}{fence}")


def _cell(text: str) -> str:
    return text.replace("\\|", "|").replace("|", "\\|")
