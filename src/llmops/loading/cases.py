"""The cases of a suite as its file states them: written out, or a dataset's rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.domain.node import Node, Text
from llmops.domain.suite import Assertion, CaseEntry, DatasetSample, Turn
from llmops.errors import Fault
from llmops.loading.assertions import read_assertions
from llmops.loading.datasets import unknown_format
from llmops.loading.shapes import (
    MISSING,
    Faults,
    entry,
    expected,
    json_schema,
    read,
    refuse,
    shape_of,
)
from llmops.loading.targets import ASSERTIONS_SCHEMA, mapping_only
from llmops.loading.value_checks import file_inside, not_empty
from llmops.location import Location


def tag_words(tags: tuple[str, ...], node: Node, faults: Faults) -> object:
    """Check the words that cases are selected by."""
    for child in node.elements():
        if not child.typed or any(character.isspace() for character in child.typed):
            message = f"'{child.typed}' cannot be a tag"
            refuse(child, "tag-name", message, faults, "write one word, with '-' or '_' inside")
    return tags


def dataset_file(path: Text, node: Node, faults: Faults) -> object:
    """Check the path and the format of a dataset, which is read when its cases are made."""
    if file_inside(path, node, faults) is MISSING:
        return MISSING
    fault = unknown_format(path.text, path.at)
    faults += [fault] if fault is not None else []
    return path


@shape_of(DatasetSample, "'sample'")
class SampleShape:
    """`sample:` of a dataset."""

    n: int = entry("How many rows.", minimum=1)
    seed: int = entry("The same seed picks the same rows.", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnShape:
    """One turn of a conversation."""

    user: Text = entry("What the user says; a template over the inputs.")
    assertions: Node | None = entry(
        "Claims about the answer.", key="assert", default=None, schema=ASSERTIONS_SCHEMA
    )
    at: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShape:
    """One entry below `cases:`."""

    id: Text | None = entry("Stable; a slug and hash of the inputs otherwise.", default=None)
    tags: tuple[str, ...] | None = entry("Words to select by.", default=None, then=tag_words)
    inputs: Node | None = entry(
        "Values of the prompt's inputs, or {file: …}.",
        default=None,
        then=mapping_only,
        schema={"type": ["object", "null"]},
    )
    assertions: Node | None = entry(
        "Claims about the output.", key="assert", default=None, schema=ASSERTIONS_SCHEMA
    )
    conversation: Node | None = entry(
        "Turns in place of one request.",
        default=None,
        schema={"type": "array", "minItems": 1, "items": json_schema(TurnShape)},
    )
    cluster: Text | None = entry("Cases of one cluster count as one.", default=None)
    skip: str | None = entry("Why the case is not run.", default=None, then=not_empty)
    dataset: Text | None = entry(
        "A file whose rows are cases: csv, tsv, json, jsonl, yaml or parquet.",
        default=None,
        then=dataset_file,
    )
    where: Text | None = entry("An expression that picks rows.", default=None, then=not_empty)
    sample: DatasetSample | None = entry("A seeded choice of rows.", default=None)
    metadata: Mapping[str, object] | None = entry("Free words, kept in the run.", default=None)
    at: Location


def read_cases(node: Node, faults: Faults) -> tuple[CaseEntry, ...]:
    """Read `cases:`; every fault is added to `faults`, the good ones are returned."""
    if node.kind not in {"list", "nothing"}:
        expected(node, "a list of cases", faults, "write '- ' before each case")
        return ()
    if not node.value:
        hint = "add one such as '- inputs: {…}'"
        refuse(node, "no-cases", "the suite has no case", faults, hint)
        return ()
    found = [_read_case(child, faults) for child in node.elements()]
    entries = [case for case in found if case is not None]
    _refuse_twins(entries, faults)
    return tuple(entries)


def _read_case(node: Node, faults: Faults) -> CaseEntry | None:
    before = len(faults)
    shape = read(CaseShape, node, faults, what="a case")
    if shape is None:
        return None
    if shape.id is not None and not _is_id(shape.id.text):
        at = node.get("id") or node
        message = f"'{shape.id}' cannot be the id of a case".replace("\n", "⏎")
        hint = "write one line without '::'"
        refuse(at, "case-id", message, faults, hint)
    for key in ("where", "sample"):
        if shape.dataset is None and getattr(shape, key) is not None:
            message = f"'{key}' picks rows, and the case has no 'dataset'"
            hint = "add 'dataset: FILE', or leave it out"
            at_key = node.key_at(key)
            faults.append(Fault(code="unused-key", message=message, at=at_key, hint=hint))
    claims, turns = shape.assertions, shape.conversation
    case = CaseEntry(
        at=shape.at,
        id=shape.id,
        inputs=shape.inputs,
        tags=shape.tags or (),
        assertions=read_assertions(claims, faults) if claims is not None else (),
        conversation=_read_turns(turns, faults) if turns is not None else (),
        cluster=shape.cluster,
        skip=shape.skip,
        dataset=shape.dataset,
        where=shape.where,
        sample=shape.sample,
        metadata=shape.metadata or {},
    )
    return case if len(faults) == before else None


def _is_id(text: str) -> bool:
    return bool(text.strip()) and "\n" not in text and "\r" not in text and "::" not in text


def _read_turns(node: Node, faults: Faults) -> tuple[Turn, ...]:
    if node.kind != "list" or not node.value:
        expected(node, "a list of turns", faults, "write '- user: …' before each turn")
        return ()
    found = [_read_turn(child, faults) for child in node.elements()]
    return tuple(turn for turn in found if turn is not None)


def _read_turn(node: Node, faults: Faults) -> Turn | None:
    shape = read(TurnShape, node, faults, what="a turn")
    if shape is None:
        return None
    claims: Any = shape.assertions
    assertions: tuple[Assertion, ...] = read_assertions(claims, faults) if claims else ()
    return Turn(user=shape.user, assertions=assertions, at=shape.at)


def _refuse_twins(entries: list[CaseEntry], faults: Faults) -> None:
    """Complain of every written-out case whose id another one has; rows are checked when read."""
    seen: dict[str, Location] = {}
    for case in entries:
        if case.id is None or case.dataset is not None:
            continue
        first = seen.setdefault(case.id.text, case.id.at)
        if first is not case.id.at:
            message = f"a second case has the id '{case.id}'"
            hint = f"the first is at {first}"
            faults.append(Fault(code="duplicate-id", message=message, at=case.id.at, hint=hint))
