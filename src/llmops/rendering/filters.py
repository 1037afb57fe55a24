"""The filters a template may use: jinja's own with their work counted, and ours where they grow.

Left out are those that need HTML, chance, or more time than their input warrants.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import FILTERS

from llmops.rendering.growing_filters import GROWING_FILTERS, elements_of
from llmops.rendering.meter import Meter
from llmops.rendering.undefined import demand

Filter = Callable[..., Any]
Cost = Callable[[Meter, object], int]

_CONSTANT = (
    "abs",
    "count",
    "d",
    "default",
    "filesizeformat",
    "first",
    "float",
    "int",
    "last",
    "length",
)
_ELEMENTS = ("items", "list", "map", "reject", "rejectattr", "reverse", "select", "selectattr")
_TEXT = ("capitalize", "lower", "title", "truncate", "upper", "urlencode", "wordcount")
_DEEP = ("dictsort", "groupby", "max", "min", "sort", "unique")


_DEFAULT = FILTERS["default"]
"""The one filter that is for what is missing."""
_CALL = 4
"""What calling a filter costs, whatever it does."""


def bounded_filters(meter: Meter) -> dict[str, Filter]:
    """Every filter by name, counting its work on the meter."""
    costs: tuple[tuple[tuple[str, ...], Cost], ...] = (
        (_CONSTANT, _few),
        (_ELEMENTS, _many),
        (_TEXT, _text),
        (_DEEP, _deep),
    )
    whole: dict[str, Filter] = {}
    for names, cost in costs:
        whole |= {name: _counted(FILTERS[name], meter, cost) for name in names}
    for name, function in GROWING_FILTERS.items():
        whole[name] = functools.update_wrapper(functools.partial(function, meter), function)
    return whole


def _counted(function: Filter, meter: Meter, cost: Cost) -> Filter:
    subject = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def counted(*values: Any, **named: Any) -> object:  # noqa: ANN401 - a filter takes anything
        if function is not _DEFAULT:
            demand(values[subject])
        meter.spend(_CALL + cost(meter, values[subject]))
        return meter.accept(function(*values, **named))

    return counted


def _few(_: Meter, subject: object) -> int:
    return 1 + (len(subject) >> 4) if isinstance(subject, str) else 1


def _many(_: Meter, subject: object) -> int:
    return elements_of(subject)


def _text(meter: Meter, subject: object) -> int:
    size = meter.size_of(subject)
    meter.make(size)
    return 1 + size


def _deep(meter: Meter, subject: object) -> int:
    return 8 * elements_of(subject) + (meter.size_of(subject) >> 2)


_HTML = "jinja's filters for HTML are left out, for a prompt is no page"
LEFT_OUT: Mapping[str, str] = {
    "attr": "write the name behind a dot",
    "forceescape": _HTML,
    "pprint": "write '|tojson(2)'",
    "random": "a prompt must be the same each time; choose before it is rendered",
    "striptags": _HTML,
    "urlize": _HTML,
    "wordwrap": "wrap the text before it is handed in",
    "xmlattr": _HTML,
}
"""Filters of jinja's that there are not, and the way out."""
