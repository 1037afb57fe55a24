"""Two prompts in, their edits out, each with a way to choose the first prompt's side of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.completion import canonical_json
from llmops.domain.explanation import Edit
from llmops.domain.node import Text
from llmops.domain.prompt import Message, Part, Placeholder, Prompt
from llmops.location import Location
from llmops.versions.aligning import Pair, walk
from llmops.versions.interface import Form, same, shown
from llmops.versions.mixed_tree import LENT
from llmops.versions.parts import example_likeness, message_likeness, message_place, message_text
from llmops.versions.pieces import Stretch, stretches

Element = TypeVar("Element")
Reverted = frozenset[int]
"""Edits that are taken back, by their places in the list of edits."""
Pick = Callable[[Reverted], Element]
"""From the edits that are taken back to what stands there then."""

_Spoken = Message | Placeholder
_GONE: Any = object()


class Gatherer(Struct, kw_only=True):
    """Gathers the edits of two prompts, part by part.

    Attributes:
        before: The first prompt and its canonical form.
        after: The second one and its form.
        edits: What was found so far, in the order of the prompt.
    """

    before: tuple[Prompt, Form]
    after: tuple[Prompt, Form]
    edits: list[Edit] = field(default_factory=list)

    def messages(self) -> Pick[tuple[_Spoken, ...]]:
        """The messages: their texts by sentence, whatever else of them differs as a whole."""
        was, now = self._lists("messages")
        picks: list[Pick[_Spoken | None]] = []
        for i, j in _walk(was, now, message_likeness):
            one = self.before[0].messages[i] if i is not None else None
            other = self.after[0].messages[j] if j is not None else None
            place = message_place(was, i) if j is None else message_place(now, j)
            old, new = _at(was, i), _at(now, j)
            if same(old, new):
                picks.append(_always(other))
            elif isinstance(one, Message) and isinstance(other, Message) and _alike(one, other):
                picks.append(self._message(place, one, other))
            else:
                texts = tuple(None if form is None else message_text(form) for form in (old, new))
                picks.append(self._one(place, texts, (_lent(one), other)))
        return _several(picks)

    def partials(self) -> Mapping[str, Pick[str]]:
        """The texts of partials by sentence; one that only the first prompt uses is there."""
        was, now = (form.get("partials", {}) for _prompt, form in (self.before, self.after))
        picks: dict[str, Pick[str]] = {}
        for name, text in was.items():
            if text is None or (name in now and now[name] is None):
                continue
            if name not in now:
                picks[name] = _always(text)
            elif text != now[name]:
                at = Location(f"{self.after[0].tree_path}/{name}")
                picks[name] = self._text(f"partial {name}", text, Text(now[name], at))
        return picks

    def listed(self, name: str) -> Pick[tuple[Any, ...]]:
        """The examples or the tools, each as a whole."""
        was, now = self._lists(name)
        values = getattr(self.before[0], name), getattr(self.after[0], name)
        likeness = example_likeness if name == "examples" else _any
        picks: list[Pick[Any]] = []
        for i, j in _walk(was, now, likeness):
            old, new = _at(was, i), _at(now, j)
            sides = _at(values[0], i), _at(values[1], j)
            if same(old, new):
                picks.append(_always(sides[1]))
            else:
                part = f"{name.removesuffix('s')} {((i if j is None else j) or 0) + 1}"
                picks.append(self._one(part, (shown(old), shown(new)), sides))
        return _several(picks)

    def value(self, name: str) -> Pick[Any]:
        """A part that is one value."""
        values = getattr(self.before[0], name), getattr(self.after[0], name)
        old, new = self.before[1].get(name), self.after[1].get(name)
        if same(old, new):
            return _always(values[1])
        return self._one(name, (_shown(old), _shown(new)), values)

    def mapping(self, name: str) -> Pick[Mapping[str, Any]]:
        """A part that is values by name, each as a whole."""
        was, now = getattr(self.before[0], name), getattr(self.after[0], name)
        forms = self.before[1].get(name, {}), self.after[1].get(name, {})
        picks: dict[str, Pick[Any]] = {}
        for key in dict.fromkeys([*now, *was]):
            old, new = ({key: form[key]} if key in form else None for form in forms)
            values = was.get(key, _GONE), now.get(key, _GONE)
            if same(old, new):
                picks[key] = _always(values[1])
                continue
            texts = tuple(_shown(form[key]) if key in form else None for form in forms)
            picks[key] = self._one(f"{name.removesuffix('s')} {key}", texts, values)

        def pick(reverted: Reverted) -> Mapping[str, Any]:
            found = {key: one(reverted) for key, one in picks.items()}
            return {key: value for key, value in found.items() if value is not _GONE}

        return pick

    def _lists(self, name: str) -> tuple[list[Form], list[Form]]:
        return self.before[1].get(name, []), self.after[1].get(name, [])

    def _one(
        self, part: str, texts: Sequence[str | None], values: tuple[Element, Element]
    ) -> Pick[Element]:
        """An edit that is taken back whole."""
        before, after = texts
        at = next((one.at for one in reversed(values) if hasattr(one, "at")), None)
        return self._pick(Edit(part=part, before=before, after=after, at=at), values)

    def _pick(self, edit: Edit, values: tuple[Element, Element]) -> Pick[Element]:
        number = len(self.edits)
        self.edits.append(edit)
        return lambda reverted: values[0] if number in reverted else values[1]

    def _message(self, place: str, one: Message, other: Message) -> Pick[_Spoken | None]:
        picks = [
            self._text(place, old.text.text, new.text) if old.text and new.text else None
            for old, new in zip(one.parts, other.parts, strict=True)
        ]

        def pick(reverted: Reverted) -> Message:
            parts = [
                part if one is None or part.text is None else _said(part, part.text, one(reverted))
                for one, part in zip(picks, other.parts, strict=True)
            ]
            return replace(other, parts=tuple(parts))

        return pick

    def _text(self, part: str, before: str, after: Text) -> Pick[str]:
        """A text, of which each sentence is taken back by itself."""
        picks: list[Pick[str]] = []
        follows = False
        for stretch in stretches(before, after.text):
            if stretch.same:
                picks.append(_always(stretch.after))
            else:
                edit = _edit(part, stretch, after.place(stretch.line), follows=follows)
                picks.append(self._pick(edit, (stretch.before, stretch.after)))
            follows = not stretch.same
        return lambda reverted: "".join(pick(reverted) for pick in picks)


def _edit(part: str, stretch: Stretch, at: Location, *, follows: bool) -> Edit:
    before, after = (text.strip("\n") or None for text in (stretch.before, stretch.after))
    if (before or "").strip() == (after or "").strip():
        before, after = (repr(text) for text in (stretch.before, stretch.after))
    return Edit(part=part, before=before, after=after, at=at, follows=follows)


def _walk(
    was: Sequence[Form], now: Sequence[Form], likeness: Callable[[Form, Form], float]
) -> Iterator[Pair]:
    texts = [canonical_json(form) for form in was], [canonical_json(form) for form in now]
    return walk(*texts, lambda i, j: likeness(was[i], now[j]))


def _at(values: Sequence[Element], number: int | None) -> Element | None:
    return values[number] if number is not None else None


def _always(value: Element) -> Pick[Element]:
    return lambda _reverted: value


def _several(picks: Sequence[Pick[Element | None]]) -> Pick[tuple[Element, ...]]:
    def pick(reverted: Reverted) -> tuple[Element, ...]:
        found = (one(reverted) for one in picks)
        return tuple(element for element in found if element is not None)

    return pick


def _alike(one: Message, other: Message) -> bool:
    """Whether two messages differ in their texts only."""
    frames = [
        (message.role, message.name, [part.text is not None for part in message.parts])
        for message in (one, other)
    ]
    return frames[0] == frames[1] and all(frames[0][2])


def _said(part: Part, text: Text, words: str) -> Part:
    return replace(part, text=replace(text, text=words))


def _lent(message: _Spoken | None) -> _Spoken | None:
    """A message whose files are read as they were."""
    if not isinstance(message, Message):
        return message
    parts = [
        replace(part, file=replace(part.file, text=f"{LENT}/{part.file.text}"))
        if part.file is not None
        else part
        for part in message.parts
    ]
    return replace(message, parts=tuple(parts))


def _any(_one: Form, _other: Form) -> float:
    return 1.0


def _shown(value: object) -> str | None:
    return value if isinstance(value, str) else shown(value)
