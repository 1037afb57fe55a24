import pytest
from reading import node, refused

from llmops.domain.config import Limits
from llmops.domain.node import Node, node_of, plain
from llmops.errors import Fault
from llmops.loading.nodes import parse_yaml
from llmops.location import Location


def fault_of(text: str | bytes, limits: Limits | None = None) -> Fault:
    data = text if isinstance(text, bytes) else text.encode()
    faults = refused(lambda: parse_yaml(data, "f.yaml", limits))
    assert len(faults) == 1
    return faults[0]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("12", 12),
        ("-7", -7),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1.20", 1.2),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e-3", -0.001),
        ("1e400", "1e400"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("+", "+"),
        ("'1.20'", "1.20"),
        ('"true"', "true"),
    ],
)
def test_a_plain_scalar_is_read_by_yaml_1_2(written: str, value: object) -> None:
    read = node(f"a: {written}").value["a"]

    assert (read, type(read)) == (value, type(value))


def test_a_number_keeps_how_it_was_typed() -> None:
    read = node("version: 1.20\nlist: [0x1F, ~]\n")

    assert read.get("version").typed == "1.20"
    assert [child.typed for child in read.get("list").elements()] == ["0x1F", "~"]
    assert node("1.50").typed == "1.50"


def test_every_key_and_value_knows_its_place() -> None:
    read = node("model: demo\nmessages:\n  - role: user\n    content: 'ä: ö'\n  - [x, {y: z}]\n")

    messages = read.get("messages")
    first, second = messages.elements()
    assert str(read.key_at("messages")) == "f.yaml:2:1"
    assert str(messages.at) == "f.yaml:3:3"
    assert str(first.get("content").at) == "f.yaml:4:14"
    assert str(first.key_at("content")) == "f.yaml:4:5"
    assert [str(child.at) for child in second.elements()] == ["f.yaml:5:6", "f.yaml:5:9"]


def test_a_line_of_a_block_scalar_is_found_in_the_file() -> None:
    read = node("system: |\n  one\n  two\nuser: hello\n")

    assert str(read.get("system").text.place(2)) == "f.yaml:3:1"
    assert str(read.get("user").text.place(1)) == "f.yaml:4:7"


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_the_text() -> None:
    read = parse_yaml(b"\xef\xbb\xbfa: |\r\n  one\r\n  two\r\nb: 2\r\n", "f.yaml")

    assert read.value == {"a": "one\ntwo\n", "b": 2}
    assert str(read.get("b").at) == "f.yaml:4:4"


@pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029"])
def test_a_line_separator_of_unicode_is_ordinary_text(character: str) -> None:
    read = node(f"a: |\n  one{character}two\nb: 'x{character}y'\nc{character}: 3\n")

    assert read.value == {"a": f"one{character}two\n", "b": f"x{character}y", f"c{character}": 3}
    assert str(read.get("b").at) == "f.yaml:3:4"


def test_an_empty_file_is_nothing() -> None:
    assert node("").kind == "nothing"
    assert node("# only a comment\n").kind == "nothing"
    assert str(node("").at) == "f.yaml:1:1"


def test_an_alias_stands_for_the_value_and_keeps_its_own_place() -> None:
    read = node("a: &x {n: 1.50}\nb: *x\nc: &y 2.50\nd: *y\n")

    assert read.value["b"] == {"n": 1.5}
    assert str(read.get("b").at) == "f.yaml:2:4"
    assert read.get("b").get("n").typed == "1.50"
    assert read.get("d").typed == "2.50"


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1", "duplicate-key", "the key 'a' is here for the second time"),
        ("a: {b: 1, b: 2}\n", "1:11", "duplicate-key", "the key 'b' is here for the second time"),
        ("<<: {a: 1}\n", "1:1", "yaml-merge", "merge keys ('<<') are not allowed"),
        ("a: !!str 1\n", "1:4", "yaml-tag", "the tag '!!str' is not allowed"),
        ("a: !!map {}\n", "1:4", "yaml-tag", "the tag '!!map' is not allowed"),
        ("!!str a: 1\n", "1:1", "yaml-tag", "the tag '!!str' is not allowed"),
        ("a: &x [1, *x]\n", "1:11", "yaml-anchor", "the anchor 'x' contains itself"),
        ("a: *x\n", "1:4", "yaml-anchor", "the anchor 'x' is not defined above"),
        ("&x a: 1\n", "1:1", "yaml-anchor", "a key cannot carry an anchor"),
        ("x: &x a\n*x : 1\n", "2:1", "yaml-syntax", "a key must be text, not an alias"),
        ("? [a]\n: b\n", "1:3", "yaml-syntax", "a key must be text"),
        ("? {a: 1}\n: b\n", "1:3", "yaml-syntax", "a key must be text"),
        ("a: 1\n---\nb: 2\n", "2:1", "yaml-syntax", "a second document starts here"),
        ("a: 'x\x00'\n", "1:6", "yaml-syntax", "character U+0000 is not allowed in YAML"),
        (b"a: \xff\n", "1:4", "encoding", "byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfa: \xff\n", "1:4", "encoding", "byte 0xff is not UTF-8"),
        ("a: b: c\n", "1:5", "yaml-syntax", "this is not YAML: mapping values are not allowed"),
    ],
)
def test_what_is_not_allowed_is_shown_where_it_stands(
    text: str | bytes, place: str, code: str, words: str
) -> None:
    fault = fault_of(text)

    assert str(fault.at) == f"f.yaml:{place}"
    assert fault.code == code
    assert fault.message.startswith(words)
    assert fault.hint


