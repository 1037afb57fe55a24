"""A value from a user's file that remembers where it stands.

Plain values stay plain (`str`, `int`, `float`, `bool`, `None`); mappings and lists are
subclasses of `dict` and `list` that keep one packed integer a place. A `Node` is a light
cursor over them, made when somebody looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import Any, Literal

from msgspec import Struct

from llmops.location import Location

Kind = Literal["mapping", "list", "text", "number", "boolean", "nothing"]

_STYLE_BITS = 1
_COLUMN_BITS = 32
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1


def pack_mark(line: int, column: int, *, block: bool = False) -> int:
    """Pack a place into one integer.

    Args:
        line: Line, counted from 1.
        column: Column, counted from 1.
        block: Whether the text is a block scalar, so that its first line is the next one.
    """
    column = min(column, _COLUMN_MASK)
    return ((line << _COLUMN_BITS) | column) << _STYLE_BITS | block


class PlacedMapping(dict[str, Any]):
    """A mapping read from a file. `marks` holds a key's and a value's place in turn."""

    __slots__ = ("marks", "raws")

    def __init__(self) -> None:
        self.marks: list[int] = []
        self.raws: dict[str, str] | None = None


class PlacedList(list[Any]):
    """A list read from a file. `marks` holds the place of each element."""

    __slots__ = ("marks", "raws")

    def __init__(self) -> None:
        self.marks: list[int] = []
        self.raws: dict[int, str] | None = None


class Text(Struct, frozen=True, gc=False):  # nothing it holds leads back to it
    """Text from a file with its place: a template, or the name of something.

    Attributes:
        text: The characters.
        at: Where it stands in the file.
        block: Whether it is a block scalar, whose first line is below `at`.
    """

    text: str
    at: Location
    block: bool = False

    def place(self, line: int, column: int | None = None) -> Location:
        """Turn a line inside the text (from 1) into a place in the file."""
        first = self.at.line + self.block
        inside = line > 1 or self.block
        return Location(self.at.path, first + line - 1, (column or 1) if inside else self.at.column)

    def __str__(self) -> str:
        return self.text


_KINDS: Mapping[type, Kind] = {
    PlacedMapping: "mapping",
    PlacedList: "list",
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "nothing",
}


_NO_RAWS: Mapping[Any, str] = {}
_SCALARS = (str, int, float, bool, type(None))


class Node(Struct, frozen=True, gc=False):  # as above
    """A cursor on one value of a file.

    Attributes:
        value: The plain value.
        path: The file it came from.
        mark: Its packed place.
        raw: What was typed, where that differs from `str(value)`: `1.20` for 1.2.
    """

    value: Any
    path: str
    mark: int
    raw: str | None = None

    @property
    def at(self) -> Location:
        """Where the value stands."""
        return _place_of(self.mark, self.path)

    @property
    def kind(self) -> Kind:
        """What sort of value it is, in the user's words."""
        known = _KINDS.get(type(self.value))
        if known is not None:
            return known
        return "mapping" if isinstance(self.value, Mapping) else "list"

    @property
    def typed(self) -> str:
        """A scalar as the user typed it; as JSON writes it where nobody typed."""
        if self.raw is not None:
            return self.raw
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def text(self) -> Text:
        """A scalar as `Text`, exactly as typed."""
        return Text(self.typed, self.at, bool(self.mark & 1))

    def get(self, key: str) -> "Node | None":
        """The value under a key of a mapping, or None if the key is not there."""
        mapping = self.value
        if key not in mapping:
            return None
        if not isinstance(mapping, PlacedMapping):
            return Node(mapping[key], self.path, self.mark)
        mark = mapping.marks[2 * list(mapping).index(key) + 1]
        raw = mapping.raws.get(key) if mapping.raws else None
        return Node(mapping[key], self.path, mark, raw)

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Each key of a mapping with its value."""
        return zip(self.value, self.values(), strict=True)

    def entries(self) -> Iterator[tuple[str, Location, "Node"]]:
        """Each key of a mapping with its place and its value."""
        placed = isinstance(self.value, PlacedMapping)
        marks = self.value.marks[::2] if placed else [self.mark] * len(self.value)
        for (key, child), mark in zip(self.items(), marks, strict=True):
            yield key, _place_of(mark, self.path), child

    def values(self) -> Iterator["Node"]:
        """Each value of a mapping."""
        mapping = self.value
        placed = isinstance(mapping, PlacedMapping)
        marks = mapping.marks[1::2] if placed else repeat(self.mark)
        raws = (mapping.raws if placed else None) or _NO_RAWS
        return map(Node, mapping.values(), repeat(self.path), marks, map(raws.get, mapping))

    def elements(self) -> Iterator["Node"]:
        """Each element of a list."""
        listed = self.value
        placed = isinstance(listed, PlacedList)
        marks = listed.marks if placed else repeat(self.mark)
        raws = (listed.raws if placed else None) or _NO_RAWS
        return map(Node, listed, repeat(self.path), marks, map(raws.get, count()))

    def key_at(self, key: str) -> Location:
        """Where a key of a mapping stands."""
        if not isinstance(self.value, PlacedMapping):
            return self.at
        return _place_of(self.value.marks[2 * list(self.value).index(key)], self.path)


def _place_of(mark: int, path: str) -> Location:
    place = mark >> _STYLE_BITS
    return Location(path, place >> _COLUMN_BITS, place & _COLUMN_MASK)


def node_of(value: object, at: Location) -> Node:
    """Wrap a plain value, so that all of it stands at one place."""
    return Node(value, at.path, pack_mark(at.line, at.column))


def plain(value: object) -> object:
    """Copy a value into ordinary dicts and lists, without places."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [plain(inner) for inner in value]
    return value
