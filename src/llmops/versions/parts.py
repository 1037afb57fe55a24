"""What is sent: the messages, partials, examples, model and parameters that differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from llmops.domain.change import Kind, PartChange
from llmops.domain.completion import canonical_json
from llmops.versions.aligning import Pair, align, overlap
from llmops.versions.interface import Form, same, shown

_SHORT = 12
_Likeness = Callable[[Form, Form], float]


def message_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The messages and placeholders that differ, in the order in which they stand now."""
    was, now = before.get("messages", []), after.get("messages", [])
    for old, new in _differing(was, now, message_likeness):
        place = message_place(was, old) if new is None else message_place(now, new)
        one, other = (
            (was[old] if old is not None else None),
            (now[new] if new is not None else None),
        )
        if one is None or other is None:
            reason = f"the {_what(one or other)} {'is new' if one is None else 'was removed'}"
        else:
            reason = _how(one, other, place)
        texts = tuple(message_text(form) if form is not None else None for form in (one, other))
        yield _sent(place, "wording", texts, reason)


def partial_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The partials that differ, by name."""
    was, now = before.get("partials", {}), after.get("partials", {})
    for name in dict.fromkeys([*was, *now]):
        if name in was and name in now and was[name] == now[name]:
            continue
        if name not in now:
            reason = f"the partial '{name}' is not used any more"
        elif name not in was:
            reason = f"the partial '{name}' is used now"
        else:
            reason = f"the text of the partial '{name}' changed"
        texts = tuple(_partial(form, name) for form in (was, now))
        yield _sent(f"partial {name}", "wording", texts, reason)


def example_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The examples that differ, in the order in which they stand now."""
    was, now = before.get("examples", []), after.get("examples", [])
    for old, new in _differing(was, now, example_likeness):
        number = (old if new is None else new) or 0
        name = f"example {number + 1}"
        texts = (
            shown(was[old]) if old is not None else None,
            shown(now[new]) if new is not None else None,
        )
        if old is None or new is None:
            reason = f"the {name} {'is new' if old is None else 'was removed'}"
        else:
            reason = f"the {name} {'was moved' if texts[0] == texts[1] else 'changed'}"
        yield _sent(name, "wording", texts, reason)


def model_change(before: Form, after: Form) -> Iterator[PartChange]:
    """The model, if it differs."""
    old, new = before.get("model"), after.get("model")
    if old != new:
        reason = f"the model was {_named(old)} and is {_named(new)}"
        yield _sent("model", "model", (old, new), reason)


def parameter_changes(before: Form, after: Form) -> Iterator[PartChange]:
    """The parameters that differ, by name."""
    was, now = before.get("parameters", {}), after.get("parameters", {})
    for name in dict.fromkeys([*was, *now]):
        if name in was and name in now and same(was[name], now[name]):
            continue
        if name not in was:
            reason = f"the parameter '{name}' is new"
        elif name not in now:
            reason = f"the parameter '{name}' was removed"
        else:
            reason = f"the parameter '{name}' changed"
        texts = tuple(_value(form, name) for form in (was, now))
        yield _sent(f"parameter {name}", "parameters", texts, reason)


def message_likeness(one: Form, other: Form) -> float:
    """How likely one message became another: those of one role can, and those that say the same."""
    if "placeholder" in one or "placeholder" in other:
        return 0.0
    words = message_text(one), message_text(other)
    if one["role"] == other["role"]:
        return 1 + overlap(*words)
    return float(words[0] == words[1])


def example_likeness(one: Form, other: Form) -> float:
    """How likely one example became another."""
    asked = float(same(one["input"], other["input"]))
    return 0.5 + asked + overlap(str(one["output"]), str(other["output"]))


def message_place(messages: Sequence[Form], number: int | None) -> str:
    """What a message is called: by its role where no other has it, else by its number."""
    form = messages[number or 0]
    if "placeholder" in form:
        return f"placeholder {form['placeholder']}"
    alone = sum(one.get("role") == form["role"] for one in messages) == 1
    return f"{form['role']} message" if alone else f"message {(number or 0) + 1} ({form['role']})"


def message_text(form: Form) -> str:
    """A message as people read it; what is no text stands in brackets."""
    if "placeholder" in form:
        return f"[placeholder {form['placeholder']}]"
    name = [f"[name {form['name']}]"] if "name" in form else []
    return "\n".join([*name, *(_part_text(part) for part in form["parts"])])


def _sent(part: str, kind: Kind, texts: Sequence[str | None], reason: str) -> PartChange:
    """What is sent is nobody's interface: it asks for a patch."""
    before, after = texts
    return PartChange(part=part, kind=kind, step="patch", before=before, after=after, reason=reason)


def _differing(was: Sequence[Form], now: Sequence[Form], likeness: _Likeness) -> list[Pair]:
    texts = [canonical_json(one) for one in was], [canonical_json(one) for one in now]
    return align(*texts, lambda old, new: likeness(was[old], now[new]))


def _what(form: Form | None) -> str:
    if form is None or "placeholder" not in form:
        return "message"
    return f"placeholder '{form['placeholder']}'"


def _how(one: Form, other: Form, place: str) -> str:
    if same(one, other):
        return f"the {_what(other)} was moved"
    if one["role"] != other["role"]:
        return f"the role was {one['role']} and is {other['role']}"
    return f"the wording of the {place} changed"


def _part_text(part: Mapping[str, object]) -> str:
    if "text" in part:
        return str(part["text"])
    facts = (value for key, value in part.items() if key not in {"type", "sha256"})
    digest = [str(part["sha256"])[:_SHORT]] if "sha256" in part else []
    return f"[{' '.join([str(part['type']), *(str(fact) for fact in facts), *digest])}]"


def _partial(partials: Mapping[str, str | None], name: str) -> str | None:
    """The text of a partial; one that cannot be read says so."""
    if name not in partials:
        return None
    text = partials[name]
    return "[cannot be read]" if text is None else text


def _value(parameters: Form, name: str) -> str | None:
    return canonical_json(parameters[name]) if name in parameters else None


def _named(model: object) -> str:
    return f"'{model}'" if model is not None else "none"
