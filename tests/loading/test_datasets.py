import datetime
import decimal
import io
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from reading import refused, shown

from llmops.domain.config import Limits
from llmops.domain.tree import Tree
from llmops.loading.datasets import rows
from llmops.loading.tree import LimitedTree, WorkTree
from llmops.location import Location

AT = Location("suites/s.yaml", 3, 14)


def read(root: Path, name: str, data: bytes, limits: Limits | None = None) -> list[object]:
    (root / name).write_bytes(data)
    return list(rows(WorkTree(root), name, AT, limits or Limits()))


def faults_of(root: Path, name: str, data: bytes, limits: Limits | None = None) -> list[str]:
    return shown(refused(lambda: read(root, name, data, limits)))


def test_cells_of_a_table_are_text_with_the_line_they_begin_at(tmp_path: Path) -> None:
    data = '\ufeffid, text \n\n1,"two\nlines, and ""quotes"""\n2,{{ 7*7 }}\r\n3,=1+1\n'

    found = read(tmp_path, "rows.csv", data.encode())

    assert found == [
        (3, {"id": "1", "text": 'two\nlines, and "quotes"'}),
        (5, {"id": "2", "text": "{{ 7*7 }}"}),
        (6, {"id": "3", "text": "=1+1"}),
    ]


def test_tabs_divide_the_cells_of_a_tsv(tmp_path: Path) -> None:
    assert read(tmp_path, "ROWS.TSV", b"id\ttext\n1\ta, b\n") == [(2, {"id": "1", "text": "a, b"})]


def test_a_cell_may_be_longer_than_what_python_allows_by_itself(tmp_path: Path) -> None:
    long = "x" * 200_000

    assert read(tmp_path, "rows.csv", f"a,b\n1,{long}\n".encode()) == [(2, {"a": "1", "b": long})]


def test_json_keeps_its_types(tmp_path: Path) -> None:
    data = b'[\n  {"id": 1, "ok": true,\n   "list": [1.5, null]},\n  {"id": 2}, {"id": "3"}\n]\n'

    assert read(tmp_path, "rows.json", data) == [
        (2, {"id": 1, "ok": True, "list": [1.5, None]}),
        (4, {"id": 2}),
        (4, {"id": "3"}),
    ]


def test_json_lines_are_rows_and_empty_lines_are_none(tmp_path: Path) -> None:
    data = '{"id": 1}\r\n\n  {"id": "ä\u2028\\ud83d\\ude00"}  \n'.encode()

    assert read(tmp_path, "rows.jsonl", data) == [(1, {"id": 1}), (3, {"id": "ä\u2028😀"})]


@pytest.mark.parametrize("name", ["rows.yaml", "rows.yml"])
def test_a_list_of_mappings_in_yaml_is_rows(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, name, b"- id: 1\n  tags: [a]\n# note\n- id: no\n")

    assert found == [(1, {"id": 1, "tags": ["a"]}), (4, {"id": "no"})]
    assert type(found[0][1]) is dict


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", b""),
        ("rows.csv", b"id,text\n"),
        ("rows.csv", b"\n\n"),
        ("rows.json", b""),
        ("rows.json", b" \n"),
        ("rows.json", b"[]"),
        ("rows.jsonl", b"\n\n"),
        ("rows.yaml", b""),
        ("rows.yaml", b"[]"),
    ],
)
def test_a_dataset_without_rows_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    assert faults_of(tmp_path, name, data) == [
        f"suites/s.yaml:3:14: the dataset '{name}' has no row [empty-dataset]"
    ]


@pytest.mark.parametrize(
    ("name", "data", "faults"),
    [
        ("r.csv", b"a,b\n1\n2,3\n", ["2:1: this row has 1 cell"]),
        ("r.csv", b"a,b\n1\n2,3,4\n", ["2:1: this row has 1 cell", "3:1: this row has 3 cells"]),
        ("r.csv", b'a,b\n"x"y,z\n', ["2:1: this row cannot be read: ',' expected after '\"'"]),
        ("r.csv", b'a,b\n1,2\n"3\n4\n', ["3:1: this row cannot be read: unexpected end of data"]),
        ("r.csv", b"a,b\n1,2\n\xff,3\n", ["3:1: byte 0xff is not UTF-8"]),
        ("r.csv", b"a,,b,a\n", ["1:1: column 2 has no name", "1:1: columns 1 and 4 are both"]),
        ("r.jsonl", b'{"a": 1}\n{"a": }\n[]\n', ["2:7: this is not JSON", "3:1: expected an obj"]),
        ("r.jsonl", b'{"a": 1} {"b": 2}\n', ["1:9: this is not JSON: something follows the row"]),
        ("r.jsonl", b'{"a": 1e999}\n', ["1:1: this row is not JSON: 1e999 is no number"]),
        ("r.jsonl", b'{"a": -Infinity}\n', ["1:1: this row is not JSON: -Infinity is no number"]),
        ("r.jsonl", b'{"a": "\\ud800"}\n', ["1:1: this row holds half a character"]),
        ("r.jsonl", b'{"a": ' + b"9" * 5000 + b"}\n", ["1:1: this row is not JSON: Exceeds"]),
        ("r.jsonl", b"[" * 9999 + b"\n", ["1:1: this row is nested too deeply"]),
        ("r.jsonl", b"\xff\n", ["1:1: byte 0xff is not UTF-8"]),
        ("r.json", b'{"a": 1}', ["1:1: expected a list of objects"]),
        ("r.json", b'[{"a": 1} {"a": 2}]', ["1:11: this is not JSON: expected ',' or ']'"]),
        ("r.json", b'[{"a": 1},]', ["1:11: this is not JSON: expecting value"]),
        ("r.json", b'[{"a": 1}', ["1:10: this is not JSON: expected ',' or ']'"]),
        ("r.json", b"[", ["1:2: this is not JSON: expecting value"]),
        ("r.json", b"[{}] x", ["1:6: this is not JSON: something follows the list"]),
        ("r.json", b'[\n{"a": 1},\n{"a":\n x}]', ["4:2: this is not JSON: expecting value"]),
        ("r.json", b'[\n{"a": 1}, [2]]', ["2:11: expected an object"]),
        (
            "r.yaml",
            b"- {a: 1}\n- 2\n- {a: 3}\n- x\n",
            ["2:3: expected a map", "4:3: expected a map"],
        ),
        ("r.yaml", b"a: 1\n", ["1:1: expected a list of mappings, not a mapping"]),
        ("r.yaml", b"- {a: 1\n", ["2:1: this is not YAML"]),
    ],
)
def test_all_wrong_rows_are_shown_where_they_stand(
    tmp_path: Path, name: str, data: bytes, faults: list[str]
) -> None:
    found = faults_of(tmp_path, name, data)

    assert len(found) == len(faults)
    for one, expected in zip(found, faults, strict=True):
        assert one.startswith(f"{name}:{expected}")


