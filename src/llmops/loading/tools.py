"""The tools of a prompt: function schemas in OpenAI's shape, and which of them is chosen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmops.domain.node import Node, plain
from llmops.errors import did_you_mean
from llmops.loading.json_schemas import check_schema
from llmops.loading.shapes import Faults, entry, expected, json_schema, read, refuse

Tool = Mapping[str, object]
_NAME = r"^[A-Za-z0-9_-]{1,64}$"
_CHOICES = ("auto", "none", "required")


def function_name(name: str, node: Node, faults: Faults) -> object:
    """Check the name of a function."""
    if re.match(_NAME, name):
        return name
    hint = "use up to 64 letters, digits, '_' and '-'"
    return refuse(node, "tool-name", f"'{name}' cannot be a tool's name", faults, hint)


def parameters_schema(schema: Node, node: Node, faults: Faults) -> object:
    """Check the schema of a function's arguments."""
    check_schema(schema, faults)
    kind = schema.get("type") if schema.kind == "mapping" else None
    if kind is not None and kind.value != "object":
        hint = "write '{type: object, properties: {…}}'"
        expected(kind, "'object': a tool's arguments have names", faults, hint)
    return node


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionShape:
    """A function that the model may call."""

    name: str = entry("The function's name.", then=function_name)
    description: str | None = entry("When to call it.", default=None)
    parameters: Node | None = entry(
        "JSON Schema of its arguments.", default=None, then=parameters_schema
    )
    strict: bool | None = entry("Whether arguments must meet the schema.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolShape:
    """A function in OpenAI's wrapping."""

    type: Literal["function"] = entry("Always 'function'.")
    function: FunctionShape = entry("The function.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenShape:
    """The function that must be called."""

    name: str = entry("The function's name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """The choice of one function in OpenAI's wrapping."""

    type: Literal["function"] = entry("Always 'function'.")
    function: ChosenShape = entry("The function.")


_FILE_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"file": {"type": "string"}},
    "required": ["file"],
    "additionalProperties": False,
}
TOOLS_SCHEMA: Mapping[str, object] = {
    "anyOf": [
        {"type": "string", "description": "A YAML or JSON file."},
        _FILE_SCHEMA,
        {
            "type": "array",
            "items": {"anyOf": [json_schema(ToolShape), json_schema(FunctionShape)]},
        },
    ]
}
CHOICE_SCHEMA: Mapping[str, object] = {
    "anyOf": [{"enum": list(_CHOICES)}, json_schema(ChoiceShape)]
}


def read_tools(node: Node, faults: Faults) -> tuple[Tool, ...]:
    """Read a list of tools; a bare function is wrapped as OpenAI does it.

    Every fault is added to `faults`, the good ones are returned.
    """
    if node.kind != "list":
        expected(node, "a list of tools", faults, "write '- name: …' before each tool")
        return ()
    found: list[Tool] = []
    names: dict[str, Node] = {}
    for child in node.elements():
        tool = _read_tool(child, faults)
        if tool is None:
            continue
        found.append(tool)
        name = name_of(tool)
        first = names.setdefault(name, child)
        if first is not child:
            message = f"a second tool is called '{name}'"
            refuse(child, "duplicate-tool", message, faults, f"the first is at {first.at}")
    return tuple(found)


def read_choice(node: Node, tools: Sequence[Tool], faults: Faults) -> object:
    """Read `tool_choice:`: `auto`, `none`, `required` or one of the tools.

    Returns:
        The word, or the choice as OpenAI wants it; None when it is wrong.
    """
    names = [name_of(tool) for tool in tools]
    if node.kind != "mapping":
        return _read_word(node, names, faults)
    shape = read(ChoiceShape, node, faults, what="'tool_choice'")
    if shape is None:
        return None
    if shape.function.name not in names:
        known = f"the tools are {', '.join(names)}" if names else "the prompt has no 'tools:'"
        hint = did_you_mean(shape.function.name, names) or known
        message = f"no tool is called '{shape.function.name}'"
        refuse(node, "unknown-tool", message, faults, hint)
        return None
    return plain(node.value)


def name_of(tool: Tool) -> str:
    """The function's name in a tool that was read."""
    function: Any = tool["function"]
    return str(function["name"])


def _read_tool(node: Node, faults: Faults) -> Tool | None:
    if node.kind == "mapping" and ("function" in node.value or "type" in node.value):
        wrapped = read(ToolShape, node, faults, what="a tool")
        function = node.get("function") if wrapped is not None else None
    else:
        function = node if read(FunctionShape, node, faults, what="a tool") is not None else None
    return {"type": "function", "function": plain(function.value)} if function else None


def _read_word(node: Node, names: list[str], faults: Faults) -> object:
    if node.value in _CHOICES:
        return node.value
    if node.value in names:
        hint = f"write '{{type: function, function: {{name: {node.value}}}}}'"
    else:
        near = did_you_mean(node.typed, _CHOICES) if node.kind == "text" else None
        hint = near or "write 'auto'"
    expected(node, f"one of {', '.join(_CHOICES)}, or a tool", faults, hint)
    return None
