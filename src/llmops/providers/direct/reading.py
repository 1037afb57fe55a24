"""Small readers of answers; what is not as it must be is said in words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmops.providers.answers import MOST_TOKENS

_THOUGHT = re.compile(
    r"<(?:think|thinking|budget:thinking)>(.*?)</(?:think|thinking|budget:thinking)>(.*)", re.DOTALL
)
_FILTERED = frozenset(
    {"content_filter", "content_filtered", "refusal", "sensitive", "guardrail_intervened",
     "ERROR_TOXIC", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "SPII", "ESCALATION",
     "PROHIBITED_CONTENT", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "NO_IMAGE", "IMAGE_OTHER",
     "IMAGE_RECITATION"}
)  # fmt: skip
_FINISHES: Mapping[str, str] = {
    **dict.fromkeys(("length", "max_tokens", "MAX_TOKENS", "compaction"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use"), "tool_calls"),
    **dict.fromkeys(_FILTERED, "content_filter"),
    "function_call": "function_call",
}


def finish_of(said: object, *, called: bool = False) -> str:
    """Why an answer ended, in OpenAI's words; a word that nobody knows counts as `stop`.

    Args:
        said: The server's word.
        called: Whether the answer calls tools, which some servers do not say.
    """
    if said is not None and not isinstance(said, str):
        msg = "'finish_reason' is no text"
        raise ValueError(msg)
    found = _FINISHES.get(said or "stop", "stop")
    return "tool_calls" if called and (said or "stop") == "stop" else found


def split_thought(text: str | None) -> tuple[str | None, str | None]:
    """Take the thinking off the beginning of a text that holds both."""
    found = _THOUGHT.match(text) if text and text.startswith("<") else None
    return (found[1], found[2]) if found else (None, text)


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A value that must be a mapping.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, dict):
        msg = f"{what} is no object"
        raise ValueError(msg)  # noqa: TRY004 - what a server sent is a value, not an argument
    return value


def sequence(value: object, what: str) -> Sequence[Any]:
    """A value that must be a list.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, list):
        msg = f"'{what}' is no list"
        raise ValueError(msg)  # noqa: TRY004 - what a server sent is a value, not an argument
    return value


def optional_text(value: object, what: str) -> str | None:
    """A value that must be text or nothing.

    Raises:
        ValueError: It is something else.
    """
    if value is not None and not isinstance(value, str):
        msg = f"'{what}' is no text"
        raise ValueError(msg)
    return value


def count(value: object, what: str) -> int:
    """A number of tokens; nothing counts as 0.

    Raises:
        ValueError: It is none.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        msg = f"'{what}' is no number of tokens"
        raise ValueError(msg)
    return value
