import pytest
from reading import refused, shown

from llmops.domain.node import Node, plain
from llmops.loading.toml import parse_toml

TABLE = ("tool", "llmops")


def parse(text: str) -> Node:
    found = parse_toml(text.encode(), "pyproject.toml", TABLE)
    assert found is not None
    return found


def test_a_table_is_read_with_the_places_of_its_keys() -> None:
    read = parse(
        "[project]\nname = 'x'\n[tool.llmops]\nprompts = 'p'\nlist = [\n  'a',\n]\n"
        'table = {one = 1, two = {three = 3}}\n  [tool . llmops . "deep er"]\n  a.b = true\n'
    )

    assert str(read.at) == "pyproject.toml:3:2"
    assert str(read.key_at("prompts")) == "pyproject.toml:4:1"
    assert str(read.get("prompts").at) == "pyproject.toml:4:11"
    assert [str(child.at) for child in read.get("list").elements()] == ["pyproject.toml:5:8"]
    assert str(read.get("table").key_at("one")) == "pyproject.toml:8:10"
    assert str(read.get("table").get("two").get("three").at) == "pyproject.toml:8:25"
    assert str(read.key_at("deep er")) == "pyproject.toml:9:4"
    assert read.get("deep er").get("a").get("b").value is True


def test_a_key_inside_a_long_text_is_no_key() -> None:
    read = parse("[tool.llmops]\nnote = '''\nprompts = 'no'\n'''\nprompts = 'yes'\n")

    assert str(read.key_at("prompts")) == "pyproject.toml:5:1"


def test_other_quotes_inside_a_long_text_do_not_end_it() -> None:
    read = parse("[tool.llmops]\nnote = '''\n\"\"\"\nprompts = 'no'\n'''\nprompts = 'yes'\n")

    assert str(read.key_at("prompts")) == "pyproject.toml:6:1"


def test_values_without_a_form_in_json_are_text() -> None:
    read = parse("[tool.llmops]\nday = 2024-01-31\nnumber = nan\nmost = inf\nhalf = 0.5\n")

    assert plain(read.value) == {"day": "2024-01-31", "number": "nan", "most": "inf", "half": 0.5}


@pytest.mark.parametrize("text", ["", "[tool.other]\na = 1\n", "tool = 3\n", "[tool]\nx = 1\n"])
def test_a_file_without_the_table_has_none(text: str) -> None:
    assert parse_toml(text.encode(), "pyproject.toml", TABLE) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.llmops]\na = \n", "pyproject.toml:2:5: this is not TOML: Invalid value"),
        ("[tool.llmops]\na = '''\nx", "pyproject.toml:3:1: this is not TOML: Expected \"'''\""),
        ("[tool.llmops]\na = " + "[" * 5000, "pyproject.toml:1:1: the file is nested too deeply"),
    ],
)
def test_what_is_no_toml_is_shown_where_it_breaks(text: str, expected: str) -> None:
    (fault,) = shown(refused(lambda: parse_toml(text.encode(), "pyproject.toml", TABLE)))

    assert fault == f"{expected} [toml-syntax]"
