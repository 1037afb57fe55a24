"""Two versions of a prompt in, what changed out: part by part, and the step each part asks for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from llmops.domain.change import Change, Kind, PartChange, Step
from llmops.domain.completion import canonical_json
from llmops.rendering.canonical import canonical_form
from llmops.versions.compatibility import accepts_all, open_to_more, without_annotations
from llmops.versions.version import PromptVersion

Form = Mapping[str, Any]


def change_between(before: PromptVersion, after: PromptVersion) -> Change:
    """What differs between two versions; nothing exactly when their content hashes are equal.

    Steps follow from what a program that uses the prompt must do: hand over the inputs, take the
    output apart, carry out the tools. What would break it is major, what it may use is minor, and
    what only changes how a model answers is a patch.

    Raises:
        InvalidInputError: A version holds what JSON has no form for.
    """
    old = canonical_form(before.prompt, before.tree)
    new = canonical_form(after.prompt, after.tree)
    return Change(parts=tuple(_changes(old, new)))


def _changes(old: Form, new: Form) -> Iterator[PartChange]:
    yield from _messages(old.get("messages", []), new.get("messages", []))
    yield from _named("partial", "wording", old.get("partials", {}), new.get("partials", {}))
    yield from _examples(old.get("examples", []), new.get("examples", []))
    yield from _inputs(old.get("inputs", {}), new.get("inputs", {}))
    yield from _whole("output", "output", old, new, _output_step(old, new))
    yield from _whole("model", "model", old, new, "patch")
    yield from _named(
        "parameter", "parameters", old.get("parameters", {}), new.get("parameters", {})
    )
    yield from _tools(old.get("tools", []), new.get("tools", []))
    yield from _whole("tool_choice", "tools", old, new, "patch")


def _messages(old: Sequence[Form], new: Sequence[Form]) -> Iterator[PartChange]:
    for before, after in _aligned(old, new):
        part = _message_name(new, after) if after is not None else _message_name(old, before or 0)
        yield _changed(
            part,
            "wording",
            _message_text(old[before]) if before is not None else None,
            _message_text(new[after]) if after is not None else None,
        )


def _aligned(old: Sequence[Form], new: Sequence[Form]) -> Iterator[tuple[int | None, int | None]]:
    """Places of what differs in two lists; one of them is None for what was added or removed."""
    keys = [canonical_json(one) for one in old], [canonical_json(one) for one in new]
    for tag, first, last, start, end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        removed, added = list(range(first, last)), list(range(start, end))
        while removed and added and old[removed[0]].get("role") == new[added[0]].get("role"):
            yield removed.pop(0), added.pop(0)
        yield from ((place, None) for place in removed)
        yield from ((None, place) for place in added)


def _message_name(messages: Sequence[Form], place: int) -> str:
    message = messages[place]
    if "placeholder" in message:
        return f"placeholder {message['placeholder']}"
    role = message["role"]
    alone = sum(other.get("role") == role for other in messages) == 1
    return f"{role} message" if alone else f"message {place + 1} ({role})"


def _message_text(message: Form) -> str:
    if "placeholder" in message:
        return f"{{placeholder: {message['placeholder']}}}"
    parts = [str(part["text"]) if "text" in part else _shown(part) for part in message["parts"]]
    speaker = [f"name: {message['name']}"] if "name" in message else []
    return "\n".join([*speaker, *parts])


def _examples(old: Sequence[Form], new: Sequence[Form]) -> Iterator[PartChange]:
    for before, after in _aligned(old, new):
        place = after if after is not None else before or 0
        yield _changed(
            f"example {place + 1}",
            "wording",
            _shown(old[before]) if before is not None else None,
            _shown(new[after]) if after is not None else None,
        )


def _named(word: str, kind: Kind, old: Form, new: Form) -> Iterator[PartChange]:
    """What stands under names: each name by itself, as a patch."""
    for name in dict.fromkeys([*old, *new]):
        before, after = _text_under(old, name), _text_under(new, name)
        if before != after:
            yield _changed(f"{word} {name}", kind, before, after)


def _inputs(old: Form, new: Form) -> Iterator[PartChange]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before is not None and after is not None and _same(before, after):
            continue
        step, what = _input_step(before, after)
        yield PartChange(
            part=f"input {name}",
            kind="inputs",
            step=step,
            before=_shown(before) if before is not None else None,
            after=_shown(after) if after is not None else None,
            reason=f"the input '{name}' {what}",
        )


def _input_step(before: Form | None, after: Form | None) -> tuple[Step, str]:
    if after is None:
        return "major", "was removed"
    if before is None:
        optional = "default" in after
        return ("minor", "was added") if optional else ("major", "was added and is required")
    return next(found for found in _input_changes(before, after))


def _input_changes(before: Form, after: Form) -> Iterator[tuple[Step, str]]:
    """What became of an input, the gravest first."""
    if "default" in before and "default" not in after:
        yield "major", "is required now"
    if not accepts_all(after["schema"], before["schema"]):
        yield "major", "may refuse what it took"
    if "default" in after and "default" not in before:
        yield "minor", "has a default now"
    if not accepts_all(before["schema"], after["schema"]):
        yield "minor", "takes more than it took"
    yield "patch", "has another default or is written otherwise"


def _output_step(old: Form, new: Form) -> Step:
    """A program reads the output: what it read must still be there."""
    before, after = old.get("output") or {}, new.get("output") or {}
    if (before.get("format") or "text") != (after.get("format") or "text"):
        return "major"
    expected, given = before.get("schema"), after.get("schema")
    if _same(without_annotations(expected), without_annotations(given)):
        return "patch"
    reads = True if expected is None else open_to_more(expected)
    writes = True if given is None else given
    return "minor" if accepts_all(reads, writes) else "major"


def _tools(old: Sequence[Form], new: Sequence[Form]) -> Iterator[PartChange]:
    before, after = _by_function(old), _by_function(new)
    for name in dict.fromkeys([*before, *after]):
        first, second = before.get(name), after.get(name)
        if first is None or second is None or not _same(first, second):
            step, what = _tool_step(first, second)
            yield PartChange(
                part=f"tool {name}",
                kind="tools",
                step=step,
                before=_shown(first) if first is not None else None,
                after=_shown(second) if second is not None else None,
                reason=f"the tool '{name}' {what}",
            )
    known = [name for name in before if name in after]
    if known != [name for name in after if name in before]:
        listed = ", ".join(before), ", ".join(after)
        yield _changed("order of tools", "tools", *listed)


def _tool_step(before: Form | None, after: Form | None) -> tuple[Step, str]:
    if after is None:
        return "major", "was removed"
    if before is None:
        return "minor", "was added"
    if _same(without_annotations(before), without_annotations(after)):
        return "patch", "is described otherwise"
    return "major", "is called otherwise"


def _by_function(tools: Sequence[Form]) -> dict[str, Form]:
    """Tools by the name of their function; one that is there twice keeps its place in the name."""
    found: dict[str, Form] = {}
    for number, tool in enumerate(tools, 1):
        name = str(tool.get("function", {}).get("name", tool.get("type", "tool")))
        found[name if name not in found else f"{name} ({number})"] = tool
    return found


def _whole(part: str, kind: Kind, old: Form, new: Form, step: Step) -> Iterator[PartChange]:
    before, after = _text_under(old, part), _text_under(new, part)
    if before != after:
        yield _changed(part, kind, before, after, step)


def _changed(
    part: str, kind: Kind, before: str | None, after: str | None, step: Step = "patch"
) -> PartChange:
    what = "was added" if before is None else "was removed" if after is None else "changed"
    return PartChange(
        part=part, kind=kind, step=step, before=before, after=after, reason=f"the {part} {what}"
    )


def _text_under(form: Form, name: str) -> str | None:
    if name not in form:
        return None
    value = form[name]
    return value if isinstance(value, str) else _shown(value)


def _shown(value: object) -> str:
    """A value as JSON to read; two that differ as requests differ here."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _same(one: object, other: object) -> bool:
    return canonical_json(one) == canonical_json(other)
