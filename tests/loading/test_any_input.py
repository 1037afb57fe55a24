import csv
import io
import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.config import Limits
from llmops.domain.node import plain
from llmops.errors import Fault, InvalidInputError, LlmopsError
from llmops.loading.assertions import read_assertions
from llmops.loading.datasets import rows
from llmops.loading.files import read_yaml
from llmops.loading.nodes import parse_yaml
from llmops.loading.project import load_project
from llmops.location import Location

AT = Location("suites/s.yaml", 1, 1)
YAML_LIKE = st.text(
    alphabet=st.sampled_from(list("ab1.:-?[]{}&*!|>'\"%@`#, \n\t<~\\\u2028\u0085é\ufeff\x00")),
    max_size=60,
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**20), max_value=10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=12,
)
PROMPT_KEYS = "version model inputs messages system user examples tools tool_choice output extends"
SUITE_KEYS = "prompt target steps models samples assert cases matrix gate tags parameters"
CONFIG_KEYS = "prompts suites models judge cache budget gate limits plugins"


class Files(dict[str, bytes]):
    def paths(self, under: str = "") -> list[str]:
        return sorted(path for path in self if path.startswith(under))

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        if path not in self:
            raise InvalidInputError(
                f"there is no file '{path}'", code="missing-file", hint="add it"
            )
        return self[path]


def faults_of(call: Callable[[], object]) -> tuple[Fault, ...]:
    try:
        call()
    except LlmopsError as error:
        return error.faults
    return ()


def is_placed(data: bytes) -> bool:
    faults = faults_of(lambda: parse_yaml(data, "f.yaml"))
    return all(fault.at is not None and fault.hint for fault in faults)


@given(st.binary(max_size=200))
def test_any_bytes_become_a_node_or_a_placed_fault(data: bytes) -> None:
    assert is_placed(data)


@given(YAML_LIKE)
def test_any_text_that_looks_like_yaml_becomes_a_node_or_a_placed_fault(text: str) -> None:
    assert is_placed(text.encode())


@given(JSON_VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    tree = Files({"f.json": json.dumps(value).encode()})

    read = plain(read_yaml(tree, "f.json", AT, Limits()).value)

    assert json.dumps(read, sort_keys=True) == json.dumps(value, sort_keys=True)


def document(keys: str) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(keys.split()), JSON_VALUES, max_size=5)


@given(document(PROMPT_KEYS), document(SUITE_KEYS), document(CONFIG_KEYS))
def test_any_values_make_a_project_or_faults(
    prompt: dict[str, object], suite: dict[str, object], config: dict[str, object]
) -> None:
    files = {"prompts/p.yaml": prompt, "suites/s.yaml": suite, "llmops.yaml": config}
    written = {path: json.dumps(value, ensure_ascii=False) for path, value in files.items()}
    tree = Files({path: text.encode() for path, text in written.items()})

    faults = faults_of(lambda: load_project(tree))

    assert all(fault.message and fault.hint for fault in faults)


@given(JSON_VALUES)
def test_any_value_is_a_list_of_assertions_or_a_fault(value: object) -> None:
    faults = []
    tree = Files({"f.json": json.dumps(value).encode()})

    read = read_assertions(read_yaml(tree, "f.json", AT, Limits()), faults)

    assert read or faults or value == []


