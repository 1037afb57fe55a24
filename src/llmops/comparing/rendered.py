"""The messages of cases under two versions in, their changes out, equal ones put together."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

from msgspec import Struct, field

from llmops.comparing.text_diff import diff_texts
from llmops.domain.rendered import (
    CaseName,
    MessageChange,
    RenderedDiff,
    RenderedGroup,
    Unrendered,
)
from llmops.domain.run import Failure
from llmops.domain.tokens import estimated_tokens
from llmops.errors import Fault

Messages = Sequence[Mapping[str, object]]
_Pair = tuple["_Shown | None", "_Shown | None"]
_LONGEST_PART: Final = 200
_MOST_ALIGNED: Final = 1_000
"""Messages of a side; more are paired by their place."""


class RenderedCase(Struct, frozen=True, kw_only=True):
    """One case under two versions.

    Attributes:
        before: The messages, or why there are none; None when nobody can know yet.
        after: The same for the second version.
    """

    case: CaseName
    before: Messages | tuple[Fault, ...] | None
    after: Messages | tuple[Fault, ...] | None


class _Group(Struct, kw_only=True):
    changes: tuple[MessageChange, ...]
    cases: list[CaseName] = field(default_factory=list)
    tokens_before: int = 0
    tokens_after: int = 0


class _Shown(Struct, frozen=True):
    """A message as it is shown: its role, its name and its text."""

    role: str
    text: str
    number: int


def diff_rendered(cases: Iterable[RenderedCase]) -> RenderedDiff:
    """Compare the messages of cases.

    Changes are equal when the same lines and words changed in the same messages, whatever stands
    around them. A case that cannot be rendered is listed with the reasons, never left out.
    """
    groups: dict[object, _Group] = {}
    same: list[CaseName] = []
    unrendered: list[Unrendered] = []
    later: list[CaseName] = []
    for one in cases:
        if one.before is None or one.after is None:
            later.append(one.case)
            continue
        faults = _faults(one.before), _faults(one.after)
        if any(faults):
            unrendered.append(Unrendered(case=one.case, before=faults[0], after=faults[1]))
            continue
        before, after = _messages(one.before), _messages(one.after)
        changes = diff_messages(before, after)
        if not changes:
            same.append(one.case)
            continue
        key = tuple((c.message, c.status, c.diff.signature) for c in changes)
        group = groups.setdefault(key, _Group(changes=changes))
        group.cases.append(one.case)
        group.tokens_before += estimated_tokens(before)
        group.tokens_after += estimated_tokens(after)
    ordered = sorted(groups.values(), key=lambda group: -len(group.cases))
    return RenderedDiff(
        groups=tuple(_finished(group) for group in ordered),
        same=tuple(same),
        unrendered=tuple(unrendered),
        later=tuple(later),
    )


def diff_messages(before: Messages, after: Messages) -> tuple[MessageChange, ...]:
    """The messages that differ, in order; none when both sides send the same."""
    old, new = list(_shown(before)), list(_shown(after))
    pairs = list(_paired(old, new))
    return tuple(
        _change(left, right, old, new) for left, right in pairs if _key(left) != _key(right)
    )


def _finished(group: _Group) -> RenderedGroup:
    return RenderedGroup(
        changes=group.changes,
        cases=tuple(group.cases),
        tokens_before=group.tokens_before,
        tokens_after=group.tokens_after,
    )


def _faults(side: Messages | tuple[Fault, ...]) -> tuple[Failure, ...]:
    return tuple(
        Failure(kind=item.code, message=item.message, at=item.at, hint=item.hint)
        for item in side
        if isinstance(item, Fault)
    )


def _messages(side: Messages | tuple[Fault, ...]) -> list[Mapping[str, object]]:
    return [item for item in side if not isinstance(item, Fault)]


def _shown(messages: Messages) -> Iterator[_Shown]:
    for number, message in enumerate(messages, 1):
        yield _Shown(str(message.get("role")), _text(message), number)


def _text(message: Mapping[str, object]) -> str:
    """All that a message holds beside its role, as text."""
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    lines = [_part(part) for part in parts]
    rest = {key: value for key, value in message.items() if key not in {"role", "content"}}
    lines += [f"{key}: {_json(value)}" for key, value in rest.items()]
    return "\n".join(lines)


def _part(part: object) -> str:
    if part is None or isinstance(part, str):
        return part or ""
    if isinstance(part, Mapping) and isinstance(part.get("text"), str) and len(part) <= 2:
        return str(part["text"])
    text = _json(part)
    if len(text) <= _LONGEST_PART:
        return text
    kind = part.get("type", "part") if isinstance(part, Mapping) else "part"
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"[{kind}: {len(text):,} characters, {digest}]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _key(message: _Shown | None) -> tuple[str, str] | None:
    return None if message is None else (message.role, message.text)


def _paired(old: Sequence[_Shown], new: Sequence[_Shown]) -> Iterator[_Pair]:
    """Messages that stand for each other: the equal ones first, then those of one role."""
    if max(len(old), len(new)) > _MOST_ALIGNED:
        longest = max(len(old), len(new))
        for left, right in zip(_padded(old, longest), _padded(new, longest), strict=True):
            yield from _paired_by_role([left] if left else [], [right] if right else [])
        return
    whole = SequenceMatcher(None, [_key(m) for m in old], [_key(m) for m in new], autojunk=False)
    for tag, a, b, c, d in whole.get_opcodes():
        if tag == "equal":
            yield from zip(old[a:b], new[c:d], strict=True)
        else:
            yield from _paired_by_role(old[a:b], new[c:d])


def _paired_by_role(old: Sequence[_Shown], new: Sequence[_Shown]) -> Iterator[_Pair]:
    roles = SequenceMatcher(None, [m.role for m in old], [m.role for m in new], autojunk=False)
    for tag, a, b, c, d in roles.get_opcodes():
        if tag == "equal":
            yield from zip(old[a:b], new[c:d], strict=True)
            continue
        yield from ((message, None) for message in old[a:b])
        yield from ((None, message) for message in new[c:d])


def _padded(messages: Sequence[_Shown], length: int) -> list[_Shown | None]:
    return [*messages, *[None] * (length - len(messages))]


def _change(
    old: _Shown | None, new: _Shown | None, before: Sequence[_Shown], after: Sequence[_Shown]
) -> MessageChange:
    status: Literal["added", "removed", "changed"] = "changed"
    if old is None:
        status = "added"
    elif new is None:
        status = "removed"
    name = _name(new, after) if new is not None else _name(old, before)
    diff = diff_texts(old.text if old else "", new.text if new else "")
    return MessageChange(message=name, status=status, diff=diff)


def _name(message: _Shown | None, around: Sequence[_Shown]) -> str:
    if message is None:
        return ""
    alone = sum(other.role == message.role for other in around) == 1
    return f"{message.role} message" if alone else f"message {message.number} ({message.role})"
