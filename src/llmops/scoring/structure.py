"""Scorers of JSON: whether it is some, whether it fits a schema, what stands in it."""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from llmops.domain.node import Node, node_of, plain
from llmops.domain.score import Score
from llmops.errors import Fault, InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.loading.shapes import entry
from llmops.location import Location
from llmops.scoring.base import (
    ArgumentError,
    PickError,
    Resources,
    Scorer,
    ScorerExample,
    Subject,
    scorer,
)
from llmops.scoring.comparison import difference, holds_number
from llmops.scoring.json_text import NoSuchPathError, NotJsonError, find, is_path, parse_json
from llmops.scoring.limits import check_length
from llmops.scoring.pick import json_value
from llmops.scoring.schema import CompiledSchema, WrongSchemaError, compile_schema
from llmops.scoring.vetting import SchemaFault
from llmops.scoring.wording import name_of


@scorer(
    "is_json",
    primary=None,
    examples=(
        ScorerExample(arguments="", output='{"label": "refund"}', passes=True),
        ScorerExample(arguments="", output=" 42\n", passes=True),
        ScorerExample(arguments="", output='Here you are: {"label": "refund"}', passes=False),
        ScorerExample(arguments="", output='```json\n{"label": "refund"}\n```', passes=False),
        ScorerExample(arguments="", output='{"score": NaN}', passes=False),
        ScorerExample(arguments="", output="", passes=False),
    ),
)
class IsJson(Struct, frozen=True, kw_only=True):
    """Passes when the whole output is one JSON value.

    Strict: an object, a list, a text in quotes, a number, `true`, `false` or `null`, with white
    space around it and nothing else; no Markdown fence, no `NaN`, no comment, no comma too many. A
    repeated key is allowed and keeps its last value. JSON nested deeper than 100, or with an
    integer of more than 4,300 digits, fails, for few programs can read it. An empty output fails.
    One of more than 4,194,304 characters leaves the assertion unscored.
    What is JSON already (`on: json.<path>`, tool calls) passes, unless it is a text: that is read.
    """

    slow: ClassVar[bool] = False

    def score(self, subject: Subject) -> Score:
        """Read it."""
        try:
            if subject.on == "text":
                subject.part("json")
            elif isinstance(subject.picked, str) and subject.on != "json":
                parse_json(subject.picked)
        except PickError as error:
            return Score.failing(str(error))
        except NotJsonError as error:
            return Score.failing(f"{name_of(subject)} is not JSON: {error}")
        return Score.passing(f"{name_of(subject)} is JSON")