@given(
    st.sampled_from(["csv", "tsv", "json", "jsonl", "yaml"]),
    st.binary(max_size=120)
    | YAML_LIKE.map(str.encode)
    | JSON_VALUES.map(json.dumps).map(str.encode),
)
def test_any_dataset_is_rows_or_placed_faults(suffix: str, data: bytes) -> None:
    tree = Files({f"rows.{suffix}": data})

    found: list[tuple[int, object]] = []
    faults = faults_of(lambda: found.extend(rows(tree, f"rows.{suffix}", AT, Limits())))

    assert found or faults
    assert all(fault.at is not None and fault.hint for fault in faults)
    assert all(line >= 1 and isinstance(row, dict) for line, row in found)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_what_a_csv_writer_writes_is_read_back(table: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerows([["a", "b", "c"], *table])
    tree = Files({"rows.csv": buffer.getvalue().encode()})

    found = [list(row.values()) for _line, row in rows(tree, "rows.csv", AT, Limits())]

    assert found == table


WELL: dict[str, object] = {
    "llmops.yaml": {
        "prompts": "prompts",
        "models": {
            "fast": {
                "model": "demo/fast",
                "parameters": {"temperature": 0},
                "api_base": "http://127.0.0.1:8000/v1",
                "key": "OUR_KEY",
                "price": {"input": 1, "output": 2},
                "timeout": "5s",
            },
            "made": {"model": "scripted/x", "script": "rules.yaml"},
        },
        "judge": {"model": "fast", "samples": 3},
        "cache": {"path": ".llmops/cache.db", "ttl": "7d"},
        "budget": {"max_cost": 1.5},
        "gate": {"against": "main", "margin": 0.02, "confidence": 0.95},
        "limits": {"yaml_depth": 40},
        "plugins": ["our.scorers"],
    },
    "prompts/p.yaml": {
        "version": "1.4.0",
        "model": "fast",
        "inputs": {"a": {"type": "string", "default": "x"}, "b": 3},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"placeholder": "history"},
            {"role": "user", "content": [{"type": "image", "file": "a.png"}, "{{ a }}"]},
        ],
        "examples": [{"input": {"a": "y"}, "output": "z"}],
        "tools": [{"name": "look", "parameters": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "output": {"format": "json", "schema": {"type": "object", "required": ["a"]}},
    },
    "suites/s.yaml": {
        "prompt": ["p"],
        "models": ["fast"],
        "samples": {"min": 1, "max": 3},
        "tags": ["smoke"],
        "assert": [{"contains": "x", "weight": 2, "soft": True, "on": "json.a"}],
        "cases": [
            {"id": "one", "inputs": {"a": {"file": "a.txt"}}, "tags": ["must_pass"]},
            {"dataset": "rows.csv", "where": "row.a", "sample": {"n": 3, "seed": 1}},
            {"conversation": [{"user": "hello", "assert": [{"contains": "hi"}]}]},
        ],
        "matrix": {"a": ["x", "y"]},
        "gate": {"min_pass_rate": 0.9},
    },
    "suites/t.yaml": {
        "target": {"http": {"url": "http://127.0.0.1/x", "headers": {"a": "b"}, "timeout": 3}},
        "cases": [{"assert": [{"contains": "x"}]}],
    },
    "suites/c.yaml": {
        "steps": [{"prompt": "p", "id": "first", "inputs": {"a": "b"}, "assert": []}],
        "cases": [{"assert": [{"contains": "x"}]}],
    },
}


def places_in(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path]
    children = value.items() if isinstance(value, dict) else ()
    children = enumerate(value) if isinstance(value, list) else children
    for key, inner in children:
        found += places_in(inner, (*path, key))
    return found


PLACES = [path for path in places_in(WELL) if path]


def changed(value: object, path: tuple[object, ...], new: object) -> object:
    if not path:
        return new
    if isinstance(value, dict):
        return {
            key: changed(inner, path[1:], new) if key == path[0] else inner
            for key, inner in value.items()
        }
    return [
        changed(inner, path[1:], new) if number == path[0] else inner
        for number, inner in enumerate(value)
    ]


def files_of(project: dict[str, object]) -> Files:
    written = {path: json.dumps(value, ensure_ascii=False) for path, value in project.items()}
    return Files({path: text.encode() for path, text in written.items()})


def test_the_project_that_is_changed_below_is_well() -> None:
    assert not faults_of(lambda: load_project(files_of(WELL)))


@given(st.sampled_from(PLACES), JSON_VALUES)
def test_any_change_of_a_well_project_is_well_or_a_fault(
    path: tuple[object, ...], new: object
) -> None:
    faults = faults_of(lambda: load_project(files_of(changed(WELL, path, new))))

    assert all(fault.at is not None and fault.hint for fault in faults)
