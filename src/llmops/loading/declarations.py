"""Keys declared as fields of dataclasses: how each is written, what it means, what it may be."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from msgspec import Struct, structs

from llmops.domain.node import Node
from llmops.loading.readers import Faults
from llmops.location import Location

T = TypeVar("T")
Check = Callable[[Any, Node, Faults], Any]
"""From a value that was read and its node to the value that is kept, or `MISSING`."""


def entry(  # noqa: PLR0913 - one word for each thing that can be said of a key
    about: str = "",
    *,
    key: str | None = None,
    default: Any = dataclasses.MISSING,  # noqa: ANN401 - any default a dataclass may have
    default_factory: Any = dataclasses.MISSING,  # noqa: ANN401 - as above
    minimum: float | None = None,
    maximum: float | None = None,
    then: Check | None = None,
    schema: Mapping[str, object] | None = None,
) -> Any:  # noqa: ANN401 - the type of a dataclass field is its annotation
    """Declare one key.

    Args:
        about: Its line in the manual and in editors.
        key: How it is written, where that is not the field's name.
        default: Makes it optional.
        default_factory: Makes it optional.
        minimum: The smallest number allowed.
        maximum: The largest number allowed.
        then: A further check, after the value was read.
        schema: JSON Schema in place of the type's own.
    """
    metadata = {
        "about": about,
        "key": key,
        "minimum": minimum,
        "maximum": maximum,
        "then": then,
        "schema": schema,
    }
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    if default is not dataclasses.MISSING:
        return dataclasses.field(default=default, metadata=metadata)
    return dataclasses.field(metadata=metadata)


def shape_of(value: type, what: str) -> Callable[[type[T]], type[T]]:
    """Declare that a class is how a value of the domain is written; it is never instantiated.

    Args:
        value: The value's class; it takes the shape's attributes, each by the same name.
        what: The value in complaints: `a judge`.
    """

    def register(shape: type[T]) -> type[T]:
        declared = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True)(shape)
        _SHAPES[value] = (declared, what)
        return declared

    return register


def keys_of(shape: type) -> tuple[str, ...]:
    """The keys a mapping of this shape may have, in order."""
    return tuple(entries_of(shape))


class Entry(Struct, frozen=True):
    """One key of a shape: the attribute it fills, its type, and whether it must be there."""

    attribute: str
    kind: Any
    required: bool
    metadata: Mapping[str, Any]


@cache
def entries_of(shape: type) -> Mapping[str, Entry]:
    """Every key that a mapping of this shape may have."""
    written = _SHAPES[shape][0] if shape in _SHAPES else shape
    hints = get_type_hints(written)
    found: dict[str, Entry] = {}
    for name, required, metadata in _declared(written):
        if hints[name] is not Location:
            found[metadata.get("key") or name] = Entry(name, hints[name], required, metadata)
    return found


def is_shape(kind: Any) -> bool:  # noqa: ANN401 - any type at all
    """Whether values of a class can be read from a mapping."""
    return isinstance(kind, type) and (issubclass(kind, Struct) or dataclasses.is_dataclass(kind))


def attributes_of(value: type) -> tuple[str, ...]:
    """The attributes that a value is made with."""
    return tuple(name for name, _required, _metadata in _declared(value))


def _declared(written: type) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    """Each attribute with whether it must be given, and what `entry` said of it.

    Raises:
        TypeError: The class is neither a struct nor a dataclass.
    """
    if issubclass(written, Struct):
        for one in structs.fields(written):
            yield one.name, one.required, {}
        return
    for item in dataclasses.fields(cast("Any", written)):
        needed = item.default is dataclasses.MISSING is item.default_factory
        if item.init:
            yield item.name, needed, item.metadata


def words_for(shape: type) -> str:
    """What complaints call a value of this shape."""
    return _SHAPES[shape][1] if shape in _SHAPES else f"'{shape.__name__.lower()}'"


_SHAPES: dict[type, tuple[type, str]] = {}
"""The shape and the name of each value of the domain that is written otherwise than it is kept."""
