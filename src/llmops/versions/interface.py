"""What callers rely on: how a change of an input, of the output or of a tool breaks them or not."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from llmops.domain.change import PartChange, Step
from llmops.domain.completion import canonical_json
from llmops.versions.schema_change import Difference, schema_differences

Form = Mapping[str, Any]
"""A prompt's canonical form."""

_TOLD = 3
_ANY_LIST: Form = {"schema": {"type": "array"}, "default": []}
"""What a placeholder takes."""
_TEXT: Form = {"format": "text", "schema": None}
_CALLS = "call"


def input_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The inputs that differ, those of placeholders included.

    An input that may refuse what it accepted, that is gone, or that must be given now is a major
    change; one more that need not be given is a minor one.
    """
    yield from _by_name("input", (_accepted(before), _accepted(after)), _new_input, _input)


def output_change(before: Form, after: Form) -> Iterator[PartChange]:
    """The output, if it differs.

    Programs that read it can go on when it has more fields or fewer possible values; a field that
    is gone or may be missing, another type and another format are major changes.
    """
    old, new = before.get("output"), after.get("output")
    if same(old, new):
        return
    step, reason = _output(old or _TEXT, new or _TEXT)
    yield _part("output", ("output", step), (old, new), reason)


def tool_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The tools that differ, by the name of their function; any change of arguments is major."""
    was, now = _tools(before), _tools(after)
    yield from _by_name("tool", (was, now), _new_tool, _tool)
    both = [name for name in was if name in now], [name for name in now if name in was]
    if both[0] != both[1]:
        yield _part("tools", ("tools", "patch"), both, "the tools stand in another order")


def choice_change(before: Form, after: Form) -> Iterator[PartChange]:
    """The choice of tools, if it differs: what the answer may be then, text or a call."""
    old, new = before.get("tool_choice"), after.get("tool_choice")
    if same(old, new):
        return
    was, now = _answers(old), _answers(new)
    step: Step = "patch" if was == now else "minor" if _within(now, was) else "major"
    reason = f"the choice of tools was {_choice(old)} and is {_choice(new)}"
    yield _part("tool_choice", ("tools", step), (old, new), reason)


def same(one: object, other: object) -> bool:
    """Whether two plain values are written the same in the canonical form."""
    return one is other or canonical_json(one) == canonical_json(other)


def shown(value: object) -> str | None:
    """A value as text: JSON, line by line; None stays None."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value is not None else None


def _by_name(
    word: str,
    sides: tuple[Mapping[str, Form], Mapping[str, Form]],
    added: Callable[[str, Form], tuple[Step, str]],
    changed: Callable[[str, Form, Form], tuple[Step, str]],
) -> Iterator[PartChange]:
    """What differs between two sides that are known by name; what is gone is a major change."""
    was, now = sides
    for name in dict.fromkeys([*was, *now]):
        old, new = was.get(name), now.get(name)
        if same(old, new):
            continue
        step: Step
        if new is None:
            step, reason = "major", f"the {word} '{name}' was removed"
        elif old is None:
            step, reason = added(name, new)
        else:
            step, reason = changed(name, old, new)
        yield _part(f"{word} {name}", (f"{word}s", step), (old, new), reason)


def _part(
    part: str, about: tuple[Any, Step], values: tuple[object, object], reason: str
) -> PartChange:
    kind, step = about
    before, after = (shown(value) for value in values)
    return PartChange(part=part, kind=kind, step=step, before=before, after=after, reason=reason)


def _accepted(form: Form) -> dict[str, Form]:
    """What may be handed in: the declared inputs, and a list for each placeholder."""
    named = [one["placeholder"] for one in form.get("messages", []) if "placeholder" in one]
    return {**dict.fromkeys(named, _ANY_LIST), **form.get("inputs", {})}


def _new_input(name: str, new: Form) -> tuple[Step, str]:
    if "default" in new:
        return "minor", f"the input '{name}' is new and need not be given"
    return "major", f"the input '{name}' is new and must be given"


def _input(name: str, old: Form, new: Form) -> tuple[Step, str]:
    found = schema_differences(old["schema"], new["schema"])
    if "default" in old and "default" not in new:
        return "major", f"the input '{name}' must be given now"
    less = [one for one in found if _refuses(one)]
    if less:
        return "major", f"the input '{name}' may refuse what it accepted: {_told(less)}"
    if found:
        return "minor", f"the input '{name}' accepts more: {_told(found)}"
    if "default" in new and "default" not in old:
        return "minor", f"the input '{name}' need not be given any more"
    if not same(old.get("default"), new.get("default")):
        return "patch", f"the default of the input '{name}' changed"
    return "patch", f"the words of the input '{name}' changed"


def _refuses(one: Difference) -> bool:
    return one.property == "gone" or (one.narrower and one.property != "new")


def _output(old: Form, new: Form) -> tuple[Step, str]:
    if old["format"] != new["format"]:
        return "major", f"the output was {old['format']} and is {new['format']}"
    was, now = ({} if form["schema"] is None else form["schema"] for form in (old, new))
    if bool(was) != bool(now):
        step: Step = "minor" if now else "major"
        return step, f"the output has {'a schema now' if now else 'no schema any more'}"
    found = schema_differences(was, now)
    broken = [one for one in found if _surprises(one)]
    if broken:
        return "major", f"the output may be what it never was: {_told(broken)}"
    if found:
        return "minor", f"the output says more: {_told(found)}"
    if same(was, now):
        return "patch", f"the output is {new['format']}, as it was"
    return "patch", "the words of the output's schema changed"


def _surprises(one: Difference) -> bool:
    return one.property == "gone" or (one.wider and one.property not in {"new", "open"})


def _tools(form: Form) -> dict[str, Form]:
    listed = form.get("tools", [])
    return {str(_function(tool).get("name", number)): tool for number, tool in enumerate(listed)}


def _function(tool: Form) -> Form:
    function: Form = tool.get("function", {})
    return function


def _new_tool(name: str, _new: Form) -> tuple[Step, str]:
    return "minor", f"the tool '{name}' is new"


def _tool(name: str, old: Form, new: Form) -> tuple[Step, str]:
    was, now = _function(old), _function(new)
    found = schema_differences(was.get("parameters", {}), now.get("parameters", {}))
    if found:
        return "major", f"the arguments of the tool '{name}' changed: {_told(found)}"
    if was.get("strict") and not now.get("strict"):
        return "major", f"the tool '{name}' may get arguments that break its schema"
    return "patch", f"the words of the tool '{name}' changed"


def _answers(choice: object) -> set[str]:
    """What an answer may be: text, a call of any tool, or of one by its name."""
    if isinstance(choice, Mapping):
        return {f"{_CALLS} {_function(choice).get('name')}"}
    return {"none": {"text"}, "required": {_CALLS}}.get(str(choice), {"text", _CALLS})


def _within(some: set[str], others: set[str]) -> bool:
    """Whether each answer is one of the others; a call of one tool is a call."""
    return all(one in others or (_CALLS in others and one.startswith(_CALLS)) for one in some)


def _choice(value: object) -> str:
    if isinstance(value, Mapping):
        return f"'{_function(value).get('name')}'"
    return f"'{value}'" if value is not None else "left to the model"


def _told(found: Iterable[Difference]) -> str:
    words = list(dict.fromkeys(one.words for one in found))
    more = f" and {len(words) - _TOLD} more" if len(words) > _TOLD else ""
    return "; ".join(words[:_TOLD]) + more
