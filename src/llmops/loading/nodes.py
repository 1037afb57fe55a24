"""YAML read as nodes that remember where they stand. The only module that knows yaml.

The parser's events are counted before anything is built from them, so a bomb is refused
while it is still small. Scalars follow YAML 1.2's core schema: `no` and `12:30` are text.
"""

import re
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from llmops.domain.config import Limits
from llmops.domain.node import Node, PlacedList, PlacedMapping, pack_mark
from llmops.errors import Fault, InvalidInputError
from llmops.location import Location

_CONSTANTS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_MAYBE_SPECIAL = frozenset("-+.0123456789~nNtTfF")
_EXPANSION = 10
"""How many times larger than its text a file may become through aliases."""

_EVENTS: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        message = f"the file has {len(data):,} bytes, more than the {limits.yaml_bytes:,} allowed"
        raise InvalidInputError(
            message,
            at=Location(path),
            code="yaml-limit",
            hint="move cases into a dataset, or raise 'limits: {yaml_bytes: …}' in llmops.yaml",
        )
    text = _decode(data, path)
    builder = _Builder(path=path, limits=limits)
    try:
        return builder.build(text)
    except yaml.reader.ReaderError as error:
        raise _unreadable(text, path, error) from None
    except yaml.MarkedYAMLError as error:
        raise _malformed(path, error) from None


def resolve_scalar(text: str) -> Any:  # noqa: ANN401 - a YAML scalar is one of five types
    """Read a plain scalar by YAML 1.2's core schema: null, boolean, number or else text."""
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


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise InvalidInputError(
            f"byte {data[error.start]:#04x} is not UTF-8",
            at=Location(path, line, column),
            code="encoding",
            hint="save the file as UTF-8",
        ) from None


def _unreadable(text: str, path: str, error: yaml.reader.ReaderError) -> InvalidInputError:
    position = error.position if isinstance(error.position, int) else 0
    position = _first_unprintable(text) or position
    before = text[:position]
    place = Location(path, before.count("\n") + 1, position - before.rfind("\n"))
    character = ord(text[position]) if position < len(text) else 0
    return InvalidInputError(
        f"character U+{character:04X} is not allowed in YAML",
        at=place,
        code="yaml-syntax",
        hint='write it as an escape inside double quotes, such as "\\x1b"',
    )


def _first_unprintable(text: str) -> int:
    found = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return found.start() if found else 0


def _malformed(path: str, error: yaml.MarkedYAMLError) -> InvalidInputError:
    mark = error.problem_mark or error.context_mark
    place = Location(path, mark.line + 1, mark.column + 1) if mark else Location(path)
    words = [part for part in (error.context, error.problem) if part]
    return InvalidInputError(
        "the file is not YAML: " + ", ".join(words), at=place, code="yaml-syntax", hint=error.note
    )


