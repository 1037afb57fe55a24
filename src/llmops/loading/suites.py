"""Suite files in, suites out."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from llmops.domain.config import GatePolicy
from llmops.domain.node import Node, Text, node_of
from llmops.domain.quarantine import Quarantine
from llmops.domain.suite import Assertion, CaseEntry, Samples, Step, Suite, Target
from llmops.errors import Fault
from llmops.loading.assertions import read_assertions
from llmops.loading.cases import CaseShape, read_cases, tag_words
from llmops.loading.config_shapes import GateShape
from llmops.loading.messages import INPUT_NAME, input_name
from llmops.loading.quarantine import once_each
from llmops.loading.shapes import (
    MISSING,
    Faults,
    entry,
    expected,
    json_schema,
    read,
    read_value,
    refuse,
    shape_of,
)
from llmops.loading.targets import ASSERTIONS_SCHEMA, STEPS_SCHEMA, read_steps, read_target

_ONCE = Samples()
_MOST_NAMES = 1000
"""Prompts or models that one suite may name; looking for what was meant takes time."""
_SUBJECTS = ("prompt", "target", "steps")


def names_once(names: tuple[Text, ...], node: Node, faults: Faults) -> object:
    """Check a list of names: none empty, none twice."""
    if not names:
        return refuse(
            node, "empty", "nothing is listed here", faults, "write a name, or leave it out"
        )
    if len(names) > _MOST_NAMES:
        hint = "make several suites of it"
        return refuse(node, "too-many", f"{len(names):,} names are listed here", faults, hint)
    seen: dict[str, Text] = {}
    for child, name in zip(node.elements(), names, strict=True):
        first = seen.setdefault(name.text, name)
        if not name.text.strip():
            refuse(child, "empty", "nothing is written here", faults, "write a name")
        elif first is not name:
            hint = f"the first is at {first.at}"
            refuse(child, "listed-twice", f"'{name}' is listed twice", faults, hint)
    return names


def prompt_names(written: Text | tuple[Text, ...], node: Node, faults: Faults) -> object:
    """Bring one name or a list of names into the form of a list."""
    if isinstance(written, tuple):
        return names_once(written, node, faults)
    if written.text.strip():
        return (written,)
    return refuse(node, "empty", "nothing is written here", faults, "write a prompt's name")


def samples_of(written: int | Samples, node: Node, faults: Faults) -> object:
    """Bring a number, or a least and a greatest number, into the form of both."""
    samples = Samples(min=written, max=written) if isinstance(written, int) else written
    if samples.min < 1:
        return expected(node, "a number of 1 or more", faults, "write 1")
    if samples.min > samples.max:
        message = f"'min' is {samples.min} and 'max' is {samples.max}"
        return refuse(node, "empty-range", message, faults, "let 'max' be no less than 'min'")
    return samples


@shape_of(Samples, "'samples'")
class SamplesShape:
    """`samples:` as a range."""

    min: int = entry("How often each case is asked at least.", minimum=1)
    max: int = entry("How often at most.", minimum=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteShape:
    """The whole of a suite file."""

    prompt: Text | tuple[Text, ...] | None = entry(
        "The prompt, or several; NAME@REF for a version.", default=None, then=prompt_names
    )
    target: Node | None = entry(
        "In place of 'prompt': an application.", default=None, schema=json_schema(Target)
    )
    steps: Node | None = entry(
        "In place of 'prompt': a chain of prompts.", default=None, schema=STEPS_SCHEMA
    )
    description: str | None = entry("What the suite is for.", default=None)
    models: tuple[Text, ...] | None = entry(
        "Names or aliases; the prompt's own otherwise.", default=None, then=names_once
    )
    parameters: Mapping[str, object] | None = entry(
        "Laid over the prompt's parameters.", default=None
    )
    samples: int | Samples = entry("How often each case is asked.", default=_ONCE, then=samples_of)
    tags: tuple[str, ...] | None = entry("Words to select by.", default=None, then=tag_words)
    assertions: Node | None = entry(
        "Claims about every case.", key="assert", default=None, schema=ASSERTIONS_SCHEMA
    )
    cases: Node | None = entry(
        "Cases, or datasets whose rows are cases.",
        default=None,
        schema={"type": "array", "minItems": 1, "items": json_schema(CaseShape)},
    )
    matrix: Node | None = entry(
        "Values by input; every case runs for each combination.",
        default=None,
        schema={
            "type": ["object", "null"],
            "propertyNames": {"pattern": INPUT_NAME},
            "additionalProperties": {"type": "array", "minItems": 1},
        },
    )
    gate: GatePolicy | None = entry(
        "What the gate demands of this suite.", default=None, schema=json_schema(GateShape)
    )
    quarantine: tuple[Quarantine, ...] | None = entry(
        "Cases whose failure is excused for a while.", default=None, then=once_each
    )
    metadata: Mapping[str, object] | None = entry("Free words, kept in the run.", default=None)


def read_suite(node: Node, name: str, faults: Faults) -> Suite | None:
    """Read one suite file.

    Args:
        node: What the user wrote.
        name: The path below the suites folder without suffix.
        faults: Every complaint is added here.

    Returns:
        The suite, or None when anything in it is wrong; then `faults` says what. Whether its
        prompts, models and scorers exist is not known here.
    """
    before = len(faults)
    shape = read(SuiteShape, node, faults, what="a suite")
    if node.kind != "mapping":
        return None
    _check_subject(node, faults)
    parts = _Parts.of(node, faults)
    if shape is None or len(faults) > before:
        return None
    suite = Suite(
        name=name,
        path=node.path,
        at=node.at,
        entries=parts.cases,
        description=shape.description,
        prompts=_as_tuple(shape.prompt),
        target=parts.target,
        steps=parts.steps,
        models=shape.models or (),
        parameters=shape.parameters or {},
        samples=shape.samples if isinstance(shape.samples, Samples) else _ONCE,
        tags=shape.tags or (),
        assertions=parts.assertions,
        matrix=parts.matrix,
        gate=shape.gate,
        quarantine=shape.quarantine or (),
        metadata=shape.metadata or {},
    )
    faults += _conversation_faults(suite)
    return suite if len(faults) == before else None


def unasserted(suite: Suite) -> list[Fault]:
    """A complaint for each case of which nothing is asserted, by itself or by the suite."""
    if suite.assertions or any(step.assertions for step in suite.steps):
        return []
    return [
        Fault(
            code="no-assertion",
            message="nothing is asserted of this case, so that it could never fail",
            at=case.at,
            hint="add 'assert:' to it or to the suite, or 'skip:' with a reason",
        )
        for case in suite.entries
        if case.skip is None
        and not case.assertions
        and not any(turn.assertions for turn in case.conversation)
    ]


class _Parts(Struct, frozen=True, kw_only=True):
    """The parts that a shape cannot read by itself."""

    target: Target | None
    steps: tuple[Step, ...]
    assertions: tuple[Assertion, ...]
    cases: tuple[CaseEntry, ...]
    matrix: Mapping[str, tuple[object, ...]]

    @classmethod
    def of(cls, node: Node, faults: Faults) -> "_Parts":
        """Read them all; what is wrong is left empty."""
        target, steps, matrix = (
            _given(node, "target"),
            _given(node, "steps"),
            _given(node, "matrix"),
        )
        claims, cases = _given(node, "assert"), node.get("cases")
        return cls(
            target=read_target(target, faults) if target else None,
            steps=read_steps(steps, faults) if steps else (),
            assertions=read_assertions(claims, faults) if claims else (),
            cases=read_cases(cases or Node(None, node.path, node.mark), faults),
            matrix=_read_matrix(matrix, faults) if matrix else {},
        )


def _given(node: Node, key: str) -> Node | None:
    child = node.get(key)
    return None if child is None or child.kind == "nothing" else child


def _as_tuple(prompts: Text | tuple[Text, ...] | None) -> tuple[Text, ...]:
    if prompts is None:
        return ()
    return prompts if isinstance(prompts, tuple) else (prompts,)


def _check_subject(node: Node, faults: Faults) -> None:
    given = [key for key in node.value if key in _SUBJECTS and _given(node, key) is not None]
    if not given:
        hint = "add 'prompt: NAME'"
        message = "a suite needs one of 'prompt', 'target' and 'steps'"
        refuse(node, "missing-key", message, faults, hint)
    for key in given[1:]:
        message = f"'{given[0]}' and '{key}' cannot both be tested"
        hint = "make two suites of it"
        at = node.key_at(key)
        faults.append(Fault(code="two-forms", message=message, at=at, hint=hint))
    for key in ("models", "parameters"):
        if "target" in given and _given(node, key) is not None:
            message = f"'{key}' means nothing to a target, which asks models by itself"
            hint = "leave it out"
            at = node.key_at(key)
            faults.append(Fault(code="unused-key", message=message, at=at, hint=hint))


def _read_matrix(node: Node, faults: Faults) -> dict[str, tuple[object, ...]]:
    if node.kind != "mapping":
        expected(node, "values by input", faults, "write 'tone: [formal, friendly]' lines")
        return {}
    found: dict[str, tuple[object, ...]] = {}
    for name, at, child in node.entries():
        input_name(name, node_of(name, at), faults)
        values = read_value(tuple[object, ...], child, faults)
        if values is MISSING:
            continue
        if not values:
            refuse(child, "empty", f"'{name}' has no value", faults, "write [one, other]")
        found[name] = values
    return found


def _conversation_faults(suite: Suite) -> list[Fault]:
    if suite.prompts:
        return []
    return [
        Fault(
            code="conversation",
            message="a conversation is held with a prompt, not with a target or a chain",
            at=case.conversation[0].at,
            hint="give the case 'inputs:' in its place, or the suite a 'prompt:'",
        )
        for case in suite.entries
        if case.conversation
    ]
