"""The filters whose result can outgrow what it is made of, each with a look beforehand."""

import html
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from jinja2.filters import do_batch, do_indent, do_round, sync_do_slice
from jinja2.runtime import Context
from jinja2.utils import pass_context

from llmops.rendering.meter import CONTAINERS, LISTS, LimitError, Meter
from llmops.rendering.methods import check_trimmed, joined_size, padded_size, replaced_size
from llmops.rendering.text import printf, text_of
from llmops.rendering.undefined import demand

_MOST = 10_000
"""The most lists that `batch` and `slice` make, and elements in one of `batch`."""
_INDENT = 16
_DIGITS = 100


def _batch(
    meter: Meter, values: Iterable[object], linecount: int, fill_with: object = None
) -> object:
    _check_count(linecount)
    meter.spend(elements_of(values) + 4 * linecount)
    return list(do_batch(values, linecount, fill_with))


def _slice(
    meter: Meter, values: Collection[object], slices: int, fill_with: object = None
) -> object:
    _check_count(slices)
    meter.spend(elements_of(values) + 16 * slices)
    return list(sync_do_slice(values, slices, fill_with))


def elements_of(value: object) -> int:
    """The work of walking over a value once."""
    return 1 + 8 * len(value) if isinstance(value, (str, *CONTAINERS)) else 1


def _check_count(count: object) -> None:
    if not isinstance(count, int) or not 1 <= count <= _MOST:
        msg = f"{count!r} is not a whole number from 1 to {_MOST:,}"
        raise LimitError(msg)


def _center(meter: Meter, value: object, width: int = 80) -> str:
    text = text_of(value, meter)
    meter.make(padded_size(text, width))
    return text.center(width)


def _escape(meter: Meter, value: object) -> str:
    text = text_of(value, meter)
    meter.make(len(text) + 5 * sum(text.count(character) for character in "&<>\"'"))
    return html.escape(text)


def _format(meter: Meter, template: object, *values: object, **named: object) -> str:
    if values and named:
        msg = "'format' takes values or names, not both"
        raise TypeError(msg)
    return printf(meter, text_of(template, meter), named or values)


def _indent(
    meter: Meter,
    value: object,
    width: int | str = 4,
    first: bool = False,  # noqa: FBT001, FBT002 - jinja's own signature
    blank: bool = False,  # noqa: FBT001, FBT002 - jinja's own signature
) -> str:
    text = text_of(value, meter)
    step = width if isinstance(width, int) else len(width)
    meter.make(len(text) + max(step, 0) * (text.count("\n") + 1))
    return do_indent(text, width, first, blank)


@pass_context
def _join(
    meter: Meter,
    context: Context,
    values: Iterable[object],
    separator: object = "",
    attribute: str | int | None = None,
) -> str:
    if attribute is not None:
        values = _each(values, attribute, context)
    mark = text_of(separator, meter)
    meter.make(joined_size(meter, mark, values))
    return str(meter.accept(mark.join(text_of(value, meter) for value in values)))


def _each(values: object, attribute: str | int, context: Context) -> list[object]:
    named = {"attribute": attribute}
    return list(context.environment.call_filter("map", values, kwargs=named, context=context))


def _replace(
    meter: Meter, value: object, old: object, new: object, count: int | None = None
) -> str:
    text, before, after = (text_of(part, meter) for part in (value, old, new))
    most = -1 if count is None else count
    meter.make(replaced_size(text, before, after, most))
    return text.replace(before, after, most)


def _round(meter: Meter, value: Any, precision: object = 0, method: Any = "common") -> object:  # noqa: ANN401 - do_round complains of wrong ones itself
    demand(value)
    if not isinstance(precision, int) or abs(precision) > _DIGITS:
        msg = f"a precision of {precision!r} is too large: the most is {_DIGITS}"
        raise LimitError(msg)
    return meter.accept(do_round(value, precision, method))


def _safe(_: Meter, value: object) -> object:
    return value


def _string(meter: Meter, value: object) -> str:
    return text_of(value, meter)


@pass_context
def _sum(
    meter: Meter,
    context: Context,
    values: Iterable[object],
    attribute: str | int | None = None,
    start: object = 0,
) -> object:
    if attribute is not None:
        values = _each(values, attribute, context)
    numbers = [*values, start]
    meter.spend(4 * len(numbers))
    adding = [number for number in numbers if isinstance(number, int | float)]
    for number in numbers:
        if not isinstance(number, int | float):
            msg = f"'sum' adds numbers, not {text_of(number, meter)[:40]!r}"
            raise TypeError(msg)
    return meter.accept(sum(adding))


def _tojson(meter: Meter, value: object, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= _INDENT:
        msg = f"an indent of {indent!r} is not between 0 and {_INDENT}"
        raise LimitError(msg)
    meter.make(meter.size_of(value))
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent, default=_listed)
    if indent is None:
        return str(meter.accept(encoder.encode(value)))
    pieces = []
    for piece in encoder.iterencode(value):
        meter.spend(4)
        meter.make(len(piece))
        pieces.append(piece)
    return str(meter.accept("".join(pieces)))


def _listed(value: Any) -> object:  # noqa: ANN401 - as json calls it
    demand(value)
    if isinstance(value, LISTS):
        return list(value)
    msg = f"a value of type {type(value).__name__} has no form in JSON"
    raise TypeError(msg)


def _trim(meter: Meter, value: object, chars: str | None = None) -> str:
    text = text_of(value, meter)
    check_trimmed(chars)
    meter.make(len(text))
    return text.strip(chars)


GROWING_FILTERS: Mapping[str, Callable[..., object]] = {
    "batch": _batch,
    "center": _center,
    "e": _escape,
    "escape": _escape,
    "format": _format,
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "safe": _safe,
    "slice": _slice,
    "string": _string,
    "sum": _sum,
    "tojson": _tojson,
    "trim": _trim,
}
"""Each takes the meter, then what jinja's own filter of that name takes."""