@scorer(
    "json_schema",
    primary="schema",
    free_form=True,
    on="json",
    examples=(
        ScorerExample(
            arguments="{type: object, required: [label]}", output='{"label": "x"}', passes=True
        ),
        ScorerExample(
            arguments="{type: object, required: [label]}", output='{"lable": "x"}', passes=False
        ),
        ScorerExample(arguments="{file: schemas/reply.json}", output='{"reply": 1}', passes=False),
        ScorerExample(arguments="{type: object}", output="no JSON at all", passes=False),
        ScorerExample(
            arguments="{type: string, format: date}", output='"2025-02-29"', passes=False
        ),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    """Passes when the output is JSON that fits the schema.

    The schema stands in the suite or in a file of the project (JSON, or YAML by its suffix). It is
    read by Draft 2020-12, or by the draft its `$schema` names: 2019-09, 07, 06 or 04. Nothing is
    ever fetched: `$ref` leads to places in the same schema (`#/$defs/…`), any other is refused.
    Refused too are schemas that assert nothing, misspelt keywords, and `unevaluatedProperties`
    beside `patternProperties`.

    `format` is checked for date, date-time, time, email, ipv4, ipv6, uuid and uri; other formats
    only describe. Patterns are those of `matches`, searched for anywhere in the text; one that
    takes longer than 0.5 s leaves the assertion unscored, and so does an output of more than
    1,048,576 characters. Output that is no JSON fails. The reason names the first three violations
    with their places.
    """

    schema: object = entry("The schema.", default=None)
    file: str | None = entry("A file with the schema, from the project's root.", default=None)

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Read the file and compile the schema."""
        if (self.file is None) == (node.get("schema") is None):
            raise ArgumentError("'json_schema' needs a schema, or the 'file' it is in")
        written = node.get("schema") or _read_schema(self.file or "", resources, node)
        try:
            return _SchemaChecker(compiled=compile_schema(plain(written.value)))
        except WrongSchemaError as error:
            raise InvalidInputError.of([_placed(one, written) for one in error.faults]) from None


class _SchemaChecker(Struct, frozen=True, kw_only=True):
    """The scorer with its schema."""

    compiled: CompiledSchema

    @property
    def slow(self) -> bool:
        return self.compiled.slow

    def score(self, subject: Subject) -> Score:
        check_length(len(subject.completion.text), "check by a schema")
        violations = self.compiled.violations(json_value(subject))
        if violations:
            return Score.failing("; ".join(violations))
        return Score.passing(f"{name_of(subject)} fits the schema")


@scorer(
    "json_equals",
    primary="value",
    free_form=True,
    on="json",
    examples=(
        ScorerExample(arguments="{path: total, value: 12}", output='{"total": 12.0}', passes=True),
        ScorerExample(
            arguments="{path: total, value: 12.1, tolerance: 0.1}",
            output='{"total": 12.0}',
            passes=True,
        ),
        ScorerExample(
            arguments="{path: items.0.name, value: bell}",
            output='{"items": [{"name": "lamp"}]}',
            passes=False,
        ),
        ScorerExample(arguments="{path: total, value: 12}", output="{}", passes=False),
        ScorerExample(
            arguments="{label: refund, sure: true}",
            output='{"sure": true, "label": "refund"}',
            passes=True,
        ),
        ScorerExample(arguments="{path: n, value: 1}", output='{"n": true}', passes=False),
        ScorerExample(arguments='{path: n, value: "1"}', output='{"n": 1}', passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class JsonEquals:
    """Passes when the JSON value at the path equals the value.

    `path` is keys and indexes (from 0) with dots between, `items.0.name`; without one the whole
    value is compared. Keys of objects may stand in any order, elements of lists may not. `12` and
    `12.0` are equal; a number, a text and `true` never are: `"1"` is not `1`. Texts are compared
    with case, in NFC. `tolerance` is how far any number may be off, compared as decimals, so that
    0.3 and 0.1 are no more than 0.2 apart. No JSON, or nothing at the path, fails.
    """

    slow: ClassVar[bool] = False

    value: object = entry("The value that is wanted.")
    path: str = entry("Where it stands; empty for the whole.", default="")
    tolerance: float = entry("How far any number may be off.", default=0.0)

    def __post_init__(self) -> None:
        if self.path and not is_path(self.path):
            message = f"the path '{self.path}' has an empty step"
            raise ArgumentError(message, key="path", hint="write it as in items.0.name")
        if self.tolerance < 0:
            raise ArgumentError("a tolerance is 0 or more", key="tolerance")
        if self.tolerance and not holds_number(self.value):
            message = "a tolerance is for numbers, and the value has none"
            hint = "a number in quotes is a text"
            raise ArgumentError(message, key="tolerance", hint=hint)

    def score(self, subject: Subject) -> Score:
        """Compare."""
        try:
            got = find(json_value(subject), self.path)
        except NoSuchPathError as error:
            return Score.failing(f"there is no '{self.path}' in {name_of(subject)}: {error}")
        found = difference(got, self.value, tolerance=self.tolerance, path=self.path)
        return Score.failing(found) if found else Score.passing("equal")


def _read_schema(path: str, resources: Resources, node: Node) -> Node:
    place = node.get("file")
    data = resources.read(path, place.at if place else node.at)
    if path.endswith((".yaml", ".yml")):
        return parse_yaml(data, path)
    try:
        return node_of(parse_json(data.decode("utf-8-sig")), Location(path))
    except UnicodeDecodeError:
        words = "it is not UTF-8"
    except NotJsonError as error:
        words = str(error)
    message = f"the schema is not JSON: {words}"
    raise InvalidInputError(message, at=Location(path), code="json-syntax")


def _placed(fault: SchemaFault, written: Node) -> Fault:
    """Put a fault where it stands: at the key, or at the element of a list."""
    at = written.at
    for step in fault.path:
        if written.kind == "mapping":
            at, written = written.key_at(str(step)), dict(written.items())[str(step)]
        else:
            written = list(written.elements())[int(step)]
            at = written.at
    return Fault(code="json-schema", message=fault.message, at=at, hint=fault.hint)
