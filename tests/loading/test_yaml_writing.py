import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.node import plain
from llmops.loading.nodes import parse_yaml
from llmops.loading.yaml_writing import Block, Flow, scalar, text_of, value_of, yaml_text

NASTY = [
    "",
    "\n",
    "\n\n",
    " ",
    "\t",
    "\tindented by a tab\nand on",
    "  indented\nnot indented",
    "\nbegins with a newline",
    "ends with two\n\n",
    "blanks at the end  \nof a line\t\n",
    "carriage\rreturn\r\nand both",
    "\x00\x1b[31mred\x7f\x9b",
    "\x85\u2028\u2029",
    "\ufdd0\u2028\ufdd1",
    "half \ud800 a character\nand \udfff another",
    "\U0001fffe\U0010ffff\U000e0041",
    "\ufeffmark",
    "# no comment",
    "- no list",
    "a: b",
    "no",
    "12:30",
    "1e3",
    "null",
    "~",
    "{json: x}",
    "--- \n...\n---\nfoo",
    "%YAML 1.1",
    "quote \" and ' and \\n and \\",
    "tail \\",
    "❤️ 👩‍👩‍👧 größe 漢字",
    "x" * 100_000,
    "\n".join(f"line {number}" for number in range(3000)),
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text(st.sampled_from(" \t\n\r\"'\\#:-|>{}[]ab1\x85\u2028\ud800\U0001fffe")),
    st.sampled_from(NASTY),
)


def read_back(value: object):
    text = "\n".join(yaml_text({"deep": [{"first": 1, "value": value, "last": 2}]})) + "\n"
    root = parse_yaml(text.encode(), "x.yaml")
    (element,) = root.get("deep").elements()
    assert plain(element.get("first").value) == 1
    assert plain(element.get("last").value) == 2
    return element.get("value")


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_every_text_says_the_same_when_it_is_read_back(text: str) -> None:
    assert text_of(read_back(Block(text))) == text
    assert text_of(read_back(text)) == text


@given(TEXTS)
def test_any_text_says_the_same_when_it_is_read_back(text: str) -> None:
    assert text_of(read_back(Block(text))) == text
    assert text_of(read_back(text)) == text


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(TEXTS, inner, max_size=3)
            | st.fixed_dictionaries({"json": inner})
        ),
        max_leaves=6,
    )
)
def test_any_value_says_the_same_when_it_is_read_back(value: object) -> None:
    assert value_of(read_back(Flow(value))) == value


def test_an_ordinary_text_is_a_block() -> None:
    lines = list(yaml_text({"output": Block("one\n\n  two\n")}))

    assert "\n".join(lines) == "output: |\n  one\n\n    two"


def test_blanks_at_the_end_of_a_line_are_between_quotes_a_line_each() -> None:
    (line,) = yaml_text({"output": Block("one  \n  two")})

    assert line == 'output: "\\\n  one  \\n\\\n  \\  two"'


def test_what_cannot_be_seen_is_an_escape() -> None:
    assert scalar("a\u202eb\x7f\U000e0041") == '"a\\u202eb\\u007f\\U000e0041"'


def test_half_a_character_is_written_as_json() -> None:
    assert scalar("\ud800") == '{json: "\\"\\\\ud800\\""}'


def test_words_that_other_programs_take_for_values_are_quoted() -> None:
    assert [scalar(word) for word in ("no", "1.20", "yes", "1.2.0", "say/it")] == [
        '"no"',
        '"1.20"',
        '"yes"',
        "1.2.0",
        "say/it",
    ]


def test_empty_lists_and_mappings_stand_on_one_line() -> None:
    assert list(yaml_text({"a": [], "b": {}, "c": [[], {}, "x"]})) == [
        "a: []",
        "b: {}",
        "c:",
        "  - []",
        "  - {}",
        "  - x",
    ]


def test_a_mapping_that_only_looks_like_json_stands_for_itself() -> None:
    node = parse_yaml(b'{json: "no json"}', "x.yaml")

    assert value_of(node) == {"json": "no json"}
    assert text_of(node) is None
    assert text_of(parse_yaml(b"[1]", "x.yaml")) is None
    assert text_of(parse_yaml(b"1.20", "x.yaml")) == "1.20"
