"""An assertion in a few words, such as `contains 'refund'`, for reports."""

import re
from collections.abc import Mapping
from itertools import islice

from llmops.domain.node import Node
from llmops.domain.suite import Assertion
from llmops.scoring.base import KINDS
from llmops.scoring.wording import quote, shorten

LIMIT = 60
"""The longest label, in characters."""

_PART = 40
_ENTRIES = 6
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_COMBINATORS = frozenset({"not", "any_of", "all_of"})


def label_of(assertion: Assertion) -> str:
    """The assertion's own name if it has one, or else its scorer and arguments in short.

    Args:
        assertion: One whose scorer exists.
    """
    if assertion.name and assertion.name.strip():
        return shorten(" ".join(assertion.name.split()), LIMIT)
    node = assertion.arguments
    whole = _claim(assertion.scorer, node.value, node)
    return shorten(f"{whole} on {assertion.on}" if assertion.on else whole, LIMIT)


def _claim(scorer: str, value: object, node: Node | None = None) -> str:
    if isinstance(value, str) and scorer not in _COMBINATORS:
        return f"{scorer} {_flow(value)}"
    if value is None or (value is True and KINDS[scorer].primary is None):
        return scorer
    if scorer in _COMBINATORS:
        return f"{scorer} {_claims(value)}"
    if node is not None and node.kind == "number":
        return f"{scorer} {node.typed}"
    return f"{scorer} {_flow(value)}"


def _claims(value: object) -> str:
    if isinstance(value, list):
        return _list([_claims(inner) for inner in value[: _ENTRIES + 1]])
    if isinstance(value, Mapping) and len(value) == 1:
        scorer, arguments = next(iter(value.items()))
        return _claim(scorer, arguments)
    return value if isinstance(value, str) else _flow(value)


def _flow(value: object) -> str:
    if isinstance(value, str):
        return quote(" ".join(value[: 4 * _PART].split()) or value, _PART)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = islice(value.items(), _ENTRIES + 1)
        return f"{{{_joined([f'{key}: {_bare(inner)}' for key, inner in pairs])}}}"
    if isinstance(value, list | tuple):
        return _list([_flow(inner) for inner in value[: _ENTRIES + 1]])
    return str(value)


def _bare(value: object) -> str:
    """A value after a key: a plain word needs no quotes."""
    if isinstance(value, str) and len(value) <= _PART and _PLAIN.fullmatch(value):
        return value
    return _flow(value)


def _list(shown: list[str]) -> str:
    return f"[{_joined(shown)}]"


def _joined(shown: list[str]) -> str:
    if len(shown) > _ENTRIES:
        shown = [*shown[:_ENTRIES], "…"]
    return ", ".join(shown)
