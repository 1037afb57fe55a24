"""One prompt file in, its parts out, before what it extends is merged in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct, field

from llmops.domain.node import Node, Text, plain
from llmops.domain.prompt import Input, Message, Output, Placeholder, Role
from llmops.errors import Fault
from llmops.loading.examples import EXAMPLES_SCHEMA, ExampleShape, read_examples
from llmops.loading.inputs import INPUTS_SCHEMA, read_inputs
from llmops.loading.json_schemas import check_schema
from llmops.loading.messages import MESSAGES_SCHEMA, plain_message, read_messages
from llmops.loading.references import Source
from llmops.loading.shapes import Faults, entry, expected, read, refuse
from llmops.loading.tools import CHOICE_SCHEMA, TOOLS_SCHEMA, Tool, read_tools
from llmops.loading.value_checks import not_empty
from llmops.location import Location

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)


def semver(version: Text, node: Node, faults: Faults) -> object:
    """Check a version: three numbers, and maybe a pre-release and a build."""
    if _SEMVER.fullmatch(version.text):
        return version
    numbers = re.fullmatch(r"v?(\d+)(\.\d+)?(\.\d+)?", version.text)
    near = f"{numbers[1]}{numbers[2] or '.0'}{numbers[3] or '.0'}" if numbers else "1.0.0"
    message = f"'{version}' is no version, which has three numbers"
    return refuse(node, "version", message, faults, f"write '{near}'")


def prompt_name(name: Text, node: Node, faults: Faults) -> object:
    """Check the name of a prompt that is extended."""
    if name.text and "@" not in name.text:
        return name
    hint = "name a prompt of this project, such as 'support/base'"
    return refuse(node, "prompt-name", f"'{name}' cannot be extended", faults, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputShape:
    """`output:`."""

    format: Literal["json", "text"] | None = entry(
        "'json' asks for JSON and asserts it; a schema implies it.", default=None
    )
    schema: Node | None = entry(
        "JSON Schema asked for and asserted, or {file: …}.",
        default=None,
        schema={"type": ["object", "boolean", "null"]},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptShape:
    """The whole of a prompt file."""

    version: Text | None = entry("What the author claims: 1.4.0.", default=None, then=semver)
    description: str | None = entry("What the prompt is for.", default=None)
    model: Text | None = entry(
        "A model's name, or an alias from llmops.yaml.", default=None, then=not_empty
    )
    parameters: Mapping[str, object] | None = entry("Sent with every request.", default=None)
    inputs: Node | None = entry(
        "JSON Schema by input, or a default.", default=None, schema=INPUTS_SCHEMA
    )
    messages: Node | None = entry("What is sent.", default=None, schema=MESSAGES_SCHEMA)
    system: Text | None = entry("In place of 'messages': the system's message.", default=None)
    user: Text | None = entry("In place of 'messages': the user's message.", default=None)
    examples: Node | None = entry("Few-shot pairs.", default=None, schema=EXAMPLES_SCHEMA)
    tools: Node | None = entry("Functions to call.", default=None, schema=TOOLS_SCHEMA)
    tool_choice: Node | None = entry(
        "Which function is called.", default=None, schema=CHOICE_SCHEMA
    )
    output: OutputShape | None = entry("The form of output wanted.", default=None)
    changelog: str | None = entry("What changed in this version.", default=None)
    metadata: Mapping[str, object] | None = entry("Free words.", default=None)
    extends: Text | None = entry(
        "A prompt whose parts this one takes over.", default=None, then=prompt_name
    )


class PromptFile(Struct, frozen=True, kw_only=True):
    """The parts that a file states; None for those it leaves to what it extends.

    Attributes:
        messages: `messages:` as it stands.
        shorthand: `system` and `user`, by role.
        tool_choice: Unread, for the tools it chooses from may stand elsewhere.
    """

    path: str
    at: Location
    version: Text | None = None
    description: str | None = None
    model: Text | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    messages: tuple[Message | Placeholder, ...] | None = None
    shorthand: Mapping[Role, Message] = field(default_factory=dict)
    examples: tuple[ExampleShape, ...] | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: Node | None = None
    output: Output | None = None
    changelog: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    extends: Text | None = None


def read_prompt_file(node: Node, source: Source, faults: Faults) -> PromptFile | None:
    """Read one prompt file.

    Returns:
        Its parts, or None when anything in it is wrong; then `faults` says what.
    """
    before = len(faults)
    shape = read(PromptShape, node, faults, what="a prompt")
    parts = _read_parts(node, source, faults) if node.kind == "mapping" else {}
    if shape is None or len(faults) > before:
        return None
    return PromptFile(
        path=node.path,
        at=node.at,
        version=shape.version,
        description=shape.description,
        model=shape.model,
        parameters=shape.parameters or {},
        shorthand=_shorthand(shape),
        tool_choice=shape.tool_choice,
        changelog=shape.changelog,
        metadata=shape.metadata or {},
        extends=shape.extends,
        **parts,
    )


def _shorthand(shape: PromptShape) -> dict[Role, Message]:
    texts: dict[Role, Text | None] = {"system": shape.system, "user": shape.user}
    return {role: plain_message(role, text) for role, text in texts.items() if text is not None}


def _read_parts(node: Node, source: Source, faults: Faults) -> dict[str, Any]:
    """The parts that a shape cannot read by itself; those that are not there are left out."""
    for key in ("system", "user"):
        if key in node.value and "messages" in node.value:
            message = f"'{key}' and 'messages' cannot both be given"
            hint = f"make '{key}' a message of role '{key}'"
            at = node.key_at(key)
            faults.append(Fault(code="two-forms", message=message, at=at, hint=hint))
    given = [(key, child) for key, child in node.items() if child.kind != "nothing"]
    return {key: _PARTS[key](child, source, faults) for key, child in given if key in _PARTS}


def _read_listed_tools(node: Node, source: Source, faults: Faults) -> tuple[Tool, ...]:
    listed = source.follow(node, faults, bare=True)
    return read_tools(listed, faults) if listed is not None else ()


def _read_output(node: Node, source: Source, faults: Faults) -> Output | None:
    if node.kind != "mapping":
        return None
    form, written = node.get("format"), node.get("schema")
    if written is None or written.kind == "nothing":
        if form is None:
            hint = "write 'format: json', or a 'schema:'"
            refuse(node, "missing-key", "'output' says nothing", faults, hint)
            return None
        return Output(format="json" if form.value == "json" else "text", at=node.at)
    if form is not None and form.value == "text":
        hint = "write 'format: json', or leave the schema out"
        refuse(written, "two-forms", "a schema is for JSON, not for text", faults, hint)
    schema = source.follow(written, faults)
    if schema is None:
        return None
    if schema.kind != "mapping" or set(schema.value) == {"file"}:
        expected(schema, "a JSON Schema", faults, "write {file: …}, or {type: object, …}")
        return None
    check_schema(schema, faults)
    value: Any = plain(schema.value)
    return Output(format="json", schema=value, at=node.at)


_PARTS: Mapping[str, Callable[[Node, Source, Faults], Any]] = {
    "inputs": lambda node, _source, faults: read_inputs(node, faults),
    "messages": lambda node, _source, faults: read_messages(node, faults),
    "examples": read_examples,
    "tools": _read_listed_tools,
    "output": _read_output,
}
"""What reads each part."""
