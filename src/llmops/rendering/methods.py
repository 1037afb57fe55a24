"""What templates may take from a value with a dot, and how methods of text are kept small."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2.environment import TemplateModule
from jinja2.runtime import BlockReference, LoopContext, Macro, TemplateReference
from jinja2.utils import Namespace

from llmops.rendering.meter import CONTAINERS, LimitError, Meter


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


_TEXT = _words(
    "capitalize casefold center count endswith find format index isalnum isalpha isascii"
    " isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join"
    " ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition"
    " rsplit rstrip split splitlines startswith strip swapcase title upper zfill"
)
_LOOP = _words(
    "index index0 revindex revindex0 first last length depth depth0 previtem nextitem cycle changed"
)
_ATTRIBUTES: tuple[tuple[type | tuple[type, ...], frozenset[str]], ...] = (
    (str, _TEXT),
    (dict, frozenset({"items", "keys", "values", "get"})),
    ((list, tuple), frozenset({"index", "count", "grouper", "list"})),
    (LoopContext, _LOOP),
    (BlockReference, frozenset({"super"})),
)
_OPEN = (Namespace, TemplateModule, TemplateReference)
_CALLED = (Macro, LoopContext, BlockReference)
_METHODS_OF = (str, dict, list, tuple, LoopContext)
_TRIMMED = 100
"""The most characters that `strip` looks for: each is sought in turn."""


def allowed_attribute(owner: object, name: str) -> bool:
    """Whether a template may take an attribute from a value."""
    if name.startswith("_"):
        return False
    if isinstance(owner, _OPEN):
        return True
    return any(isinstance(owner, kind) and name in names for kind, names in _ATTRIBUTES)


def allowed_call(function: object) -> bool:
    """Whether a template may call a value: a macro, a loop, a block, or a method of plain data."""
    return isinstance(function, _CALLED) or isinstance(
        getattr(function, "__self__", None), _METHODS_OF
    )


def call_method_of_text(
    meter: Meter, function: Callable[..., object], values: Sequence[Any], named: Mapping[str, Any]
) -> object:
    """Call a method of text once what it would make is known to be small.

    Raises:
        LimitError: It would grow too large.
    """
    owner: str = function.__self__  # type: ignore[attr-defined] # it is a method of text
    bound = _GROWING.get(function.__name__)
    if bound is None:
        meter.spend(1 + (len(owner) >> 4))
    else:
        meter.make(bound(meter, owner, *values))
    return meter.accept(function(*values, **named))


def replaced_size(owner: str, old: str, new: str, count: int = -1) -> int:
    """How long a text is at most once `old` is replaced by `new`."""
    found = owner.count(old) if old else len(owner) + 1
    times = found if count < 0 else min(found, count)
    return len(owner) + times * len(new)


def joined_size(meter: Meter, separator: str, values: object) -> int:
    """How long a text is at most once values are joined."""
    count = len(values) if isinstance(values, (str, *CONTAINERS)) else 0
    return meter.size_of(values) + len(separator) * count


def padded_size(owner: str, width: int) -> int:
    """How long a text is once it is padded."""
    return max(len(owner), width)


def check_trimmed(characters: object) -> None:
    """Refuse to trim more kinds of characters than is quick.

    Raises:
        LimitError: There are too many.
    """
    if isinstance(characters, str) and len(characters) > _TRIMMED:
        msg = f"more than {_TRIMMED} characters are to be trimmed"
        raise LimitError(msg)


def _padded(_: Meter, owner: str, width: int, *_fill: object) -> int:
    return padded_size(owner, width)


def _stripped(_: Meter, owner: str, characters: object = None) -> int:
    check_trimmed(characters)
    return len(owner)


def _replaced(_: Meter, owner: str, *values: Any) -> int:  # noqa: ANN401 - whatever the template hands over
    return replaced_size(owner, *values)


_GROWING: Mapping[str, Callable[..., int]] = {
    "center": _padded,
    "join": joined_size,
    "ljust": _padded,
    "lstrip": _stripped,
    "replace": _replaced,
    "rjust": _padded,
    "rstrip": _stripped,
    "strip": _stripped,
    "zfill": _padded,
}
