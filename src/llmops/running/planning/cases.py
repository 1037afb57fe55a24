"""A suite's entries in, its cases out: rows of datasets, cells of the matrix, files of inputs."""

import hashlib
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.case_names import derived_id
from llmops.domain.compact import TextSet
from llmops.domain.completion import canonical_json
from llmops.domain.node import Node, Text, plain
from llmops.domain.project import Project
from llmops.domain.suite import Case, CaseEntry, Suite
from llmops.errors import InvalidInputError, LlmopsError
from llmops.loading.datasets import rows
from llmops.loading.values import input_value, typed_input
from llmops.location import Location
from llmops.rendering.templates import Templates
from llmops.rendering.values import compile_expression, render_node

Row = Mapping[str, object]
Numbered = tuple[int, Row]
"""A row with its line."""
Cell = tuple[str, dict[str, object]]
"""One combination of the matrix: what it adds to the id, and its inputs."""
Context = Mapping[str, object]
"""What the templates of a row's case may name."""
Schemas = Mapping[str, Mapping[str, object]]
_MOST_CELLS = 10_000
_SHOWN = 40
_WORD = re.compile(r"[\w .:/+-]{1,40}")
_LIKE_JSON = re.compile(r"true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?")


class CaseReader(Struct, frozen=True, kw_only=True):
    """Turns a suite's entries into cases.

    Attributes:
        overrides: Values laid over every case's inputs, from the command line; a text is read as
            the prompt's schema wants it.
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
        overrides = self._overrides(schemas)
        cells = [(label, {**cell, **overrides}) for label, cell in _cells(suite)]
        seen, number = TextSet(), 0
        for entry in suite.entries:
            for case in self._of_entry(suite, entry, schemas, cells):
                number += 1
                if not seen.add(case.id):
                    self._check_unique(suite, case, number, (schemas, cells))
                yield case

    def _check_unique(
        self, suite: Suite, case: Case, number: int, made_with: tuple[Schemas, Sequence[Cell]]
    ) -> None:
        """Look for the case again that has the same id; only what it looks like was kept."""
        every = (one for entry in suite.entries for one in self._of_entry(suite, entry, *made_with))
        for earlier in itertools.islice(every, number - 1):
            if earlier.id == case.id:
                raise _duplicate(case, earlier.at)

    def _of_entry(
        self, suite: Suite, entry: CaseEntry, schemas: Schemas, cells: Sequence[Cell]
    ) -> Iterator[Case]:
        given = entry.inputs.items() if entry.inputs is not None else ()
        asked = [(name, child, schemas.get(name, {})) for name, child in given]
        for line, row in self._rows(entry):
            context = None if row is None else {"row": row}
            try:
                inputs = {name: self._value(child, context, kind) for name, child, kind in asked}
                whole = self._case(suite, entry, row, inputs)
            except LlmopsError as error:
                raise _in_row(error, entry.dataset, line) from None
            if not suite.matrix and not self.overrides:
                yield whole
                continue
            for label, cell in cells:
                yield replace(whole, id=whole.id + label, inputs={**inputs, **cell})

    def _overrides(self, schemas: Schemas) -> dict[str, object]:
        return {
            name: typed_input(value, schemas.get(name, {})) if isinstance(value, str) else value
            for name, value in self.overrides.items()
        }

    def _rows(self, entry: CaseEntry) -> Iterator[tuple[int, Row | None]]:
        if entry.dataset is None:
            yield 0, None
            return
        picked = self._matching(entry, entry.dataset)
        if entry.sample is not None:
            picked = iter(_sample(picked, entry.sample.n, entry.sample.seed))
        empty = True
        for numbered in picked:
            empty = False
            yield numbered
        if empty:
            raise InvalidInputError(
                f"no row of '{entry.dataset}' is picked",
                at=entry.where.at if entry.where else entry.dataset.at,
                code="no-cases",
                hint="change the condition or the dataset",
            )

    def _matching(self, entry: CaseEntry, dataset: Text) -> Iterator[Numbered]:
        limits = self.project.config.limits
        condition = compile_expression(entry.where) if entry.where else None
        for line, row in rows(self.project.tree, dataset.text, dataset.at, limits):
            try:
                picked = condition is None or condition({"row": row})
            except LlmopsError as error:
                raise _in_row(error, dataset, line) from None
            if picked:
                yield line, row

    def _value(self, node: Node, context: Context | None, schema: Mapping[str, object]) -> object:
        """An input's value. Only the suite can name a file: a cell that looks like it is data."""
        if node.kind == "mapping" and len(node.value) == 1 and (path := node.get("file")):
            return self._file(self._rendered(path, context))
        return plain(input_value(self._rendered(node, context), schema))

    def _rendered(self, node: Node, context: Context | None) -> Node:
        return node if context is None else render_node(node, context, self.templates)

    def _file(self, path: Node) -> str:
        data = _placed(lambda: self.project.tree.read(path.typed), path.at)
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise InvalidInputError(
                f"the file '{path.typed}' is not UTF-8 text", at=path.at, code="encoding"
            ) from None

    def _case(
        self, suite: Suite, entry: CaseEntry, row: Row | None, inputs: Mapping[str, object]
    ) -> Case:
        id_ = self._text(entry.id, row) if entry.id else derived_id(inputs)
        if not id_.strip():
            raise InvalidInputError(
                "the case's id is empty",
                at=entry.id.at if entry.id else entry.at,
                code="empty-id",
                hint="an id names the case in reports and selectors",
            )
        return Case(
            suite=suite.name,
            id=id_,
            inputs=inputs,
            assertions=suite.assertions + entry.assertions,
            at=entry.at,
            tags=suite.tags + entry.tags,
            row=row,
            conversation=entry.conversation,
            cluster=self._text(entry.cluster, row) if entry.cluster else None,
            skip=entry.skip,
        )

    def _text(self, text: Text, row: Row | None) -> str:
        if row is None:
            return text.text
        return self.templates.compile(text).render({"row": row})


