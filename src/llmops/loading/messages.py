"""The messages of a prompt: roles, content parts and placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llmops.domain.node import Node, Text
from llmops.domain.prompt import Message, Part, Placeholder, Role
from llmops.errors import Fault
from llmops.loading.shapes import (
    Faults,
    entry,
    expected,
    json_schema,
    read,
    refuse,
)
from llmops.loading.value_checks import file_inside

INPUT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def input_name(name: str, node: Node, faults: Faults) -> object:
    """Check the name of an input, by which templates call it."""
    if re.match(INPUT_NAME, name):
        return name
    hint = "use letters, digits and '_', and begin with a letter"
    return refuse(node, "input-name", f"'{name}' cannot be the name of an input", faults, hint)


def image_address(url: Text, node: Node, faults: Faults) -> object:
    """Check where an image is; the address may be a template."""
    if re.match(r"(https?://[^\s/]|data:image/|\s*\{[{%])", url.text):
        return url
    hint = "write an http address, or 'file:' and a path"
    return refuse(node, "unknown-host", f"'{url}' is no address of an image", faults, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartShape:
    """One part of a message's content."""

    type: Literal["text", "image", "file", "audio"] = entry("What sort of part it is.")
    text: Text | None = entry("The template of a text part.", default=None)
    file: Text | None = entry(
        "The file to send, relative to the prompt.", default=None, then=file_inside
    )
    url: Text | None = entry("Where the provider finds an image.", default=None, then=image_address)
    mime: str | None = entry("The media type; guessed from the file's suffix.", default=None)


_CONTENT_SCHEMA: Mapping[str, object] = {
    "anyOf": [
        json_schema(str),
        {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [json_schema(PartShape), json_schema(str)]},
        },
    ]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShape:
    """One message."""

    role: Role = entry("Who speaks.")
    content: Node = entry("A template, or a list of parts.", schema=_CONTENT_SCHEMA)
    name: str | None = entry("The speaker's name, sent as it is.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceholderShape:
    """A place where a list of messages is handed in."""

    placeholder: str = entry("The input that holds the messages.", then=input_name)


MESSAGES_SCHEMA: Mapping[str, object] = {
    "type": "array",
    "items": {"anyOf": [json_schema(MessageShape), json_schema(PlaceholderShape)]},
}


def read_messages(node: Node, faults: Faults) -> tuple[Message | Placeholder, ...]:
    """Read `messages:`; every fault is added to `faults`, the good ones are returned."""
    if node.kind != "list":
        expected(node, "a list of messages", faults, "write '- role: user' before each message")
        return ()
    found = [_read_message(child, faults) for child in node.elements()]
    return tuple(message for message in found if message is not None)


def plain_message(role: Role, text: Text) -> Message:
    """The message that the shorthand `system:` or `user:` stands for."""
    return Message(role=role, parts=(Part(type="text", text=text),), at=text.at)


def _read_message(node: Node, faults: Faults) -> Message | Placeholder | None:
    if node.kind == "mapping" and "placeholder" in node.value:
        found = read(PlaceholderShape, node, faults, what="a placeholder")
        return Placeholder(input=found.placeholder, at=node.at) if found else None
    shape = read(MessageShape, node, faults, what="a message")
    if shape is None:
        return None
    parts = _read_content(shape.content, faults)
    return Message(role=shape.role, parts=parts, name=shape.name, at=node.at) if parts else None


def _read_content(node: Node, faults: Faults) -> tuple[Part, ...]:
    if node.kind in {"text", "number", "boolean"}:
        return (Part(type="text", text=node.text),)
    if node.kind != "list" or not node.value:
        hint = "write a text, or a list of parts such as {type: text, text: …}"
        expected(node, "a message's content", faults, hint)
        return ()
    found = [_read_part(child, faults) for child in node.elements()]
    return tuple(part for part in found if part is not None)


def _read_part(node: Node, faults: Faults) -> Part | None:
    if node.kind == "text":
        return Part(type="text", text=node.text)
    shape = read(PartShape, node, faults, what="a content part")
    if shape is None:
        return None
    allowed = _HOLDERS[shape.type]
    given = [key for key in ("text", "file", "url") if getattr(shape, key) is not None]
    for key in given:
        if key not in allowed:
            message = f"a part of type '{shape.type}' has no '{key}'"
            hint = f"write '{allowed[0]}:'"
            at = node.key_at(key)
            faults.append(Fault(code="unused-key", message=message, at=at, hint=hint))
            return None
    if len(given) != 1:
        names = " or ".join(f"'{key}'" for key in allowed)
        message = f"a part of type '{shape.type}' needs {'one of ' if given else ''}{names}"
        refuse(node, "missing-key", message, faults, f"write '{allowed[0]}:', and nothing beside")
        return None
    return Part(type=shape.type, text=shape.text, file=shape.file, url=shape.url, mime=shape.mime)


_HOLDERS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("file", "url"),
    "file": ("file",),
    "audio": ("file",),
}
"""The keys that hold the content of each type of part."""
