from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import jsonschema
import pytest
from reading import node, shown

from llmops.domain.node import Node, Text, plain
from llmops.errors import Fault
from llmops.loading.shapes import (
    MISSING,
    Duration,
    entry,
    expected,
    json_schema,
    keys_of,
    read,
    read_value,
    shape_of,
)
from llmops.location import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    size: int = entry("How large.", minimum=1, maximum=9)
    colour: Literal["red", "green", 3] = entry("Which colour.", default="red")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str = entry("What it is called.")
    share: float = entry("How much.", key="part", default=0.5, minimum=0)
    inner: Inner | None = entry("What is inside.", default=None)
    words: tuple[str, ...] = entry("Some words.", default_factory=tuple)
    table: Mapping[str, int] = entry("Some numbers.", default_factory=dict)
    title: Text | None = entry("With its place.", default=None)
    wait: Duration = entry("How long.", default=Duration(1.0))
    loud: bool = entry("Whether to shout.", default=False)
    free: object = entry("Anything.", default=None)
    raw: Node | None = entry("As it stands.", default=None)
    either: str | tuple[str, ...] = entry("One or many.", default="")
    at: Location


def read_outer(text: str) -> tuple[Outer | None, list[str]]:
    faults: list[Fault] = []
    value = read(Outer, node(text), faults, what="a thing")
    return value, shown(faults)


def test_every_kind_of_value_is_read() -> None:
    text = (
        "name: 1.20\npart: 1\ninner: {size: 3, colour: green}\nwords: [a, 2]\n"
        "table: {x: 1}\ntitle: t\nwait: 200 ms\nloud: true\nfree: [1, {a: b}]\n"
        "raw: {c: d}\neither: [p, q]\nx-note: not read\n"
    )

    value, faults = read_outer(text)

    assert faults == []
    assert value == Outer(
        name="1.20",
        share=1.0,
        inner=Inner(size=3, colour="green"),
        words=("a", "2"),
        table={"x": 1},
        title=Text("t", Location("f.yaml", 6, 8)),
        wait=Duration(0.2),
        loud=True,
        free=[1, {"a": "b"}],
        raw=node(text).get("raw"),
        either=("p", "q"),
        at=Location("f.yaml", 1, 1),
    )


def test_what_is_not_given_has_its_default() -> None:
    value, faults = read_outer("name: a\ninner:\n")

    assert faults == []
    assert value == Outer(name="a", at=Location("f.yaml", 1, 1))


def test_all_faults_of_a_mapping_are_found_at_once() -> None:
    value, faults = read_outer(
        "part: -1\ninner: {size: 10, color: red}\nwords: a\ntable: [1]\nwait: 5 weeks\n"
        "loud: yes\neither: {a: b}\ntitle: [t]\nzzz: 1\n"
    )

    assert value is None
    assert faults == [
        "f.yaml:1:7: expected a number of 0 or more, not '-1' [wrong-type]",
        "f.yaml:2:15: expected a number of 9 or less, not '10' [wrong-type]",
        "f.yaml:2:19: 'color' is not a key of 'inner' [unknown-key]",
        "f.yaml:3:8: expected a list, not text ('a') [wrong-type]",
        "f.yaml:4:8: expected a mapping, not a list [wrong-type]",
        "f.yaml:5:7: expected a duration such as 5s, 200ms or 2m, not text ('5 weeks')"
        " [wrong-type]",
        "f.yaml:6:7: expected true or false, not text ('yes') [wrong-type]",
        "f.yaml:7:9: expected text or a list, not a mapping [wrong-type]",
        "f.yaml:8:8: expected text, not a list [wrong-type]",
        "f.yaml:9:1: 'zzz' is not a key of a thing [unknown-key]",
        "f.yaml:1:1: a thing needs 'name' [missing-key]",
    ]


def test_a_misspelt_key_is_not_lacking_as_well() -> None:
    _, faults = read_outer("nmae: a\n")

    assert faults == ["f.yaml:1:1: 'nmae' is not a key of a thing [unknown-key]"]


def test_what_is_no_mapping_is_told_the_keys() -> None:
    _, faults = read_outer("- name\n")

    assert faults == [
        "f.yaml:1:1: expected a mapping with name, part, inner, words, table, title, not a list"
        " [wrong-type]"
    ]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("200ms", 0.2),
        ("5s", 5.0),
        ("2 m", 120.0),
        ("1h", 3600.0),
        ("7d", 604800.0),
        ("' 3s '", 3.0),
    ],
)
def test_a_duration_is_seconds(written: str, seconds: float) -> None:
    assert read_value(Duration, node(written), []) == seconds


