"""Values as text, never longer than allowed: for `{{ … }}`, `~` and both ways to format."""

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from string import Formatter
from typing import Any, Final
from uuid import UUID

from jinja2 import Environment
from jinja2.runtime import Undefined
from jinja2.sandbox import SandboxedFormatter

from llmops.rendering.meter import CONTAINERS, LimitError, Meter

_ATOMS = frozenset({int, float, bool, type(None)})
LEAVES: Final = (date, time, Decimal, UUID, Undefined)
"""What is text as soon as it is written; writing what is undefined fails."""
_WRITTEN = (str, int, float, *LEAVES)
_FORMATTED = (str, int, float, date, time)
"""What a format such as `:>10` is handed to; a decimal of `1e999999999` would grow by it."""
_WIDEST = 1000
"""The largest width or precision of one placeholder."""
_PRINTF = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?[#0\- +]*(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?"
)
_NUMBER = re.compile(r"\d+")


class NotTextError(TypeError):
    """A macro, a function or a part of the template's machinery stands where text should."""


def text_of(value: object, meter: Meter) -> str:
    """Write a value as text.

    Raises:
        LimitError: The text would be too long.
        NotTextError: The value is no data.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value] # its type is str itself
    if kind in _ATOMS or isinstance(value, _WRITTEN):
        return str(value)
    if isinstance(value, CONTAINERS):
        meter.make(meter.size_of(value))
        return str(value)
    msg = f"{name_of(value)} is not text"
    raise NotTextError(msg)


def name_of(value: object) -> str:
    """What sort of value it is, in the user's words."""
    kind = type(value).__name__
    return _WORDS.get(kind, f"a value of type {kind}")


def printf(meter: Meter, template: str, values: object) -> str:
    """`'%s' % value`, refused when the text would grow too long.

    Raises:
        LimitError: A width is too large, or the text would be too long.
    """
    lengths = _lengths(values, meter)
    size = len(template)
    if not isinstance(values, dict):
        size += sum(lengths.values())
    for found in _PRINTF.finditer(template):
        meter.spend(6)
        size += _width(found["width"]) + _width(found["precision"]) + lengths.get(found["key"], 0)
    meter.make(size)
    return template % values


def _lengths(values: object, meter: Meter) -> dict[object, int]:
    if isinstance(values, dict):
        return {key: _length(value, meter) for key, value in values.items()}
    listed = values if isinstance(values, tuple) else (values,)
    return {number: _length(value, meter) for number, value in enumerate(listed)}


def _length(value: object, meter: Meter) -> int:
    if isinstance(value, int | float):
        return 400 if isinstance(value, float) else value.bit_length() // 3 + 3
    if isinstance(value, str):
        return len(value)
    return len(text_of(value, meter))


def _width(written: str | None) -> int:
    if not written:
        return 0
    if written == "*" or len(written) > 4 or int(written) > _WIDEST:
        msg = f"a width of '{written}' is too large: the most is {_WIDEST}"
        raise LimitError(msg)
    return int(written)


class BoundedFormatter(SandboxedFormatter):
    """`'{}'.format(value)`, with every field counted and every attribute checked."""

    def __init__(self, environment: Environment, meter: Meter) -> None:
        super().__init__(environment)
        self._meter = meter

    def format_field(self, value: object, format_spec: str) -> str:
        """Format one field."""
        self._meter.spend(10)
        for number in _NUMBER.findall(format_spec):
            _width(number)
        if not isinstance(value, _FORMATTED) or not format_spec:
            value = text_of(value, self._meter)
        made: str = Formatter.format_field(self, value, format_spec)
        self._meter.make(len(made))
        return made

    def convert_field(self, value: object, conversion: Any) -> object:  # noqa: ANN401 - as in the standard library
        """Apply `!r`, `!s` or `!a`."""
        if conversion is not None:
            text_of(value, self._meter)
        converted: object = Formatter.convert_field(self, value, conversion)
        return converted


_WORDS: Mapping[str, str] = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "nothing",
    "dict": "a mapping",
    "PlacedMapping": "a mapping",
    "list": "a list",
    "PlacedList": "a list",
    "tuple": "a list",
    "range": "a list",
    "Macro": "a macro",
    "Namespace": "a namespace",
    "LoopContext": "the loop",
    "function": "a function",
    "builtin_function_or_method": "a function",
    "type": "a function",
    "TemplateReference": "the template",
    "TemplateModule": "an imported file",
    "BlockReference": "a block",
}
