import pytest
from reading import node, shown

from llmops.domain.suite import Assertion
from llmops.errors import Fault
from llmops.loading.assertions import read_assertion, read_assertions
from llmops.location import Location


def one(text: str) -> tuple[Assertion | None, list[str]]:
    faults: list[Fault] = []
    read = read_assertion(node(text), faults)
    return read, shown(faults)


def test_one_key_names_the_scorer_and_the_others_are_common_to_all() -> None:
    read, faults = one(
        "weight: 2\ncontains: refund\nmetric: tone\nsoft: true\non: json.a.b\nname: 1.50\nx-why: y\n"
    )

    assert faults == []
    assert read is not None
    assert (read.scorer, read.arguments.value) == ("contains", "refund")
    assert (read.metric, read.weight, read.soft, read.on) == ("tone", 2.0, True, "json.a.b")
    assert read.name == "1.50"
    assert read.at == Location("f.yaml", 2, 1)
    assert read.arguments.at == Location("f.yaml", 2, 11)


def test_a_scorer_without_arguments_may_stand_alone() -> None:
    read, faults = one("is_json")

    assert faults == []
    assert read is not None
    assert (read.scorer, read.arguments.kind) == ("is_json", "nothing")
    assert (read.weight, read.soft, read.on) == (1.0, False, "")


def test_a_lone_scorer_is_read_like_one_with_common_keys() -> None:
    alone, labelled = one("contains: 1.50\n"), one("contains: 1.50\nsoft: false\n")

    assert alone == labelled


@pytest.mark.parametrize(
    "pick", ["text", "json", "json.a", "reasoning", "tool_calls", "usage", "cost", "latency"]
)
def test_everything_that_can_be_judged_can_be_picked(pick: str) -> None:
    read, faults = one(f"contains: a\non: {pick}\n")

    assert faults == []
    assert read is not None
    assert read.on == pick


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("12", ["f.yaml:1:1: expected an assertion such as 'contains: refund', not '12'"]),
        ("x-note: 1", ["f.yaml:1:1: the assertion names no scorer"]),
        ("soft: true", ["f.yaml:1:1: the assertion names no scorer"]),
        ("contains: a\non: json.\n", ["f.yaml:2:5: 'json.' cannot be judged"]),
        (
            "contains: a\nmatches: b\nequals: c\n",
            [
                "f.yaml:2:1: the assertion names two scorers: 'contains' and 'matches'",
                "f.yaml:3:1: the assertion names two scorers: 'contains' and 'equals'",
            ],
        ),
        (
            "contains: a\nwieght: 1\nsoft: 3\n",
            [
                "f.yaml:2:1: 'wieght' is not a key of an assertion",
                "f.yaml:3:7: expected true or false, not '3'",
            ],
        ),
        (
            "wieght: 1\nmteric: a\n",
            [
                "f.yaml:1:1: 'wieght' is not a key of an assertion",
                "f.yaml:2:1: 'mteric' is not a key of an assertion",
                "f.yaml:1:1: the assertion names no scorer",
            ],
        ),
    ],
)
def test_a_wrong_assertion_is_shown_where_it_is_wrong(text: str, faults: list[str]) -> None:
    read, found = one(text)

    assert read is None
    assert [fault.rpartition(" [")[0] for fault in found] == faults


def test_the_good_assertions_of_a_list_are_read_beside_the_wrong_ones() -> None:
    faults: list[Fault] = []

    read = read_assertions(node("- contains: a\n- soft: true\n- is_json\n"), faults)

    assert [assertion.scorer for assertion in read] == ["contains", "is_json"]
    assert len(faults) == 1


def test_an_assertion_with_a_crowd_of_keys_is_complained_of_twenty_times_at_most() -> None:
    _, faults = one("contains: a\n" + "".join(f"key{number}: 1\n" for number in range(50_000)))

    assert len(faults) == 19
    assert all("names two scorers: 'contains' and" in fault for fault in faults)
