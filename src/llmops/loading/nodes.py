"""YAML read as nodes that remember where they stand. The only module that knows yaml.

The parser's events are counted before anything is built from them, so a bomb is refused
while it is still small. Scalars follow YAML 1.2's core schema: `no` and `12:30` are text.
"""

from collections.abc import Callable
from sys import intern
from typing import Any, NoReturn, cast

import yaml
from msgspec import Struct, field
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from llmops.domain.config import Limits
from llmops.domain.node import Node, PlacedList, PlacedMapping, pack_mark
from llmops.errors import InvalidInputError
from llmops.loading.decoding import decode_text
from llmops.loading.scalars import resolve_scalar
from llmops.loading.syntax import broken_syntax, unreadable
from llmops.location import Location

_EVENTS: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ORIGIN = pack_mark(1, 1)
_LINE = pack_mark(2, 0) - pack_mark(1, 0)
_COLUMN = pack_mark(0, 1) - pack_mark(0, 0)
_BLOCK = pack_mark(0, 0, block=True) - pack_mark(0, 0)
_ELEMENT: Any = object()
"""Stands where a mapping's key would stand, while a list is being filled."""
_HIDDEN = {0x85: 0xFDD0, 0x2028: 0xFDD1, 0x2029: 0xFDD2}
"""Characters that YAML 1.1 ends a line at and 1.2 does not, and what hides them meanwhile."""
_UNCOVERED = {hidden: shown for shown, hidden in _HIDDEN.items()}
_SMALL = 1000
"""A file with fewer values counts as one of this many, so that few aliases in it are free."""


def parse_yaml(data: bytes, path: str, limits: Limits | None = None) -> Node:
    """Read one YAML document.

    Args:
        data: The file's bytes, UTF-8.
        path: The file's name, for complaints.
        limits: What the file may be at most.

    Raises:
        InvalidInputError: The file breaks a limit, is no YAML, or uses duplicate keys, merge
            keys, tags, or recursive aliases. The first fault is raised: what follows a broken
            line has no meaning.
    """
    limits = limits or Limits()
    if len(data) > limits.yaml_bytes:
        raise InvalidInputError(
            f"the file has {len(data):,} bytes, more than the {limits.yaml_bytes:,} allowed",
            at=Location(path),
            code="yaml-limit",
            hint="move cases into a dataset, or raise 'limits: {yaml_bytes: …}' in llmops.yaml",
        )
    text = decode_text(data, path)
    try:
        return _Builder(path=path, limits=limits).build(text)
    except yaml.reader.ReaderError:
        raise unreadable(text, path) from None
    except yaml.MarkedYAMLError as error:
        raise _malformed(text, path, error) from None


def _source_of(text: str) -> Callable[[], Any]:
    """The parser's next event, each time it is called."""
    if any(chr(character) in text for character in _HIDDEN):
        hidden: Callable[[], Any] = _EVENTS(text.translate(_HIDDEN)).get_event
        return lambda: _uncovered(hidden())
    next_event: Callable[[], Any] = _EVENTS(text).get_event
    return next_event


def _uncovered(event: Any) -> Any:  # noqa: ANN401 - PyYAML's events are untyped
    if type(event) is ScalarEvent:
        event.value = event.value.translate(_UNCOVERED)
    return event


def _malformed(text: str, path: str, error: yaml.MarkedYAMLError) -> InvalidInputError:
    mark: Any = error.problem_mark or error.context_mark
    if "unexpected end of stream" in str(error.problem):
        mark = error.context_mark or mark
    words = ", ".join(part for part in (error.context, error.problem) if part)
    return broken_syntax(words, text, Location(path, mark.line + 1, mark.column + 1))


class _Anchored(Struct, frozen=True):
    """What an anchor stands for. `size` and `depth` count all that is inside."""

    value: Any
    raw: str | None
    size: int
    depth: int


