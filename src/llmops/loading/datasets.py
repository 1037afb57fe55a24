"""Datasets: a file in, its rows out one by one, each with the line it stands at."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from llmops.domain.config import Limits
from llmops.domain.node import plain
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.complaints import all_of
from llmops.loading.files import open_file
from llmops.loading.json_rows import json_lines, json_list
from llmops.loading.nodes import parse_yaml
from llmops.loading.readers import Faults, expected
from llmops.loading.tables import csv_rows, parquet_rows
from llmops.location import Location

Row = Mapping[str, object]
Rows = Iterator[tuple[int, Row]]


def rows(tree: Tree, path: str, at: Location, limits: Limits) -> Rows:
    """Read a dataset's rows in order, without holding all of them.

    Args:
        tree: Where the file is.
        path: Relative to the tree's root; its suffix says what it is.
        at: Where its name stands, for complaints.
        limits: What it may be at most.

    Yields:
        A row's first line (for parquet its number), from 1, and its cells by column. Cells of
        csv and tsv are text; the others keep their types. A cell is data, never a template.

    Raises:
        InvalidInputError: The file cannot be read, its rows do not fit its header, or it has
            none. All faults of its rows are found before it is raised.
    """
    fault = unknown_format(path, at)
    if fault is not None:
        raise all_of([fault])
    empty = True
    with open_file(tree, path, at, limit=limits.dataset_bytes) as file:
        for found in _READERS[_suffix(path)](file, path, at, limits):
            empty = False
            yield found
    if empty:
        raise InvalidInputError(
            f"the dataset '{path}' has no row",
            at=at,
            code="empty-dataset",
            hint="add rows, or leave the dataset out",
        )


def unknown_format(path: str, at: Location) -> Fault | None:
    """The complaint about a file that is no dataset by its suffix; None when it is one."""
    suffix = _suffix(path)
    if suffix in _READERS:
        return None
    hint = did_you_mean(suffix, _READERS) or f"the formats are {', '.join(_READERS)}"
    message = f"'{path}' is no dataset that can be read"
    return Fault(code="unknown-format", message=message, at=at, hint=hint)


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].casefold()


def _yaml_rows(file: BinaryIO, path: str, _at: Location, limits: Limits) -> Rows:
    node = parse_yaml(file.read(), path, limits)
    faults: Faults = []
    if node.kind == "nothing":
        return
    if node.kind != "list":
        expected(node, "a list of mappings", faults, "write '- ' before each row")
        raise all_of(faults)
    for child in node.elements():
        if child.kind != "mapping":
            expected(child, "a mapping", faults, "write 'column: value' lines")
        elif not faults:
            row: Any = plain(child.value)
            yield child.at.line, row
    if faults:
        raise all_of(faults)


_READERS: Mapping[str, Callable[[BinaryIO, str, Location, Limits], Rows]] = {
    "csv": lambda file, path, _at, _limits: csv_rows(file, path, delimiter=","),
    "tsv": lambda file, path, _at, _limits: csv_rows(file, path, delimiter="\t"),
    "json": lambda file, path, _at, _limits: json_list(file.read(), path),
    "jsonl": lambda file, path, _at, _limits: json_lines(file, path),
    "yaml": _yaml_rows,
    "yml": _yaml_rows,
    "parquet": lambda file, path, at, _limits: parquet_rows(file.read(), path, at),
}
"""What reads each format, by suffix."""
