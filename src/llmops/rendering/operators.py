"""The operators that can make something large out of something small, with a look beforehand."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from llmops.rendering.meter import LISTS, Meter
from llmops.rendering.text import printf


def _add(meter: Meter, left: Any, right: Any) -> object:  # noqa: ANN401 - whatever stands beside the sign
    if isinstance(left, str) and isinstance(right, str):
        meter.make(len(left) + len(right))
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        meter.accept_whole((left, right))
    return meter.accept(left + right)


def _subtract(meter: Meter, left: Any, right: Any) -> object:  # noqa: ANN401 - as above
    if isinstance(left, LISTS):
        meter.accept_whole((left, right))
    return left - right


def _multiply(meter: Meter, left: Any, right: Any) -> object:  # noqa: ANN401 - as above
    if isinstance(left, int) and isinstance(right, int):
        meter.accept_bits(left.bit_length() + right.bit_length())
        return left * right
    many, times = (right, left) if isinstance(left, int) else (left, right)
    if isinstance(times, int) and isinstance(many, str):
        meter.make(len(many) * max(times, 0))
    elif isinstance(times, int) and isinstance(many, list | tuple):
        meter.accept_whole(many, max(times, 0))
    return left * right


def _raise(meter: Meter, left: Any, right: Any) -> object:  # noqa: ANN401 - as above
    if isinstance(left, int) and isinstance(right, int):
        meter.accept_bits(left.bit_length() * abs(right))
    return left**right


def _modulo(meter: Meter, left: Any, right: Any) -> object:  # noqa: ANN401 - as above
    if isinstance(left, str):
        return printf(meter, left, right)
    return operator.mod(left, right)


GROWING: Mapping[str, Callable[[Meter, Any, Any], object]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "**": _raise,
    "%": _modulo,
}
"""Each takes the meter and both sides, and raises `LimitError` if the result would be too large."""
