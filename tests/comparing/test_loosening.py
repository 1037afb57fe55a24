import pytest

from llmops.comparing.loosening import losses, shown
from llmops.domain.suite import Assertion
from llmops.loading.assertions import read_assertions
from llmops.loading.nodes import parse_yaml


def assertions(text: str) -> tuple[Assertion, ...]:
    return tuple(read_assertions(parse_yaml(text.encode(), "suites/s.yaml"), []))


def kinds(before: str, after: str) -> list[str]:
    return [loss.kind for loss in losses(assertions(before), assertions(after))]


LOOSENED = [
    ("[contains: a]", "[{contains: a, soft: true}]"),
    ("[{contains: a, weight: 2}]", "[{contains: a, weight: 1}]"),
    ("[contains: refund]", "[contains: e]"),
    ("[contains: a]", "[not: {contains: a}]"),
    ("[not: {contains: a}]", "[contains: a]"),
    ("[length: {max: 100}]", "[length: {max: 200}]"),
    ("[length: {min: 20, max: 100}]", "[length: {max: 100}]"),
    ("[length: {min: 20}]", "[length: {min: 5}]"),
    ("[similar: {to: x, threshold: 0.8}]", "[similar: {to: x, threshold: 0.5}]"),
    ("[similar: {to: x, max_distance: 2}]", "[similar: {to: x, max_distance: 9}]"),
    ("[max_latency: 5s]", "[max_latency: 1m]"),
    ("[max_latency: 900ms]", "[max_latency: 2s]"),
    ("[max_cost: 0.1]", "[max_cost: 1]"),
    ("[at_least: {n: 2, of: [{contains: a}, {contains: b}]}]",
     "[at_least: {n: 1, of: [{contains: a}, {contains: b}]}]"),
    ("[any_of: [{contains: a}]]", "[any_of: [{contains: a}, {contains: b}]]"),
    ("[all_of: [{contains: a}, {contains: b}]]", "[all_of: [{contains: a}]]"),
    ("[not: {length: {max: 5}}]", "[not: {length: {max: 2}}]"),
]  # fmt: skip
TIGHTENED_OR_CHANGED = [
    ("[contains: e]", "[contains: refund]"),
    ("[contains: a]", "[contains: b]"),
    ("[length: {max: 200}]", "[length: {max: 100}]"),
    ("[length: {max: 200}]", "[length: {max: 200, min: 1}]"),
    ("[length: {max: 200}]", "[length: {max: 200, unit: words}]"),
    ("[max_latency: 5s]", "[max_latency: 1s]"),
    ("[max_latency: 5s]", "[max_latency: x]"),
    ("[matches: a]", "[matches: b]"),
    ("[contains: a]", "[{contains: a, on: json.x}]"),
    ("[{contains: a, metric: tone}]", "[contains: a]"),
    ("[any_of: [{contains: a}, {contains: b}]]", "[any_of: [{contains: a}]]"),
    ("[any_of: [{contains: a}]]", "[any_of: [{contains: b}]]"),
    ("[not: {contains: a}]", "[not: {matches: a}]"),
    ("[not: refusal]", "[not: {refusal: true}]"),
    ("[length: {max: true}]", "[length: {max: 5}]"),
]


@pytest.mark.parametrize(("before", "after"), LOOSENED)
def test_what_asks_for_less_is_loosened(before: str, after: str) -> None:
    assert kinds(before, after) == ["assertion_loosened"]


@pytest.mark.parametrize(("before", "after"), TIGHTENED_OR_CHANGED)
def test_what_asks_for_more_or_for_something_else_is_changed(before: str, after: str) -> None:
    assert kinds(before, after) == ["assertion_changed"]


def test_what_is_gone_is_removed_and_what_came_is_not_named() -> None:
    found = losses(assertions("[contains: a, contains: b]"), assertions("[contains: b, json]"))

    assert [(loss.kind, loss.what) for loss in found] == [
        ("assertion_removed", 'contains: "a" was removed')
    ]
    assert found[0].at.line == 1


@pytest.mark.parametrize("same", ["[contains: a, contains: b]", "[contains: b, contains: a]"])
def test_the_order_does_not_count(same: str) -> None:
    assert kinds("[contains: a, contains: b]", same) == []


def test_one_of_two_equal_assertions_that_is_gone_is_named() -> None:
    assert kinds("[contains: a, contains: a]", "[contains: a]") == ["assertion_removed"]


def test_an_assertion_is_held_against_the_one_that_is_most_like_it() -> None:
    found = losses(
        assertions("[contains: one, {contains: two, on: json.x}]"),
        assertions("[{contains: twofold, on: json.x}, {contains: one, soft: true}]"),
    )

    assert [loss.what for loss in found] == [
        'contains: "one" was made soft, so it fails nothing',
        'contains: "two" became contains: "twofold"',
    ]


def test_more_weight_alone_is_no_loss() -> None:
    assert kinds("[{contains: a, weight: 1}]", "[{contains: a, weight: 2}]") == []


def test_long_arguments_are_cut() -> None:
    (assertion,) = assertions(f"[contains: {'a' * 200}]")

    assert len(shown(assertion)) < 100
