"""What the direct lane is sure of in a request; everything else is left to litellm."""

import re
from collections.abc import Collection, Mapping

from msgspec import Struct

from llmops.domain.json_bytes import json_bytes
from llmops.domain.node import plain

_TEXT_PART = frozenset({"type", "text"})
_TOOL = frozenset({"type", "function"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_TOOL_CALL = frozenset({"id", "type", "function"})
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class UncertainError(Exception):
    """Litellm may translate this in a way that is not known here."""


class Call(Struct, frozen=True, kw_only=True):
    """One HTTP request.

    Attributes:
        url: Where to.
        headers: Names in lower case, the key among them.
        body: JSON, the same bytes for the same request.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"


def sure(condition: object) -> None:
    """Go on only if something holds.

    Raises:
        UncertainError: It does not.
    """
    if not condition:
        raise UncertainError


def known(value: object, keys: Collection[str]) -> Mapping[str, object]:
    """A mapping that has no key but these.

    Raises:
        UncertainError: It is none, or has another.
    """
    if not isinstance(value, Mapping) or any(key not in keys for key in value):
        raise UncertainError
    return value


def text_of(value: object) -> str:
    """A text that no provider needs translated: one with something to read in it.

    Raises:
        UncertainError: It is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise UncertainError
    return value


def name_of(value: object) -> str:
    """A name of a tool or a call that every provider takes as it is.

    Raises:
        UncertainError: It is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise UncertainError
    return value


def text_part(part: object) -> str:
    """The words of a part of a message that is nothing but text.

    Raises:
        UncertainError: It is something else.
    """
    fields = known(part, _TEXT_PART)
    sure(fields.get("type") == "text")
    return text_of(fields.get("text"))


def function_of(tool: object) -> Mapping[str, object]:
    """The function that a tool is.

    Raises:
        UncertainError: It is another kind of tool, or says more than is understood here.
    """
    fields = known(tool, _TOOL)
    sure(fields.get("type") == "function")
    function = known(fields.get("function"), _FUNCTION)
    name_of(function.get("name"))
    # litellm drops regular expressions that Python does not know.
    sure(b'"pattern":' not in written({"parameters": plain(function.get("parameters"))}))
    return function


def called_function(call: object) -> tuple[str, str, str]:
    """The id, the name and the arguments of a tool call in a message.

    Raises:
        UncertainError: It is no plain call of a function.
    """
    fields = known(call, _TOOL_CALL)
    sure(fields.get("type") == "function")
    function = known(fields.get("function"), {"name", "arguments"})
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise UncertainError
    return name_of(fields.get("id")), name_of(function.get("name")), arguments


def base_of(address: str, endings: tuple[str, ...]) -> str:
    """An address that a path can be put behind.

    Args:
        address: Of a host, with or without a path.
        endings: What litellm may look for at its end.

    Raises:
        UncertainError: It has more than a path, or ends so.
    """
    base = address.strip().rstrip("/")
    sure(base.startswith(("http://", "https://")))
    sure("?" not in base and "#" not in base and "@" not in base)
    sure(not base.endswith(endings))
    return base


def written(body: Mapping[str, object]) -> bytes:
    """A body as JSON in its own order, which models can see in schemas.

    Raises:
        UncertainError: There is no JSON for it.
    """
    try:
        return json_bytes(body)
    except (TypeError, ValueError, RecursionError):
        raise UncertainError from None
