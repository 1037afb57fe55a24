"""The folder of baselines in, approved results by key out; and a baseline as the text of its file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from llmops.domain.baseline import (
    Approval,
    ApprovedAnswer,
    ApprovedSample,
    ApprovedScore,
    ApprovedStatus,
    Baseline,
)
from llmops.domain.config import Config, Limits
from llmops.domain.node import Node
from llmops.domain.score import ScoreStatus
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.loading.complaints import all_of
from llmops.loading.files import read_file
from llmops.loading.nodes import parse_yaml
from llmops.loading.shapes import Faults, entry, expected, read, refuse
from llmops.loading.yaml_writing import Block, Flow, text_of, value_of, yaml_text
from llmops.location import Location

SCHEMA: Final = "llmops.baseline/1"
SUFFIX: Final = ".yaml"
MOST_BYTES: Final = 2**26
_MOST_VALUES: Final = 5_000_000
_HEAD: Final = "# Approved results. 'llmops review' and 'llmops approve' write this file.\n"
_HINT: Final = "take the file as git has it, or delete it and approve again"


def read_baselines(tree: Tree, config: Config) -> Mapping[str, Baseline]:
    """Read every baseline of a project, by key, in the order of their files.

    Raises:
        InvalidInputError: All that is wrong with them: a file is no baseline, or belongs to
            another question than its name says.
    """
    faults: Faults = []
    found: dict[str, Baseline] = {}
    for path in sorted(tree.paths(config.baselines)):
        if not path.endswith(SUFFIX):
            continue
        try:
            baseline = read_baseline(tree, path, config)
        except InvalidInputError as error:
            faults += error.faults
            continue
        found[baseline.key] = baseline
    if faults:
        raise all_of(faults)
    return found


def read_baseline(tree: Tree, path: str, config: Config) -> Baseline:
    """Read one baseline.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    data = read_file(tree, path, Location(path), limit=MOST_BYTES)
    baseline = parse_baseline(data, path, config.limits)
    if path != f"{config.baselines}/{baseline.file}":
        raise InvalidInputError(
            f"the file is called otherwise than the question it holds the answers to:"
            f" '{config.baselines}/{baseline.file}'",
            at=Location(path),
            code="baseline-name",
            hint=_HINT,
        )
    return baseline


