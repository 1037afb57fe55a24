"""A prompt: a named template with its parameters, inputs and messages."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from llmops.domain.node import Node, Text
from llmops.location import Location

Role = Literal["system", "developer", "user", "assistant", "tool"]
"""Who speaks. Roles come from the YAML only, never from rendered text."""


class Part(Struct, frozen=True, kw_only=True):
    """One part of a message's content.

    Attributes:
        type: What sort of part it is.
        text: The template, for a text part.
        file: The file to send, relative to the prompt, for the other types.
        url: Where the provider finds it, in place of a file; image parts only.
        mime: The media type; guessed from the file's suffix when absent.
    """

    type: Literal["text", "image", "file", "audio"]
    text: Text | None = None
    file: Text | None = None
    url: Text | None = None
    mime: str | None = None


class Message(Struct, frozen=True, kw_only=True):
    """One message of a prompt: a role and templates for its parts.

    Attributes:
        role: Who speaks.
        parts: The content; a plain string in the file is one text part.
        name: The speaker's name, sent as it is.
        at: Where the message stands.
    """

    role: Role
    parts: tuple[Part, ...]
    at: Location
    name: str | None = None


class Placeholder(Struct, frozen=True, kw_only=True):
    """A place in the messages where a list of messages is handed in as an input.

    Attributes:
        input: The input's name. Without a value the placeholder is empty.
        at: Where it stands.
    """

    input: str
    at: Location


class Input(Struct, frozen=True, kw_only=True):
    """One declared input of a prompt.

    Attributes:
        schema: JSON Schema the value must meet; empty for anything.
        required: Whether a case must give it: true unless there is a default.
        default: The value when a case gives none; meaningful only when not required.
        at: Where it is declared.
    """

    schema: Mapping[str, object]
    required: bool
    at: Location
    default: object = None


class Example(Struct, frozen=True, kw_only=True):
    """One few-shot pair: inputs for the prompt's user message and the reply wanted for them.

    Attributes:
        inputs: Values for the templates, or the user message itself.
        output: The assistant's reply, sent as it is.
        at: Where the pair stands.
    """

    inputs: Mapping[str, object] | str
    output: str
    at: Location


class Output(Struct, frozen=True, kw_only=True):
    """The form of output that is asked from the provider and asserted of it.

    Attributes:
        format: `json` asks for JSON and asserts that the output parses.
        schema: JSON Schema asked for and asserted; None for any JSON.
        at: Where it is declared.
    """

    format: Literal["json", "text"]
    at: Location
    schema: Mapping[str, object] | None = None


class Prompt(Struct, frozen=True, kw_only=True):
    """A prompt as its file states it, with what it extends already merged in.

    Attributes:
        name: The path below the prompts folder without suffix: `support/reply`.
        path: The file, relative to the project's root.
        messages: Messages and placeholders in order.
        version: What the author claims; identity is the content hash.
        model: A model's name or an alias from the project's configuration.
        parameters: Sent with every request.
        inputs: Declared inputs by name.
        examples: Few-shot pairs, sent before the last user message.
        tools: Function schemas in OpenAI's shape.
        tool_choice: `auto`, `none`, `required` or a function's choice object.
        output: The form of output wanted.
        extends: The prompt whose parts this one takes over.
        lineage: The files merged in, nearest first, this one's excluded.
        tree_path: The folder of prompts, below which partials are found.
    """

    name: str
    path: str
    messages: tuple[Message | Placeholder, ...]
    at: Location
    version: Text | None = None
    description: str | None = None
    model: Text | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    tools: tuple[Mapping[str, object], ...] = ()
    tool_choice: object = None
    output: Output | None = None
    changelog: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    extends: Text | None = None
    lineage: tuple[str, ...] = ()
    tree_path: str = "prompts"


class RenderedPrompt(Struct, frozen=True, kw_only=True):
    """What a prompt became with one set of inputs.

    Attributes:
        messages: Messages in OpenAI's chat shape: `role`, `content`, maybe `name`.
    """

    messages: tuple[Mapping[str, object], ...]


InputsNode = Node
"""A mapping of input names to values as a suite states them; strings may be templates."""