@dataclass(slots=True)
class _Open:
    """A collection that is being filled, and the key that waits for its value."""

    value: PlacedMapping | PlacedList
    anchor: str | None
    key: str | None = None
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor stands for. `size` and `depth` count all that is inside."""

    value: Any
    raw: str | None
    size: int
    depth: int


@dataclass(slots=True)
class _Builder:
    """Builds values from the parser's events."""

    path: str
    limits: Limits
    nodes: int = 0
    aliases: int = 0
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    root: Node | None = None
    memo: dict[str, Any] = field(default_factory=dict)

    def build(self, text: str) -> Node:
        parser = _EVENTS(text)
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        next_event = parser.get_event
        end = yaml.StreamEndEvent
        while True:
            event = next_event()
            kind = type(event)
            if kind is end:
                break
            handler = handlers.get(kind)
            if handler is not None:
                handler(event)
        return self.root or Node(None, self.path, pack_mark(1, 1))

    def _document(self, event: Any) -> None:  # noqa: ANN401 - PyYAML's events are untyped
        if self.root is not None:
            self._refuse(event, "yaml-syntax", "a second document starts here", "keep one a file")

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - as above
        top = self.stack[-1] if self.stack else None
        mark = event.start_mark
        text = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        if top is not None and type(top.value) is PlacedMapping and top.key is None:
            if event.anchor is not None:
                self._refuse(event, "yaml-anchor", "a key cannot carry an anchor", None)
            self._key(top, text, event)
            return
        style = event.style
        value: Any = text
        raw: str | None = None
        if not style:
            value = self.memo.get(text, self)
            if value is self:
                value = self.memo[text] = resolve_scalar(text)
            if type(value) is not str:
                raw = text
        packed = pack_mark(mark.line + 1, mark.column + 1, block=style in {"|", ">"})
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, raw, 1, 0)
        self._put(value, packed, raw, event)
        if top is not None:
            top.size += 1

    def _key(self, top: _Open, key: str, event: Any) -> None:  # noqa: ANN401 - as above
        mapping = cast("PlacedMapping", top.value)
        if key == "<<" and not event.style:
            self._refuse(
                event, "yaml-merge", "merge keys ('<<') are not allowed", "write the keys out"
            )
        if key in mapping:
            first = Node(mapping, self.path, 0).key_at(key)
            self._refuse(
                event,
                "duplicate-key",
                f"the key '{key}' is here for the second time",
                f"the first is at {first}; keep one of them",
            )
        top.key = key
        mark = event.start_mark
        mapping.marks.append(pack_mark(mark.line + 1, mark.column + 1))

    def _start(self, event: Any) -> None:  # noqa: ANN401 - as above
        if event.tag is not None:
            self._refuse_tag(event)
        if len(self.stack) >= self.limits.yaml_depth:
            self._refuse_limit(event, "is nested deeper", "yaml_depth", self.limits.yaml_depth)
        top = self.stack[-1] if self.stack else None
        if top is not None and type(top.value) is PlacedMapping and top.key is None:
            self._refuse(event, "yaml-syntax", "a key must be text", "quote it")
        mark = event.start_mark
        value = PlacedMapping() if type(event) is yaml.MappingStartEvent else PlacedList()
        self._put(value, pack_mark(mark.line + 1, mark.column + 1), None, event)
        self.stack.append(_Open(value=value, anchor=event.anchor))
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)

    def _end(self, _event: Any) -> None:  # noqa: ANN401 - as above
        closed = self.stack.pop()
        if closed.anchor is not None:
            self.anchors[closed.anchor] = _Anchored(closed.value, None, closed.size, closed.depth)
        if self.stack:
            top = self.stack[-1]
            top.size += closed.size
            top.depth = max(top.depth, closed.depth + 1)

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - as above
        self.aliases += 1
        if self.aliases > self.limits.yaml_aliases:
            self._refuse_limit(event, "has more aliases", "yaml_aliases", self.limits.yaml_aliases)
        found = self.anchors.get(event.anchor)
        if found is None:
            inside = any(opened.anchor == event.anchor for opened in self.stack)
            what = "contains itself" if inside else "is not defined above"
            self._refuse(event, "yaml-anchor", f"the anchor '{event.anchor}' {what}", None)
            return
        top = self.stack[-1]
        if type(top.value) is PlacedMapping and top.key is None:
            self._refuse(event, "yaml-syntax", "a key must be text, not an alias", None)
        mark = event.start_mark
        self._put(found.value, pack_mark(mark.line + 1, mark.column + 1), found.raw, event)
        top.size += found.size
        top.depth = max(top.depth, found.depth + 1)
        if len(self.stack) + found.depth > self.limits.yaml_depth:
            self._refuse_limit(event, "is nested deeper", "yaml_depth", self.limits.yaml_depth)
        self._check_expansion(event)

    def _check_expansion(self, event: Any) -> None:  # noqa: ANN401 - as above
        expanded = sum(opened.size for opened in self.stack)
        if expanded > _EXPANSION * max(self.nodes, 1000):
            self._refuse(
                event,
                "yaml-limit",
                f"aliases make the file more than {_EXPANSION} times its size",
                "write the values out",
            )

    def _put(self, value: Any, mark: int, raw: str | None, event: Any) -> None:  # noqa: ANN401 - as above
        self.nodes += 1
        if self.nodes > self.limits.yaml_nodes:
            self._refuse_limit(event, "has more values", "yaml_nodes", self.limits.yaml_nodes)
        if not self.stack:
            self.root = Node(value, self.path, mark, raw)
            return
        top = self.stack[-1]
        container = top.value
        container.marks.append(mark)
        if type(container) is PlacedMapping:
            key = cast("str", top.key)
            container[key] = value
            if raw is not None:
                if container.raws is None:
                    container.raws = {}
                container.raws[key] = raw
            top.key = None
            return
        placed = cast("PlacedList", container)
        placed.append(value)
        if raw is not None:
            if placed.raws is None:
                placed.raws = {}
            placed.raws[len(placed) - 1] = raw

    def _refuse_tag(self, event: Any) -> None:  # noqa: ANN401 - as above
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self._refuse(event, "yaml-tag", f"the tag '{tag}' is not allowed", "write the plain value")

    def _refuse_limit(self, event: Any, what: str, setting: str, limit: int) -> None:  # noqa: ANN401 - as above
        self._refuse(
            event,
            "yaml-limit",
            f"the file {what} than the {limit:,} allowed",
            f"raise 'limits: {{{setting}: …}}' in llmops.yaml if this is meant",
        )

    def _refuse(self, event: Any, code: str, message: str, hint: str | None) -> None:  # noqa: ANN401 - as above
        mark = event.start_mark
        place = Location(self.path, mark.line + 1, mark.column + 1)
        raise InvalidInputError.of([Fault(code=code, message=message, at=place, hint=hint)])