def parse_baseline(data: bytes, path: str, limits: Limits | None = None) -> Baseline:
    """Read what `baseline_text` wrote.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    wide = replace(limits or Limits(), yaml_bytes=MOST_BYTES, yaml_nodes=_MOST_VALUES)
    faults: Faults = []
    shape = read(_BaselineShape, parse_yaml(data, path, wide), faults, what="a baseline")
    baseline = _baseline_of(shape, Location(path), faults) if shape is not None else None
    if baseline is None or faults:
        raise all_of(faults)
    return baseline


def baseline_text(baseline: Baseline) -> str:
    """A baseline as the text of its file: the same for the same baseline, read back unchanged."""
    approval = baseline.approval
    whole: dict[str, object] = {
        "schema": SCHEMA,
        "suite": baseline.suite,
        "case": baseline.case,
        "case_hash": baseline.case_hash,
        "prompt": baseline.prompt,
        "version": baseline.version,
        "content_hash": baseline.content_hash,
        "model": baseline.model or None,
        "model_name": baseline.model_name,
        "asked": Flow(_sorted(baseline.asked)) if baseline.asked else None,
        "parameters": Flow(_sorted(baseline.parameters)) if baseline.parameters else None,
        "run": approval.run,
        "approved": approval.date,
        "author": approval.author,
    }
    present = {key: value for key, value in whole.items() if value is not None}
    present["samples"] = [_sample_json(sample) for sample in baseline.samples]
    return _HEAD + "\n".join(yaml_text(present)) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoreShape:
    label: Node = entry()
    scorer: Node = entry()
    status: ScoreStatus = entry()
    value: float = entry(minimum=0, maximum=1)
    metric: Node | None = entry(default=None)
    weight: float = entry(default=1.0, minimum=0)
    soft: bool = entry(default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnswerShape:
    name: Node | None = entry(default=None)
    model: Node | None = entry(default=None)
    scores: tuple[_ScoreShape, ...] | None = entry(default=None)
    output: Node = entry()


@dataclass(frozen=True, slots=True, kw_only=True)
class _SampleShape:
    status: ApprovedStatus = entry()
    answers: tuple[_AnswerShape, ...] = entry()


@dataclass(frozen=True, slots=True, kw_only=True)
class _BaselineShape:
    schema: Node = entry()
    suite: Node = entry()
    case: Node = entry()
    case_hash: Node = entry()
    prompt: Node = entry()
    version: Node | None = entry(default=None)
    content_hash: Node | None = entry(default=None)
    model: Node | None = entry(default=None)
    model_name: Node | None = entry(default=None)
    asked: Node | None = entry(default=None)
    parameters: Node | None = entry(default=None)
    run: Node = entry()
    approved: Node = entry()
    author: Node | None = entry(default=None)
    samples: tuple[_SampleShape, ...] = entry()
    at: Location


def _baseline_of(shape: _BaselineShape, at: Location, faults: Faults) -> Baseline | None:
    if _text(shape.schema, faults) != SCHEMA:
        message = f"the file is no baseline that this llmops knows: its schema is not '{SCHEMA}'"
        refuse(shape.schema, "baseline-schema", message, faults, "update llmops")
        return None
    if not shape.samples:
        message = "a baseline needs at least one sample"
        faults.append(Fault(code="empty", message=message, at=at, hint=_HINT))
        return None
    return Baseline(
        suite=_text(shape.suite, faults),
        case=_text(shape.case, faults),
        case_hash=_text(shape.case_hash, faults),
        prompt=_text(shape.prompt, faults),
        version=_optional(shape.version, faults),
        content_hash=_optional(shape.content_hash, faults),
        model=_optional(shape.model, faults) or "",
        model_name=_optional(shape.model_name, faults),
        asked=_mapping(shape.asked, faults),
        parameters=_mapping(shape.parameters, faults),
        approval=Approval(
            run=_text(shape.run, faults),
            date=_text(shape.approved, faults),
            author=_optional(shape.author, faults),
        ),
        samples=tuple(_sample_of(sample, faults) for sample in shape.samples),
    )


def _sample_of(shape: _SampleShape, faults: Faults) -> ApprovedSample:
    answers = tuple(
        ApprovedAnswer(
            output=_text(answer.output, faults),
            name=_optional(answer.name, faults) or "",
            model=_optional(answer.model, faults),
            scores=tuple(_score_of(score, faults) for score in answer.scores or ()),
        )
        for answer in shape.answers
    )
    return ApprovedSample(status=shape.status, answers=answers)


def _score_of(shape: _ScoreShape, faults: Faults) -> ApprovedScore:
    return ApprovedScore(
        label=_text(shape.label, faults),
        scorer=_text(shape.scorer, faults),
        status=shape.status,
        value=shape.value,
        metric=_optional(shape.metric, faults),
        weight=shape.weight,
        soft=shape.soft,
    )


def _text(node: Node, faults: Faults) -> str:
    found = text_of(node)
    if found is None:
        expected(node, "text", faults, _HINT)
        return ""
    return found


def _optional(node: Node | None, faults: Faults) -> str | None:
    return None if node is None else _text(node, faults)


def _mapping(node: Node | None, faults: Faults) -> Mapping[str, object]:
    value: Any = {} if node is None else value_of(node)
    if node is not None and not isinstance(value, dict):
        expected(node, "a mapping", faults, _HINT)
        return {}
    return {str(key): child for key, child in value.items()}


def _sample_json(sample: ApprovedSample) -> dict[str, object]:
    return {"status": sample.status, "answers": [dict(_answer(a)) for a in sample.answers]}


def _answer(answer: ApprovedAnswer) -> Iterator[tuple[str, object]]:
    if answer.name:
        yield "name", answer.name
    if answer.model is not None:
        yield "model", answer.model
    if answer.scores:
        yield "scores", [dict(_score(score)) for score in answer.scores]
    yield "output", Block(answer.output)


def _score(score: ApprovedScore) -> Iterator[tuple[str, object]]:
    yield "label", score.label
    yield "scorer", score.scorer
    yield "status", score.status
    yield "value", score.value
    if score.metric is not None:
        yield "metric", score.metric
    if score.weight != 1:
        yield "weight", score.weight
    if score.soft:
        yield "soft", True


def _sorted(value: Mapping[str, object]) -> dict[str, object]:
    return dict(sorted(value.items()))
