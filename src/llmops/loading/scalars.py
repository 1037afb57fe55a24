"""Plain YAML scalars in, values out, by YAML 1.2's core schema."""

import re
from typing import Any

_CONSTANTS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_MAYBE_SPECIAL = frozenset("-+.0123456789~nNtTfF")


def resolve_scalar(text: str) -> Any:  # noqa: ANN401 - a YAML scalar is one of five types
    """Read a plain scalar: null, boolean, number or else text.

    `no`, `on`, `12:30`, dates, `.inf` and `.nan` are text; so is a number too large to hold.
    """
    if text and text[0] not in _MAYBE_SPECIAL:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if abs(value) != float("inf") else text
    return text