@pytest.mark.parametrize(("name", "row"), [("r.csv", b"1\n"), ("r.jsonl", b"[]\n")])
def test_twenty_wrong_rows_are_enough(tmp_path: Path, name: str, row: bytes) -> None:
    header = b"a,b\n" if name == "r.csv" else b""

    assert len(faults_of(tmp_path, name, header + row * 100)) == 20


def test_rows_come_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"a\n1\n2\n3,4\n")
    found = rows(WorkTree(tmp_path), "r.csv", AT, Limits())

    assert next(found) == (2, {"a": "1"})
    assert next(found) == (3, {"a": "2"})
    assert refused(lambda: next(found))[0].code == "ragged-row"


def test_a_dataset_is_held_to_its_own_limit(tmp_path: Path) -> None:
    data = b"a\n" + b"1\n" * 100

    assert len(read(tmp_path, "r.csv", data, Limits(file_bytes=1))) == 100
    (fault,) = faults_of(tmp_path, "r.csv", data, Limits(dataset_bytes=50))
    assert (
        fault == "suites/s.yaml:3:14: 'r.csv' has 202 bytes, more than the 50 allowed [too-large]"
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("none.csv", "there is no file 'none.csv' [missing-file]"),
        ("../r.csv", "the path '../r.csv' holds '..' [unsafe-path]"),
        ("r.xlsx", "'r.xlsx' is no dataset that can be read [unknown-format]"),
        ("r", "'r' is no dataset that can be read [unknown-format]"),
    ],
)
def test_a_file_that_cannot_be_read_is_shown_where_it_is_named(
    tmp_path: Path, name: str, fault: str
) -> None:
    found = shown(refused(lambda: list(rows(WorkTree(tmp_path), name, AT, Limits()))))

    assert found == [f"suites/s.yaml:3:14: {fault}"]


def test_a_format_is_suggested_for_a_misspelt_suffix(tmp_path: Path) -> None:
    (fault,) = refused(lambda: list(rows(WorkTree(tmp_path), "r.jsnl", AT, Limits())))

    assert fault.hint == "did you mean 'jsonl'?"


def test_a_pointer_of_git_lfs_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("version https://git-lfs.github.com/spec/v1\noid x\n")

    (fault,) = refused(lambda: list(rows(WorkTree(tmp_path), "r.csv", AT, Limits())))

    assert (fault.code, fault.at, fault.hint) == ("lfs-pointer", AT, "run 'git lfs pull'")


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    (fault,) = refused(lambda: read(tmp_path, "r.parquet", b"PAR1"))

    assert (fault.code, fault.at) == ("missing-extra", AT)
    assert fault.hint == "pip install 'llmops[parquet]'"


def parquet_of(columns: dict[str, list[object]]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def test_rows_of_parquet_keep_what_json_has_a_form_for(tmp_path: Path) -> None:
    data = parquet_of(
        {
            "id": [1, 2],
            "text": ["ä", None],
            "share": [0.5, float("nan")],
            "day": [datetime.date(2024, 1, 31), None],
            "time": [datetime.datetime(2024, 1, 31, 12, 30, tzinfo=datetime.UTC), None],
            "cost": [decimal.Decimal("1.20"), None],
            "raw": [b"bytes", None],
            "list": [[1, 2], []],
            "inner": [{"a": datetime.time(12, 30)}, None],
        }
    )

    found = read(tmp_path, "r.parquet", data)

    assert found[0] == (
        1,
        {
            "id": 1,
            "text": "ä",
            "share": 0.5,
            "day": "2024-01-31",
            "time": "2024-01-31T12:30:00+00:00",
            "cost": "1.20",
            "raw": "bytes",
            "list": [1, 2],
            "inner": {"a": "12:30:00"},
        },
    )
    assert found[1][0] == 2
    assert found[1][1]["share"] is None


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet at all"])
def test_what_is_no_parquet_is_shown(tmp_path: Path, data: bytes) -> None:
    (fault,) = refused(lambda: read(tmp_path, "r.parquet", data))

    assert (fault.code, fault.at) == ("parquet", AT)
    assert fault.hint


class Reading:
    """A tree that can hand out whole files only."""

    def paths(self, under: str = "") -> list[str]:
        return [under]

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        return f"word\n{path} of {limit}\n".encode()


@pytest.mark.parametrize("tree", [Reading(), LimitedTree(Reading(), Limits())])
def test_a_tree_that_hands_out_whole_files_will_do(tree: Tree) -> None:
    found = list(rows(tree, "r.csv", AT, Limits(dataset_bytes=70)))

    assert found == [(2, {"word": "r.csv of 70"})]
