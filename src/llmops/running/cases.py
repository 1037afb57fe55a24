"""A suite's entries in, its cases out: rows of datasets, cells of the matrix, files of inputs."""

import hashlib
import itertools
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from llmops.domain.completion import canonical_json
from llmops.domain.node import Node, Text, plain
from llmops.domain.project import Project
from llmops.domain.suite import Case, CaseEntry, Suite
from llmops.errors import Fault, InvalidInputError
from llmops.loading.datasets import rows
from llmops.loading.values import input_value
from llmops.location import Location
from llmops.rendering.templates import Templates
from llmops.rendering.values import compile_expression, render_node

Row = Mapping[str, object]
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReader:
    """Turns a suite's entries into cases.

    Attributes:
        overrides: Values laid over every case's inputs, from the command line.
    """

    project: Project
    templates: Templates
    overrides: Mapping[str, object]

    def cases(self, suite: Suite) -> Iterator[Case]:
        """Every case of a suite, in the file's order; rows in the dataset's.

        Raises:
            InvalidInputError: A dataset or file cannot be read, a template fails on a row, two
                cases have one id, or an entry has no row at all.
        """
        schemas = _input_schemas(self.project, suite)
        seen: dict[str, Location] = {}
        for entry in suite.entries:
            for case in self._of_entry(suite, entry, schemas):
                first = seen.get(case.id)
                if first is not None:
                    raise _duplicate(case, first)
                seen[case.id] = case.at
                yield case

    def _of_entry(
        self, suite: Suite, entry: CaseEntry, schemas: Mapping[str, Mapping[str, object]]
    ) -> Iterator[Case]:
        cells = _cells(suite.matrix)
        for row in self._rows(entry):
            inputs = self._inputs(entry, row, schemas)
            for label, cell in cells:
                bound = {**inputs, **cell, **self.overrides}
                yield self._case(suite, entry, row, bound, label)

    def _rows(self, entry: CaseEntry) -> Iterator[Row | None]:
        if entry.dataset is None:
            yield None
            return
        picked = self._matching(entry, entry.dataset)
        if entry.sample is not None:
            picked = iter(_sample(picked, entry.sample.n, entry.sample.seed))
        empty = True
        for row in picked:
            empty = False
            yield row
        if empty:
            place = entry.where.at if entry.where else entry.dataset.at
            what = f"'where' picks no row of {entry.dataset}" if entry.where else "no row"
            raise InvalidInputError(
                what, at=place, code="no-cases", hint="change the condition or the dataset"
            )

    def _matching(self, entry: CaseEntry, dataset: Text) -> Iterator[Row]:
        limits = self.project.config.limits
        condition = compile_expression(entry.where) if entry.where else None
        for _line, row in rows(self.project.tree, dataset.text, dataset.at, limits):
            if condition is None or condition({"row": row}):
                yield row

    def _inputs(
        self, entry: CaseEntry, row: Row | None, schemas: Mapping[str, Mapping[str, object]]
    ) -> dict[str, object]:
        if entry.inputs is None:
            return {}
        node = entry.inputs
        if row is not None:
            node = render_node(node, {"row": row}, self.templates)
        return {name: self._value(child, schemas.get(name, {})) for name, child in node.items()}

    def _value(self, node: Node, schema: Mapping[str, object]) -> object:
        if node.kind == "mapping" and set(node.value) == {"file"}:
            path = node.get("file")
            return self._file(path) if path is not None else ""
        return plain(input_value(node, schema))

    def _file(self, path: Node) -> str:
        data = _placed(lambda: self.project.tree.read(path.typed), path.at)
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise InvalidInputError(
                f"the file '{path.typed}' is not UTF-8 text", at=path.at, code="encoding"
            ) from None

    def _case(
        self,
        suite: Suite,
        entry: CaseEntry,
        row: Row | None,
        inputs: Mapping[str, object],
        label: str,
    ) -> Case:
        base = self._text(entry.id, row) if entry.id else derived_id(inputs)
        cluster = self._text(entry.cluster, row) if entry.cluster else None
        return Case(
            suite=suite.name,
            id=base + label,
            inputs=inputs,
            assertions=suite.assertions + entry.assertions,
            at=entry.at,
            tags=suite.tags + entry.tags,
            row=row,
            conversation=entry.conversation,
            cluster=cluster,
            skip=entry.skip,
        )

    def _text(self, text: Text, row: Row | None) -> str:
        if row is None:
            return text.text
        return self.templates.compile(text).render({"row": row})


def case_hash(case: Case) -> str:
    """12 hex digits of what a case asks, by which the trials of two runs are paired."""
    asked = [case.suite, dict(case.inputs), [turn.user.text for turn in case.conversation]]
    return hashlib.sha256(canonical_json(asked).encode()).hexdigest()[:12]


def derived_id(inputs: Mapping[str, object]) -> str:
    """An id for a case that has none: a slug of its first text and a hash of all its inputs."""
    first = next((value for value in inputs.values() if isinstance(value, str)), "case")
    folded = unicodedata.normalize("NFKD", first[:80]).casefold()
    slug = _SLUG.sub("-", folded).strip("-")[:30].strip("-") or "case"
    digest = hashlib.sha256(canonical_json(dict(inputs)).encode()).hexdigest()
    return f"{slug}-{digest[:6]}"


def _cells(matrix: Mapping[str, tuple[object, ...]]) -> list[tuple[str, dict[str, object]]]:
    if not matrix:
        return [("", {})]
    cells = []
    for combination in itertools.product(*matrix.values()):
        cell = dict(zip(matrix, combination, strict=True))
        label = ",".join(f"{name}={value}" for name, value in cell.items())
        cells.append((f"[{label}]", cell))
    return cells


def _sample(found: Iterator[Row], n: int, seed: int) -> list[Row]:
    """Choose n rows with equal chances in one pass (reservoir sampling), in their own order."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret
    kept: list[tuple[int, Row]] = []
    for number, row in enumerate(found):
        if number < n:
            kept.append((number, row))
            continue
        place = chance.randrange(number + 1)
        if place < n:
            kept[place] = (number, row)
    return [row for _number, row in sorted(kept, key=lambda pair: pair[0])]


def _input_schemas(project: Project, suite: Suite) -> dict[str, Mapping[str, object]]:
    names = [text.text.partition("@")[0] for text in suite.prompts]
    names += [step.prompt.text for step in suite.steps]
    schemas: dict[str, Mapping[str, object]] = {}
    for name in names:
        prompt = project.prompts.get(name)
        for key, declared in (prompt.inputs if prompt else {}).items():
            schemas.setdefault(key, declared.schema)
    return schemas


def _duplicate(case: Case, first: Location) -> InvalidInputError:
    return InvalidInputError(
        f"two cases of '{case.suite}' have the id '{case.id}'",
        at=case.at,
        code="duplicate-id",
        hint=f"the first is at {first}; an id must be unique in its suite",
    )


def _placed(read: Callable[[], bytes], at: Location) -> bytes:
    try:
        return read()
    except InvalidInputError as error:
        faults = [
            Fault(code=f.code, message=f.message, at=f.at or at, hint=f.hint) for f in error.faults
        ]
        raise InvalidInputError.of(faults) from None
