"""Scorers by name: build one from an assertion, list them all, write their manual pages."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.domain.node import Node, PlacedMapping
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.shapes import json_schema, keys_of, read
from llmops.scoring.base import KINDS, ArgumentError, Scorer, ScorerKind

BUILT_IN = (
    "llmops.scoring.text",
    "llmops.scoring.pattern",
    "llmops.scoring.similarity",
    "llmops.scoring.structure",
    "llmops.scoring.markup",
    "llmops.scoring.sql",
    "llmops.scoring.length",
    "llmops.scoring.language",
    "llmops.scoring.budget",
    "llmops.scoring.safety",
    "llmops.scoring.python",
    "llmops.scoring.combine",
)
"""The modules that hold scorers. No folder is scanned."""


def kinds() -> Mapping[str, ScorerKind]:
    """Every scorer by name, sorted; imports the modules that hold them."""
    for module in BUILT_IN:
        importlib.import_module(module)
    return dict(sorted(KINDS.items()))


def build_scorer(assertion: Assertion, resources: "ScorerResources") -> Scorer:
    """Make the scorer that an assertion names.

    Args:
        assertion: Its arguments have no templates left in them.
        resources: Files and functions.

    Raises:
        InvalidInputError: No such scorer, or its arguments are wrong; all faults at once.
    """
    known = kinds()
    kind = known.get(assertion.scorer)
    if kind is None:
        hint = did_you_mean(assertion.scorer, known) or "'llmops scorers' lists them"
        raise InvalidInputError(
            f"no scorer is called '{assertion.scorer}'",
            at=assertion.at,
            code="unknown-scorer",
            hint=hint,
        )
    node = arguments_of(kind, assertion.arguments)
    try:
        scorer = _read(kind, node, assertion)
        bind = getattr(scorer, "bind", None)
        bound: Scorer = bind(resources, node) if bind else scorer
    except ArgumentError as error:
        raise _placed(error, assertion, node) from None
    return bound


def arguments_of(kind: ScorerKind, node: Node) -> Node:
    """Bring what stands under a scorer's key into the form of a mapping of arguments."""
    if node.kind == "nothing" or (node.value is True and not _takes_boolean(kind)):
        return Node(PlacedMapping(), node.path, node.mark)
    if node.kind == "mapping":
        keys = set(keys_of(kind.cls))
        if not kind.free_form or (node.value and keys.issuperset(node.value)):
            return node
    if kind.primary is None:
        return node
    wrapped = PlacedMapping()
    wrapped[kind.primary] = node.value
    wrapped.marks += [node.mark, node.mark]
    if node.raw is not None:
        wrapped.raws = {kind.primary: node.raw}
    return Node(wrapped, node.path, node.mark)


def _takes_boolean(kind: ScorerKind) -> bool:
    return kind.free_form and kind.primary is not None


def _read(kind: ScorerKind, node: Node, assertion: Assertion) -> Any:  # noqa: ANN401 - the scorer's own class
    faults: list[Fault] = []
    if node.kind != "mapping":
        keys = ", ".join(keys_of(kind.cls)) or "nothing below it"
        raise ArgumentError(f"'{kind.name}' takes {keys}", hint=f"see 'llmops scorers {kind.name}'")
    scorer = read(kind.cls, node, faults, what=f"'{kind.name}'")
    if faults:
        raise InvalidInputError.of(faults)
    del assertion
    return scorer


def _placed(error: ArgumentError, assertion: Assertion, node: Node) -> InvalidInputError:
    at = assertion.at
    if error.key is not None and node.kind == "mapping" and error.key in node.value:
        found = node.get(error.key)
        at = found.at if found else at
    return InvalidInputError(
        str(error),
        at=at,
        code="scorer-argument",
        hint=error.hint or f"see 'llmops scorers {assertion.scorer}'",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerResources:
    """Files, functions and other scorers, for scorers that need them while they are built.

    Attributes:
        read_file: Reads a file of the project: path and place in, bytes out.
        load_function: Loads a Python function: reference and place in.
    """

    read_file: Callable[[str, Any], bytes]
    load_function: Callable[[str, Any], Callable[..., Any]]

    def read(self, path: str, at: Any) -> bytes:  # noqa: ANN401 - a Location
        """Read a file of the project."""
        return self.read_file(path, at)

    def function(self, reference: str, at: Any) -> Callable[..., Any]:  # noqa: ANN401 - a Location
        """Load a Python function."""
        return self.load_function(reference, at)

    def build(self, assertion: Assertion) -> Scorer:
        """Build the scorer of a nested assertion."""
        return build_scorer(assertion, self)


def manual_page(kind: ScorerKind) -> str:
    """A scorer's manual page in Markdown: its docstring, its arguments, its examples."""
    lines = [f"# {kind.name}", "", inspect.cleandoc(kind.cls.__doc__ or ""), ""]
    if kind.extra:
        lines += [f"Needs the extra `{kind.extra}`: `pip install 'llmops[{kind.extra}]'`.", ""]
    schema = json_schema(kind.cls)
    if schema["properties"]:
        lines += ["| argument | what it is |", "|---|---|"]
        required = schema.get("required", ())
        for key, part in schema["properties"].items():
            must = " **(required)**" if key in required else ""
            lines.append(f"| `{key}` | {part.get('description', '')}{must} |")
        lines.append("")
    if kind.examples:
        lines += ["| assertion | output | holds |", "|---|---|---|"]
        lines += [_example_row(kind, example) for example in kind.examples]
        lines.append("")
    return "\n".join(lines)


def _example_row(kind: ScorerKind, example: Any) -> str:  # noqa: ANN401 - a ScorerExample
    written = f"{kind.name}: {example.arguments}".strip()
    shown = example.output.replace("\n", "⏎").replace("|", "\\|")
    holds = "yes" if example.passes else "no"
    return f"| `{written.replace('|', chr(92) + '|')}` | `{shown or ' '}` | {holds} |"


def scorer_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of what may stand under each scorer's key."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, kind in kinds().items():
        whole = json_schema(kind.cls)
        options: list[dict[str, Any]] = [whole]
        if kind.primary is not None:
            options.append(whole["properties"].get(kind.primary, {}))
        if not whole.get("required"):
            options.append({"type": "null"})
            options.append({"const": True})
        schemas[name] = {"anyOf": options, "description": _first_line(kind.cls)}
    return schemas


def _first_line(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n", 1)[0]