def test_utf_16_is_named_as_such() -> None:
    fault = fault_of("a: 1".encode("utf-16"))

    assert fault.hint == "the file looks like UTF-16; save it as UTF-8"


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert node("'<<': 1\n").value == {"<<": 1}


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 200_000,
        "{a: " * 60_000,
        "- " * 100_000,
        "a: " + "&x [" * 100_000,
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
        "a: &a [*a, *a]\n",
        "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 101)),
        "a: &a x\nb: [" + "*a, " * 200 + "*a]\n",
        "[" + "x, " * 300_000 + "x]",
    ],
    ids=["list", "flow", "block", "anchors", "laughs", "recursive", "chain", "aliases", "values"],
)
def test_a_bomb_is_refused_with_a_place(bomb: str) -> None:
    fault = fault_of(bomb)

    assert fault.at is not None
    assert fault.at.path == "f.yaml"
    assert fault.hint


@pytest.mark.parametrize(
    ("limits", "well", "wrong", "place"),
    [
        (Limits(yaml_bytes=5), "a: 12", "a: 123", "1:1"),
        (Limits(yaml_depth=2), "a: [1]", "a: [[]]", "1:5"),
        (Limits(yaml_nodes=3), "[1, 2]", "[1, 2, 3]", "1:8"),
        (Limits(yaml_aliases=1), "[&a 1, *a]", "[&a 1, *a, *a]", "1:12"),
        (Limits(yaml_depth=3), "[&a [1], [*a]]", "[&a [[1]], [*a]]", "1:13"),
        (Limits(yaml_depth=4), "[&a [&b [1]], *a, *b]", "[&a [&b [[1]]], [*a]]", "1:18"),
    ],
)
def test_a_limit_is_the_most_that_is_allowed(
    limits: Limits, well: str, wrong: str, place: str
) -> None:
    assert parse_yaml(well.encode(), "f.yaml", limits).value is not None

    fault = fault_of(wrong, limits)

    assert str(fault.at) == f"f.yaml:{place}"
    assert fault.code == "yaml-limit"


def test_aliases_may_repeat_values_up_to_the_expansion_that_is_set() -> None:
    text = "a: &a [" + "x, " * 900 + "x]\nb: [" + ", ".join(["*a"] * 20) + "]\n"

    fault = fault_of(text)

    assert fault.message == "aliases make the file more than 10 times its size"
    assert parse_yaml(text.encode(), "f.yaml", Limits(yaml_expansion=30)).value["b"]


def test_a_node_of_a_plain_value_stands_at_one_place() -> None:
    at = Location("rows.jsonl", 7, 3)

    wrapped = node_of({"a": [1, True], "b": None}, at)

    assert wrapped.kind == "mapping"
    assert wrapped.get("a").kind == "list"
    assert [child.at for child in wrapped.get("a").elements()] == [at, at]
    assert [child.typed for child in wrapped.get("a").elements()] == ["1", "true"]
    assert wrapped.key_at("a") == at
    assert wrapped.get("c") is None
    assert [(key, place) for key, place, _child in wrapped.entries()] == [("a", at), ("b", at)]
    assert [child.kind for child in wrapped.values()] == ["list", "nothing"]


def test_the_kind_of_a_value_is_said_in_the_users_words() -> None:
    values = [{}, [], "x", 1, 1.5, True, None, ()]

    kinds = [Node(value, "f.yaml", 0).kind for value in values]

    assert kinds == ["mapping", "list", "text", "number", "number", "boolean", "nothing", "list"]


def test_a_plain_copy_has_no_places() -> None:
    copied = plain(node("a: [1, {b: c}]").value)

    assert copied == {"a": [1, {"b": "c"}]}
    assert type(copied) is dict
