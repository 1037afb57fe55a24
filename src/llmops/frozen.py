"""The mark of a value: a frozen, slotted dataclass of keywords, made in a fraction of the time."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")
_NEW: Any = object()
"""In place of an argument that was not given, and whose default is made anew for each value."""


@overload
def frozen(cls: type[_T], /) -> type[_T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = True) -> Any:
    """Make of a class what `@dataclass(frozen=True, slots=True, kw_only=True)` makes of it.

    `dataclasses` writes and compiles six methods for every class, which was a third of the time
    that a command took to start. Here that is done for `__init__` alone.
    """
    return partial(_made, kw_only=kw_only) if cls is None else _made(cls, kw_only=kw_only)


def _made(cls: Any, *, kw_only: bool) -> Any:  # noqa: ANN401 - any class at all
    made = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    methods = {"__init__": _init_of(made), **_comparison_of(made), **_SHARED}
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _init_of(cls: Any) -> Callable[..., None]:  # noqa: ANN401 - any class at all
    given = [item for item in fields(cls) if item.init]
    names: dict[str, Any] = {"NEW": _NEW}
    for item in fields(cls):
        names[f"set_{item.name}"] = getattr(cls, item.name).__set__
        names[f"default_{item.name}"] = item.default
        names[f"new_{item.name}"] = item.default_factory
    free = [item.name for item in given if not item.kw_only]
    named = [item.name for item in given if item.kw_only]
    head = ", ".join(["self", *free, *["*"][: len(named)], *named])
    body = [f"set_{item.name}(self, {_value(item)})" for item in fields(cls) if _is_set(item)]
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({head}):\n " + "\n ".join(body or ["pass"]), names)  # noqa: S102 - nothing but names of our own
    init: Callable[..., None] = names["__init__"]
    defaults = {item.name: _default(item) for item in given if _has_default(item)}
    init.__defaults__ = tuple(defaults[name] for name in free if name in defaults)
    init.__kwdefaults__ = {name: defaults[name] for name in named if name in defaults}
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _value(item: Field[Any]) -> str:
    """What a field is set to, in Python."""
    if not item.init:
        return f"default_{item.name}" if item.default is not MISSING else f"new_{item.name}()"
    if item.default_factory is MISSING:
        return item.name
    return f"new_{item.name}() if {item.name} is NEW else {item.name}"


def _is_set(item: Field[Any]) -> bool:
    return item.init or _has_default(item)


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _default(item: Field[Any]) -> object:
    return _NEW if item.default is MISSING else item.default


def _comparison_of(cls: Any) -> Mapping[str, Callable[..., Any]]:  # noqa: ANN401 - any class at all
    compared = [item.name for item in fields(cls) if item.compare]
    parts: Callable[[Any], object] = attrgetter(*compared) if compared else type

    def __eq__(self: object, other: object) -> bool:  # noqa: N807 - it becomes a method
        return parts(self) == parts(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:  # noqa: N807 - as above
        return hash(parts(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _repr(self: Any) -> str:  # noqa: ANN401 - any value
    shown = (f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: object, name: str, value: object) -> None:
    del self, value
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    del self
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:  # noqa: ANN401 - any value
    """What is pickled and copied."""
    return [getattr(self, item.name) for item in fields(self)]


def _set_state(self: Any, state: list[object]) -> None:  # noqa: ANN401 - any value
    for item, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)


_SHARED: Mapping[str, Callable[..., Any]] = {
    "__repr__": _repr,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
