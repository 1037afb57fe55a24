"""What a suite tests in place of a prompt: an application, or a chain of prompts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from llmops.domain.node import Node, Text, node_of
from llmops.domain.suite import Assertion, HttpTarget, Step, Target
from llmops.loading.assertions import read_assertions
from llmops.loading.shapes import (
    Duration,
    Faults,
    entry,
    expected,
    json_schema,
    read,
    refuse,
    shape_of,
)
from llmops.loading.value_checks import above_zero, not_empty
from llmops.location import Location

ASSERTIONS_SCHEMA: Mapping[str, object] = {"$ref": "#/definitions/assertions"}
_FUNCTION = re.compile(r"([^\s:]+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d]\w*")
_MOST_STEPS = 1000
_STEP_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def function_reference(reference: Text, node: Node, faults: Faults) -> object:
    """Check the name of a Python function."""
    if _FUNCTION.fullmatch(reference.text):
        return reference
    hint = "write package.module:function, or file.py:function"
    return refuse(node, "function-name", f"'{reference}' names no function", faults, hint)


def web_address(url: Text, node: Node, faults: Faults) -> object:
    """Check where an application is; the address may be a template."""
    if re.match(r"(https?://[^\s/]|\s*\{[{%])", url.text):
        return url
    hint = "write one such as http://127.0.0.1:8000/answer"
    return refuse(node, "unknown-host", f"'{url}' is no http address", faults, hint)


def mapping_only(value: Node, node: Node, faults: Faults) -> object:
    """Check that a mapping was written."""
    if value.kind == "mapping":
        return value
    return expected(node, "a mapping", faults, "write 'key: value' lines below it")


def command_line(words: tuple[Text, ...], node: Node, faults: Faults) -> object:
    """Check that a command names a program."""
    if words and words[0].text.strip():
        return words
    return refuse(node, "empty", "the command names no program", faults, "write [python, app.py]")


@shape_of(HttpTarget, "'http'")
class HttpShape:
    """`http:` of a target."""

    url: Text = entry("Where the application is; a template over the inputs.", then=web_address)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = entry(
        "The HTTP method.", default="POST"
    )
    headers: Node | None = entry(
        "Headers, templates over the inputs.",
        default=None,
        then=mapping_only,
        schema={"type": ["object", "null"]},
    )
    body: Node | None = entry(
        "The JSON body, its strings templates; the inputs when it is not given.", default=None
    )
    output: str | None = entry("Path into the JSON answer, such as 'choices.0.text'.", default=None)
    timeout: Duration = entry("For one call.", default=Duration(60.0), then=above_zero)


@shape_of(Target, "'target'")
class TargetShape:
    """`target:` of a suite."""

    python: Text | None = entry(
        "package.module:function, called with the inputs.", default=None, then=function_reference
    )
    http: HttpTarget | None = entry("A request to send.", default=None)
    exec: tuple[Text, ...] | None = entry(
        "A command; the inputs arrive as JSON on standard input.", default=None, then=command_line
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShape:
    """One step of a chain."""

    prompt: Text = entry("The prompt.", then=not_empty)
    id: str | None = entry("By which later steps find the output.", default=None)
    inputs: Node | None = entry(
        "Templates for the prompt's inputs; inputs and earlier outputs by name otherwise.",
        default=None,
        then=mapping_only,
        schema={"type": ["object", "null"]},
    )
    assertions: Node | None = entry(
        "Claims about this step's output.", key="assert", default=None, schema=ASSERTIONS_SCHEMA
    )
    at: Location


STEPS_SCHEMA: Mapping[str, object] = {
    "type": "array",
    "minItems": 1,
    "items": json_schema(StepShape),
}


def read_target(node: Node, faults: Faults) -> Target | None:
    """Read `target:`: exactly one of the three kinds.

    Returns:
        The target, or None when it is wrong; then `faults` says what.
    """
    target = read(Target, node, faults)
    if target is None:
        return None
    kinds = [kind for kind in (target.python, target.http, target.exec) if kind is not None]
    if len(kinds) != 1:
        what = "two of them" if kinds else "none"
        message = f"a target is one of 'python', 'http' and 'exec', and here is {what}"
        refuse(node, "one-target", message, faults, "keep one, such as {python: app.main:answer}")
        return None
    return target


def read_steps(node: Node, faults: Faults) -> tuple[Step, ...]:
    """Read `steps:`; every fault is added to `faults`, the good ones are returned."""
    if node.kind != "list" or not node.value:
        expected(node, "a list of steps", faults, "write '- prompt: NAME' before each step")
        return ()
    if len(node.value) > _MOST_STEPS:
        hint = "make several suites of it"
        refuse(node, "too-many", f"the chain has {len(node.value):,} steps", faults, hint)
        return ()
    found: dict[str, Step] = {}
    for child in node.elements():
        step = _read_step(child, faults)
        if step is None:
            continue
        first = found.setdefault(step.id, step)
        if first is not step:
            at = child.get("id") or child
            message = f"a second step has the id '{step.id}'"
            refuse(at, "duplicate-id", message, faults, f"the first is at {first.at}; add 'id:'")
    return tuple(found.values())


def _read_step(node: Node, faults: Faults) -> Step | None:
    shape = read(StepShape, node, faults, what="a step")
    if shape is None:
        return None
    name = shape.id
    if name is None:
        last = shape.prompt.text.partition("@")[0].rpartition("/")[2]
        name = re.sub(r"[^A-Za-z0-9_]", "_", last)
    if not _STEP_ID.fullmatch(name):
        at = node.get("id") or node_of(name, shape.prompt.at)
        hint = "use letters, digits and '_', and begin with a letter"
        refuse(at, "step-id", f"'{name}' cannot be the id of a step", faults, hint)
        return None
    claims: Any = shape.assertions
    assertions: tuple[Assertion, ...] = read_assertions(claims, faults) if claims else ()
    return Step(
        id=name, prompt=shape.prompt, at=shape.at, inputs=shape.inputs, assertions=assertions
    )
