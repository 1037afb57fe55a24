"""Few-shot examples: pairs of input and output, written out or in a file of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

from llmops.domain.node import Node, node_of
from llmops.domain.prompt import Example, Input
from llmops.errors import InvalidInputError
from llmops.loading.datasets import rows
from llmops.loading.references import Source, reference_in
from llmops.loading.shapes import Faults, entry, expected, json_schema, read
from llmops.loading.values import input_value
from llmops.location import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleShape:
    """One pair."""

    input: Node = entry(
        "Values of the inputs, or the user's message itself.",
        schema={"type": ["object", "string", "number", "boolean"]},
    )
    output: str = entry("The assistant's reply, sent as it is.")
    at: Location


EXAMPLES_SCHEMA: Mapping[str, object] = {
    "anyOf": [
        {"type": "string", "description": "A YAML, JSON or JSON lines file."},
        {
            "type": "object",
            "properties": {"file": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        },
        {"type": "array", "items": json_schema(ExampleShape)},
    ]
}


def read_examples(node: Node, source: Source, faults: Faults) -> tuple[ExampleShape, ...]:
    """Read `examples:`: a list, `{file: …}` or a path relative to the prompt.

    Every fault is added to `faults`, the good ones are returned.
    """
    file = reference_in(node, bare=True)
    if file is not None:
        try:
            path = source.file_of(file)
            found = list(rows(source.tree, path, file.at, source.limits))
        except InvalidInputError as error:
            faults += error.faults
            return ()
        nodes = [node_of(row, Location(path, line)) for line, row in found]
    elif node.kind == "list":
        nodes = list(node.elements())
    else:
        hint = "write '- {input: …, output: …}' lines, or a path"
        expected(node, "a list of examples, or a file", faults, hint)
        return ()
    read_ones = [_read_example(child, faults) for child in nodes]
    return tuple(example for example in read_ones if example is not None)


def bind_example(example: ExampleShape, inputs: Mapping[str, Input]) -> Example:
    """An example whose values are read by the inputs that the prompt declares."""
    given = example.input
    if given.kind != "mapping":
        return Example(inputs=given.typed, output=example.output, at=example.at)
    schemas = {name: declared.schema for name, declared in inputs.items()}
    values = {key: input_value(child, schemas.get(key, {})) for key, child in given.items()}
    return Example(inputs=values, output=example.output, at=example.at)


def _read_example(node: Node, faults: Faults) -> ExampleShape | None:
    shape = read(ExampleShape, node, faults, what="an example")
    if shape is not None and shape.input.kind in {"list", "nothing"}:
        hint = "write 'input: {name: value}', or the user's message as text"
        expected(shape.input, "values of the inputs", faults, hint)
        return None
    return shape
