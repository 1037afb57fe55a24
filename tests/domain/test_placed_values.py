import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.node import Node, PlacedList, PlacedMapping, Text, node_of, pack_mark, plain
from llmops.location import Location

PATH = "suites/say.yaml"
AT = Location(PATH, 4, 7)


def placed_mapping() -> Node:
    value = PlacedMapping()
    value.update({"version": 1.2, "tags": placed_list()})
    value.marks = [pack_mark(1, 1), pack_mark(1, 10), pack_mark(2, 1), pack_mark(2, 7)]
    value.raws = {"version": "1.20"}
    return Node(value, PATH, pack_mark(1, 1))


def placed_list() -> PlacedList:
    value = PlacedList()
    value.extend([True, "b"])
    value.marks = [pack_mark(2, 8), pack_mark(2, 14, block=True)]
    value.raws = {0: "yes"}
    return value


@given(st.integers(1, 2**40), st.integers(1, 2**32 - 1), st.booleans())
def test_a_place_survives_packing(line: int, column: int, block: bool) -> None:
    node = Node("", PATH, pack_mark(line, column, block=block))

    assert node.at == Location(PATH, line, column)
    assert node.text.block == block


def test_a_column_beyond_counting_stays_in_its_line() -> None:
    assert Node("", PATH, pack_mark(3, 2**40)).at.line == 3


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "mapping"),
        (PlacedMapping(), "mapping"),
        ([], "list"),
        (PlacedList(), "list"),
        ("a", "text"),
        (1, "number"),
        (1.5, "number"),
        (True, "boolean"),
        (None, "nothing"),
    ],
)
def test_a_value_is_of_a_sort_in_the_users_words(value, kind: str) -> None:
    assert node_of(value, AT).kind == kind


def test_a_value_of_a_mapping_knows_its_place_its_key_and_what_was_typed() -> None:
    node = placed_mapping()

    version = node.get("version")

    assert version is not None
    assert (version.value, version.typed, version.at) == (1.2, "1.20", Location(PATH, 1, 10))
    assert node.key_at("tags") == Location(PATH, 2, 1)
    assert node.get("missing") is None


def test_items_and_elements_carry_their_places() -> None:
    node = placed_mapping()

    children = dict(node.items())
    elements = list(children["tags"].elements())

    assert [child.at.column for child in node.values()] == [10, 7]
    assert [(e.typed, e.at.column) for e in elements] == [("yes", 8), ("b", 14)]
    assert elements[1].text == Text("b", Location(PATH, 2, 14), block=True)


def test_a_plain_value_stands_all_at_one_place() -> None:
    node = node_of({"a": [1], "b": False}, AT)

    children = dict(node.items())

    assert children["a"].at == children["b"].at == node.key_at("a") == AT
    assert [element.at for element in children["a"].elements()] == [AT]
    assert node.get("b") == children["b"]
    assert children["b"].typed == "false"
    assert node_of(1.5, AT).typed == "1.5"


def test_places_can_be_taken_off_a_value() -> None:
    copied = plain(placed_mapping().value)

    assert copied == {"version": 1.2, "tags": [True, "b"]}
    assert type(copied) is dict
    assert plain("text") == "text"


@pytest.mark.parametrize(
    ("text", "line", "column", "place"),
    [
        (Text("one line", AT), 1, 3, Location(PATH, 4, 7)),
        (Text("one\ntwo", AT), 2, 3, Location(PATH, 5, 3)),
        (Text("one\ntwo", AT, block=True), 1, 3, Location(PATH, 5, 3)),
        (Text("one\ntwo", AT, block=True), 2, None, Location(PATH, 6, 1)),
    ],
)
def test_a_line_inside_a_text_is_a_place_in_the_file(text, line, column, place) -> None:
    assert text.place(line, column) == place
    assert str(text) == text.text
