"""Tables in, rows by column name out: csv, tsv and parquet."""

import csv
import datetime
import decimal
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from llmops.errors import Fault, InvalidInputError
from llmops.loading.complaints import all_of
from llmops.loading.decoding import not_utf8
from llmops.location import Location

Rows = Iterator[tuple[int, Mapping[str, object]]]
_MOST_FAULTS = 20
_LONGEST_CELL = 2**31 - 1
"""Files have a limit of their own."""


def csv_rows(file: BinaryIO, path: str, *, delimiter: str) -> Rows:
    """Read a table with a header row; every cell is text.

    Raises:
        InvalidInputError: It is not UTF-8, a name in the header is missing or there twice, a
            quote stays open, or rows (20 at most are named) have more or fewer cells.
    """
    faults: list[Fault] = []
    header: list[str] = []
    for line, cells in _records(file, path, delimiter):
        if not header:
            header = _header(cells, line, path)
        elif len(cells) == len(header):
            if not faults:
                yield line, dict(zip(header, cells, strict=True))
        else:
            faults.append(_ragged(cells, header, Location(path, line)))
            if len(faults) == _MOST_FAULTS:
                break
    if faults:
        raise all_of(faults)


def parquet_rows(data: bytes, path: str, at: Location) -> Rows:
    """Read a parquet file; dates, times and decimals become text.

    Raises:
        InvalidInputError: pyarrow is not installed, or the file is no parquet.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InvalidInputError(
            f"reading '{path}' needs pyarrow",
            at=at,
            code="missing-extra",
            hint="pip install 'llmops[parquet]'",
        ) from None
    number = 0
    try:
        for batch in parquet.ParquetFile(pyarrow.BufferReader(data)).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _plain_cell(value) for name, value in row.items()}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InvalidInputError(
            f"'{path}' cannot be read as parquet: {str(error)[:200]}",
            at=at,
            code="parquet",
            hint="write it again, or keep the dataset as csv or jsonl",
        ) from None


def _records(file: BinaryIO, path: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is no empty line, with its first line."""
    csv.field_size_limit(_LONGEST_CELL)
    stream = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except UnicodeDecodeError:
        file.seek(0)
        raise not_utf8(file.read(), path) from None
    except csv.Error as error:
        raise InvalidInputError(
            f"this row cannot be read: {error}",
            at=Location(path, line),
            code="csv-syntax",
            hint="close the quotes, and write a quote inside quotes twice",
        ) from None
    finally:
        stream.detach()  # it would close the file, which belongs to whoever opened it


def _header(cells: list[str], line: int, path: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    faults = []
    first: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            message = f"column {number} has no name"
            hint = "name it, or remove the delimiter at the header's end"
        elif first.setdefault(name, number) != number:
            message = f"columns {first[name]} and {number} are both called '{name}'"
            hint = "give each column a name of its own"
        else:
            continue
        faults.append(Fault(code="header", message=message, at=Location(path, line), hint=hint))
    if faults:
        raise all_of(faults)
    return names


def _ragged(cells: list[str], header: list[str], at: Location) -> Fault:
    what = "cell" if len(cells) == 1 else "cells"
    return Fault(
        code="ragged-row",
        message=f"this row has {len(cells)} {what}, the header has {len(header)}",
        at=at,
        hint="put quotes around a cell that holds the delimiter or a line break",
    )


def _plain_cell(value: Any) -> Any:  # noqa: ANN401 - whatever arrow hands out
    if isinstance(value, Mapping):
        return {str(key): _plain_cell(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_cell(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    return value.decode() if isinstance(value, bytes) else value
