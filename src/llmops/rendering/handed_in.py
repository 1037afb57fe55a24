"""Messages handed in for a placeholder: each is checked, for its words come from outside."""

from collections.abc import Iterator, Mapping
from typing import get_args

from llmops.domain.prompt import Role
from llmops.errors import Fault, did_you_mean
from llmops.location import Location

_ROLES = get_args(Role)
_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")


def check_messages(name: str, value: object, at: Location | None) -> list[Fault]:
    """Say what is wrong with a list of messages.

    Args:
        name: The input that holds them.
        value: What was handed in.
        at: Where it was given.
    """
    if not isinstance(value, list | tuple):
        message = f"the input '{name}' is not a list of messages"
        hint = "write '- {role: user, content: …}' for each"
        return [Fault(code="wrong-input", message=message, at=at, hint=hint)]
    return [
        Fault(code="wrong-input", message=f"message {number} of '{name}' {words}", at=at, hint=hint)
        for number, message in enumerate(value, 1)
        for words, hint in _complaints(message)
    ]


def handed_in(value: object) -> list[dict[str, object]]:
    """Copies of messages that were checked."""
    return [dict(message) for message in value] if isinstance(value, list | tuple) else []


def _complaints(message: object) -> Iterator[tuple[str, str | None]]:
    if not isinstance(message, Mapping):
        yield "is not a mapping", "write '{role: user, content: …}'"
        return
    for key in message:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or f"the keys are {', '.join(_KEYS)}"
            yield f"has the key '{key}'", hint
    role = message.get("role")
    if role not in _ROLES:
        hint = did_you_mean(str(role), _ROLES) or f"the roles are {', '.join(_ROLES)}"
        yield (f"has the role '{role}'" if "role" in message else "has no role"), hint
    if not isinstance(message.get("content"), str) and not _calls_tools(message):
        yield "has no text under 'content'", "write 'content: …'"


def _calls_tools(message: Mapping[object, object]) -> bool:
    return bool(message.get("tool_calls")) and message.get("content") is None