class _OpenAnchor(Struct):
    """An anchored collection that is still being filled.

    Attributes:
        level: How many collections are around it.
        before: How many values stood before it, those behind aliases included.
        deepest: The deepest level inside it so far.
    """

    name: str
    level: int
    before: int
    deepest: int


class _Builder(Struct):
    """Builds values from the parser's events. What is rare has methods of its own."""

    path: str
    limits: Limits
    repeated: int = 0
    aliases: int = 0
    stack: list[tuple[Any, Any]] = field(default_factory=list)
    memo: dict[str, tuple[Any, str | None]] = field(default_factory=dict)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    open_anchors: list[_OpenAnchor] = field(default_factory=list)

    def build(self, text: str) -> Node:
        """Read a document; nothing but comments is the value nothing."""
        root = self._root(_source_of(text))
        if not root:
            return Node(None, self.path, _ORIGIN)
        return Node(root[0], self.path, root.marks[0], (root.raws or {}).get(0))

    def _root(self, next_event: Callable[[], Any]) -> PlacedList:  # noqa: C901, PLR0912 - the hot loop: 400,000 events of a large suite pass here, and a call for each would double the time
        memo, most, stack = self.memo, self.limits.yaml_nodes, self.stack
        root = container = cast("Any", PlacedList())
        nodes, key = 0, _ELEMENT
        while True:
            event = next_event()
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                if self.open_anchors:
                    self._close_anchor(container, len(stack), nodes)
                container, key = stack.pop()
                continue
            mark, opened, raw = event.start_mark, None, None
            place = mark.line * _LINE + mark.column * _COLUMN + _ORIGIN
            if kind is ScalarEvent:
                value = event.value
                if event.tag is not None or event.anchor is not None:
                    self._check_decorated(event, is_key=key is None)
                if key is None:
                    if value in container or value == "<<":
                        self._check_key(event, container)
                    key = intern(value)
                    container.marks.append(place)
                    continue
                if not event.style:
                    value, raw = memo.get(value) or self._plain(value)
                elif event.style in "|>":
                    place += _BLOCK
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._check_start(event, key, len(stack), nodes)
                value = opened = PlacedMapping() if kind is MappingStartEvent else PlacedList()
            elif kind is AliasEvent:
                value, raw = self._repeat(event, key, len(stack), nodes)
            elif kind is StreamEndEvent:
                return cast("PlacedList", root)
            else:
                self._check_document(event, root)
                continue
            if (nodes := nodes + 1) > most:
                self._refuse_limit(event, "has more values", "yaml_nodes", most)
            container.marks.append(place)
            if raw is not None:
                _keep_typed(container, key, raw)
            if key is _ELEMENT:
                container.append(value)
            else:
                container[key], key = value, None
            if opened is not None:
                stack.append((container, key))
                container, key = opened, None if kind is MappingStartEvent else _ELEMENT

    def _plain(self, text: str) -> tuple[Any, str | None]:
        """A plain scalar's value, and what was typed where that is no text."""
        value = resolve_scalar(text)
        self.memo[text] = found = (value, None if isinstance(value, str) else text)
        return found

    def _check_document(self, event: Any, root: PlacedList) -> None:  # noqa: ANN401 - PyYAML's events are untyped
        if type(event) is DocumentStartEvent and root:
            hint = "keep one document a file"
            self._refuse(event, "yaml-syntax", "a second document starts here", hint)

    def _check_decorated(self, event: Any, *, is_key: bool) -> None:  # noqa: ANN401 - as above
        if event.tag is not None:
            self._refuse_tag(event)
        if is_key:
            self._refuse(event, "yaml-anchor", "a key cannot carry an anchor", "leave the '&' out")
        value, raw = (event.value, None) if event.style else self._plain(event.value)
        self.anchors[event.anchor] = _Anchored(value, raw, 1, 0)

    def _check_key(self, event: Any, mapping: PlacedMapping) -> None:  # noqa: ANN401 - as above
        key = event.value
        if key in mapping:
            first = Node(mapping, self.path, _ORIGIN).key_at(key)
            self._refuse(
                event,
                "duplicate-key",
                f"the key '{key}' is here for the second time",
                f"the first is at {first}; keep one of them",
            )
        if not event.style:
            message = "merge keys ('<<') are not allowed"
            self._refuse(event, "yaml-merge", message, "write the keys out")

    def _check_start(self, event: Any, key: Any, level: int, nodes: int) -> None:  # noqa: ANN401 - as above
        if event.tag is not None:
            self._refuse_tag(event)
        if key is None:
            self._refuse(event, "yaml-syntax", "a key must be text", "quote the key")
        if level >= self.limits.yaml_depth:
            self._refuse_limit(event, "is nested deeper", "yaml_depth", self.limits.yaml_depth)
        for opened in self.open_anchors:
            opened.deepest = max(opened.deepest, level)
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
            before = nodes + self.repeated
            self.open_anchors.append(_OpenAnchor(event.anchor, level, before, level))

    def _close_anchor(self, value: Any, level: int, nodes: int) -> None:  # noqa: ANN401 - a collection
        if self.open_anchors[-1].level != level - 1:
            return
        opened = self.open_anchors.pop()
        size = nodes + self.repeated - opened.before
        depth = opened.deepest - opened.level + 1
        self.anchors[opened.name] = _Anchored(value, None, size, depth)

    def _repeat(self, event: Any, key: Any, level: int, nodes: int) -> tuple[Any, str | None]:  # noqa: ANN401 - as above
        self.aliases += 1
        if self.aliases > self.limits.yaml_aliases:
            self._refuse_limit(event, "has more aliases", "yaml_aliases", self.limits.yaml_aliases)
        found = self.anchors.get(event.anchor)
        if found is None:
            inside = any(opened.name == event.anchor for opened in self.open_anchors)
            what = "contains itself" if inside else "is not defined above"
            message = f"the anchor '{event.anchor}' {what}"
            self._refuse(event, "yaml-anchor", message, "write the value out")
        if key is None:
            self._refuse(event, "yaml-syntax", "a key must be text, not an alias", "write it out")
        if level + found.depth > self.limits.yaml_depth:
            self._refuse_limit(event, "is nested deeper", "yaml_depth", self.limits.yaml_depth)
        for opened in self.open_anchors:
            opened.deepest = max(opened.deepest, level + found.depth - 1)
        self.repeated += found.size - 1
        if nodes + self.repeated > self.limits.yaml_expansion * max(nodes, _SMALL):
            most = self.limits.yaml_expansion
            message = f"aliases make the file more than {most} times its size"
            self._refuse(event, "yaml-limit", message, "write the values out")
        return found.value, found.raw

    def _refuse_tag(self, event: Any) -> None:  # noqa: ANN401 - as above
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        hint = "write the plain value; quote it to keep it text"
        self._refuse(event, "yaml-tag", f"the tag '{tag}' is not allowed", hint)

    def _refuse_limit(self, event: Any, what: str, setting: str, limit: int) -> NoReturn:  # noqa: ANN401 - as above
        self._refuse(
            event,
            "yaml-limit",
            f"the file {what} than the {limit:,} allowed",
            f"raise 'limits: {{{setting}: …}}' in llmops.yaml if this is meant",
        )

    def _refuse(self, event: Any, code: str, message: str, hint: str) -> NoReturn:  # noqa: ANN401 - as above
        mark = event.start_mark
        place = Location(self.path, mark.line + 1, mark.column + 1)
        raise InvalidInputError(message, at=place, code=code, hint=hint)


def _keep_typed(container: Any, key: Any, raw: str) -> None:  # noqa: ANN401 - a collection that is being filled
    if container.raws is None:
        container.raws = {}
    container.raws[len(container) if key is _ELEMENT else key] = raw