def case_hash(case: Case) -> str:
    """12 hex digits of what a case asks, by which the trials of two runs are paired.

    What a user says in a conversation may quote the row, so the row belongs to it.
    """
    asked: list[object] = [case.suite, dict(case.inputs)]
    asked.append([turn.user.text for turn in case.conversation])
    if case.conversation and case.row is not None:
        asked.append(dict(case.row))
    return hashlib.sha256(canonical_json(asked).encode()).hexdigest()[:12]


def _cells(suite: Suite) -> list[Cell]:
    """Every combination of the matrix with its label, `[tone=formal]`."""
    matrix = suite.matrix
    if not matrix:
        return [("", {})]
    many = math.prod(len(values) for values in matrix.values())
    if many > _MOST_CELLS:
        raise InvalidInputError(
            f"the matrix has {many:,} combinations; {_MOST_CELLS:,} are the most",
            at=suite.at,
            code="too-large",
            hint="take values out, or write the cases that matter",
        )
    cells = []
    for combination in itertools.product(*matrix.values()):
        cell = dict(zip(matrix, combination, strict=True))
        label = ",".join(f"{name}={_shown(value)}" for name, value in cell.items())
        cells.append((f"[{label}]", cell))
    return cells


def _shown(value: object) -> str:
    """A value of the matrix in an id: short, on one line, and never like another's."""
    if isinstance(value, str) and _WORD.fullmatch(value) and not _LIKE_JSON.fullmatch(value):
        return value
    text = canonical_json(value)
    if len(text) <= _SHOWN and text.isprintable():
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _sample(found: Iterator[Numbered], n: int, seed: int) -> list[Numbered]:
    """Choose n rows with equal chances in one pass (reservoir sampling), in their own order."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret
    kept: list[tuple[int, Numbered]] = []
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
    names += [step.prompt.text.partition("@")[0] for step in suite.steps]
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


def _in_row(error: LlmopsError, dataset: Text | None, line: int) -> InvalidInputError:
    """The same complaint, with the row that brought it up."""
    where = f" (in the row at {dataset}:{line})" if dataset is not None else ""
    return InvalidInputError.of([replace(f, message=f.message + where) for f in error.faults])


def _placed(read: Callable[[], bytes], at: Location) -> bytes:
    try:
        return read()
    except InvalidInputError as error:
        raise InvalidInputError.of([replace(f, at=f.at or at) for f in error.faults]) from None