@pytest.mark.parametrize("written", ["-1", "5x", "s", "''", "true", "~", "[1]"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    faults: list[Fault] = []

    value = read_value(Duration, node(written), faults)

    assert value is MISSING
    assert len(faults) == 1


def test_a_number_too_large_to_hold_is_no_number() -> None:
    faults: list[Fault] = []

    values = [read_value(kind, node("9" * 310), faults) for kind in (float, Duration)]
    values += [read_value(float, Node(10**400, "f.yaml", 0), faults)]

    assert values == [MISSING, MISSING, MISSING]


@pytest.mark.parametrize(("kind", "written"), [(int, "1.5"), (int, "true"), (float, "'1'")])
def test_a_number_is_not_guessed(kind: type, written: str) -> None:
    faults: list[Fault] = []

    assert read_value(kind, node(written), faults) is MISSING
    assert faults[0].hint


def test_a_choice_is_taken_as_typed_or_as_meant() -> None:
    choices = Literal["red", 3]

    assert read_value(choices, node("red"), []) == "red"
    assert read_value(choices, node("3"), []) == 3
    faults: list[Fault] = []
    assert read_value(choices, node("reed"), faults) is MISSING
    assert read_value(choices, node("[red]"), faults) is MISSING
    assert [fault.hint for fault in faults] == ["did you mean 'red'?", "write 'red'"]


@dataclass(frozen=True)
class Kept:
    size: int
    at: Location


@shape_of(Kept, "a kept thing")
class Written:
    size: int = entry(
        "An even number.",
        then=lambda size, where, faults: (
            size if size % 2 == 0 else expected(where, "an even number", faults)
        ),
        schema={"type": "integer", "multipleOf": 2},
    )


def test_a_value_of_the_domain_is_read_by_the_shape_it_is_written_in() -> None:
    faults: list[Fault] = []

    value = read(Kept, node("size: 4"), faults)

    assert value == Kept(size=4, at=Location("f.yaml", 1, 1))
    assert keys_of(Kept) == ("size",)
    assert json_schema(Kept)["properties"]["size"]["multipleOf"] == 2


def test_a_check_of_a_key_is_made_after_it_was_read() -> None:
    faults: list[Fault] = []

    assert read(Kept, node("size: 3"), faults) is None
    assert read(Kept, node("size: x"), faults) is None
    assert read(Kept, node("{}"), faults) is None
    assert shown(faults) == [
        "f.yaml:1:7: expected an even number, not '3' [wrong-type]",
        "f.yaml:1:7: expected a whole number, not text ('x') [wrong-type]",
        "f.yaml:1:1: a kept thing needs 'size' [missing-key]",
    ]


def test_a_warning_does_not_refuse_a_value() -> None:
    @dataclass(frozen=True)
    class Old:
        size: int = entry("", then=lambda size, _node, faults: faults.append(WARNING) or size)

    faults: list[Fault] = []

    assert read(Old, node("size: 3"), faults) == Old(size=3)
    assert faults == [WARNING]


WARNING = Fault(code="old", message="this is old", severity="warning")


def test_a_type_that_cannot_be_read_is_our_own_fault() -> None:
    with pytest.raises(TypeError, match="no reader for"):
        read_value(set, node("a"), [])


WELL = [
    "name: a",
    "name: 1.2\npart: 3\ninner: {size: 3}\nwords: [a]\nwait: 5s\nloud: true\nx-y: 1",
    "name: a\neither: b\ninner:\ntable: {a: 1}",
]
WRONG = [
    "part: 1",
    "name: a\nnmae: b",
    "name: a\ninner: {size: 10}",
    "name: [a]",
    "name: a\nwait: x",
]


@pytest.mark.parametrize("text", WELL)
def test_the_schema_takes_what_the_reader_takes(text: str) -> None:
    _, faults = read_outer(text)

    jsonschema.Draft7Validator(json_schema(Outer)).validate(plain(node(text).value))
    assert not faults


@pytest.mark.parametrize("text", WRONG)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    _, faults = read_outer(text)

    assert not jsonschema.Draft7Validator(json_schema(Outer)).is_valid(plain(node(text).value))
    assert faults


def test_a_field_without_a_word_about_it_is_a_key_all_the_same() -> None:
    @dataclass(frozen=True)
    class Bare:
        size: int
        made: str = field(default="", init=False)

    assert json_schema(Bare)["properties"] == {"size": {"type": "integer"}}
    assert read(Bare, node("size: 3"), []) == Bare(size=3)


def test_the_schema_says_what_each_key_means() -> None:
    schema = json_schema(Outer)

    assert schema["required"] == ["name"]
    assert schema["properties"]["part"] == {
        "type": "number",
        "description": "How much.",
        "minimum": 0,
    }
    assert "at" not in schema["properties"]


def test_twenty_unknown_keys_of_one_mapping_are_enough() -> None:
    _, faults = read_outer("name: a\n" + "".join(f"key{number}: 1\n" for number in range(50_000)))

    assert len(faults) == 20
