import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import AT, case_of, suite_of

from llmops.domain.node import Text
from llmops.domain.suite import Step, Suite
from llmops.errors import InvalidInputError, NothingSelectedError
from llmops.running.planning.expressions import parse_expression
from llmops.running.planning.selection import (
    CaseFilter,
    Selection,
    choose_suites,
    parse_shard,
)

SUITES = [
    suite_of("refunds", prompts=(Text("reply", AT),)),
    suite_of("support", prompts=(Text("support/reply@main", AT),)),
    suite_of("support/triage", prompts=(Text("triage", AT),)),
    suite_of("support/deep/chain", steps=(Step(id="a", prompt=Text("triage", AT), at=AT),)),
]
CASES = [
    case_of("refunds", "angry-customer", "smoke", "must_pass"),
    case_of("refunds", "calm"),
    case_of("support", "hello", "smoke"),
    case_of("support/triage", "urgent[tone=formal]", "slow"),
    case_of("support/triage", "urgent[tone=friendly]"),
    case_of("support/deep/chain", "calm", "French"),
]


def chosen(*selectors: str, suites: list[Suite] = SUITES, **settings) -> list[str]:
    """What a selection leaves, as `suite::case`, the way a plan asks for it."""
    selection = Selection(selectors=selectors, **settings)
    left = choose_suites(suites, selection, "suites")
    picks = CaseFilter(selection, suites, "suites")
    names = {suite.name for suite in left}
    found = [f"{c.suite}::{c.id}" for c in CASES if c.suite in names and picks(c)]
    picks.check()
    return found


ALL = [f"{case.suite}::{case.id}" for case in CASES]
TRIAGE = ALL[3:5]


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ((), ALL),
        ((".",), ALL),
        (("suites",), ALL),
        (("suites/",), ALL),
        (("./suites/",), ALL),
        (("suites/refunds.yaml",), ALL[:2]),
        (("./suites/refunds.yaml",), ALL[:2]),
        (("suites\\refunds.yaml",), ALL[:2]),
        (("refunds",), ALL[:2]),
        (("support",), ALL[2:3]),
        (("support/",), ALL[3:]),
        (("suites/support/",), ALL[3:]),
        (("suites/support",), ALL[3:]),
        (("support/deep",), ALL[5:]),
        (("triage",), TRIAGE),
        (("support/triage", "refunds"), [*ALL[:2], *TRIAGE]),
        (("refunds::calm",), ALL[1:2]),
        (("suites/refunds.yaml::calm",), ALL[1:2]),
        (("::calm",), [ALL[1], ALL[5]]),
        (("triage::urgent",), TRIAGE),
        (("triage::urgent[tone=formal]",), ALL[3:4]),
        (("triage::urgent", "triage::urgent[tone=formal]"), TRIAGE),
        (("refunds::calm", "suites/refunds.yaml::calm"), ALL[1:2]),
        (("refunds::calm", "refunds"), ALL[:2]),
        (("refunds::calm", "support"), ALL[1:3]),
        (("tag:smoke",), [ALL[0], ALL[2]]),
        (("tag:smoke", "tag:slow"), [ALL[0], ALL[2], ALL[3]]),
        (("tag:smoke", "refunds"), ALL[:1]),
        (("tag:must_pass", "refunds::angry-customer"), ALL[:1]),
    ],
)
def test_each_form_of_a_selector_means_what_the_manual_says(selectors, expected) -> None:
    assert chosen(*selectors) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("reply", ALL[:2]),
        ("support/reply", ALL[2:3]),
        ("support/reply@main", ALL[2:3]),
        ("triage", ALL[3:]),
    ],
)
def test_suites_are_chosen_by_the_prompts_and_steps_they_use(prompt, expected) -> None:
    assert chosen(prompt=prompt) == expected


@pytest.mark.parametrize(
    ("selectors", "message", "hint"),
    [
        (("refund",), "no suite is called 'refund'", "did you mean 'refunds'?"),
        (("suites/refund.yaml",), "no suite is called 'suites/refund.yaml'", "suites/refunds.yaml"),
        (("xyz::calm",), "no suite is called 'xyz'", "'llmops suites' lists them"),
        (("refunds/",), "no suite is called 'refunds'", "refunds"),
        (("refunds::clam",), "no case is selected by 'refunds::clam'", "refunds::calm"),
        (("tag:smok",), "no case is selected by 'tag:smok'", "did you mean 'smoke'?"),
        (("tag:xyz",), "no case is selected by 'tag:xyz'", "'llmops suites' lists suites"),
        (("tag:smoke", "triage"), "no case is selected by 'tag:smoke'", "lists suites"),
    ],
)
def test_a_selector_of_nothing_is_told_with_the_nearest_word(selectors, message, hint) -> None:
    with pytest.raises(NothingSelectedError) as caught:
        chosen(*selectors)

    fault = caught.value.faults[0]
    assert (fault.message, caught.value.exit_code) == (message, 5)
    assert hint in str(fault.hint)


def test_all_selectors_of_nothing_are_told_at_once() -> None:
    with pytest.raises(NothingSelectedError) as caught:
        chosen("refunds::clam", "refunds::anger", "refunds::calm")

    assert [fault.message for fault in caught.value.faults] == [
        "no case is selected by 'refunds::anger'",
        "no case is selected by 'refunds::clam'",
    ]


def test_a_prompt_that_no_suite_uses_is_told_with_the_nearest() -> None:
    with pytest.raises(NothingSelectedError) as caught:
        chosen("refunds", prompt="replay")

    fault = caught.value.faults[0]
    assert fault.message == "no selected suite uses the prompt 'replay'"
    assert fault.hint == "did you mean 'reply'?"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("calm", [ALL[1], ALL[5]]),
        ("CALM and french", ALL[5:]),
        ("refunds and not calm", ALL[:1]),
        ("smoke or slow", [ALL[0], ALL[2], ALL[3]]),
        ("not (smoke or slow or calm)", ALL[4:5]),
        ("smoke and refunds or slow", [ALL[0], ALL[3]]),
        ("slow or smoke and refunds", [ALL[0], ALL[3]]),
        ("(slow or smoke) and refunds", ALL[:1]),
        ("not not calm", [ALL[1], ALL[5]]),
        ("not smoke and not triage and not french", ALL[1:2]),
        ("support/triage::urgent[tone=formal]", ALL[3:4]),
        ("AND", []),
    ],
)
def test_an_expression_reads_like_a_sentence(expression, expected) -> None:
    assert chosen(expression=expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "expected a word at character 1"),
        ("  ", "expected a word at character 3"),
        ("a and", "expected a word at character 6"),
        ("and a", "expected a word at character 1"),
        ("not", "expected a word at character 4"),
        ("a or or b", "expected a word at character 6"),
        ("(a", "expected ')' at character 3"),
        ("(a b)", "expected ')' at character 4"),
        ("a b", "expected 'and', 'or' or the end at character 3"),
        ("a)", "expected 'and', 'or' or the end at character 2"),
        ("()", "expected a word at character 2"),
        ("(" * 10_000, "more than 50 levels of 'not' and parentheses at character 51"),
        ("not " * 10_000 + "a", "more than 50 levels"),
    ],
)
def test_an_expression_that_cannot_be_read_is_shown_where_it_breaks(expression, words) -> None:
    with pytest.raises(InvalidInputError) as caught:
        chosen(expression=expression)

    assert words in caught.value.faults[0].message


TOKENS = st.sampled_from(["and", "or", "not", "(", ")", "a", "b", "smoke", "ß", "\0", " ", "(a"])


@given(st.text() | st.lists(TOKENS, max_size=30).map(" ".join))
def test_any_expression_is_a_condition_or_a_complaint(text: str) -> None:
    try:
        condition = parse_expression(text)
    except InvalidInputError as error:
        assert error.faults[0].hint  # noqa: PT017 - either end is right
    else:
        assert condition("suite::case smoke") in {True, False}


def expressions() -> st.SearchStrategy[tuple[str, object]]:
    """Expressions with what they come to for the words `a` and `b`."""
    words = st.sampled_from([("a", True), ("b", True), ("x", False), ("y", False)])

    def compound(inner):
        return st.one_of(
            inner.map(lambda e: (f"not ({e[0]})", not e[1])),
            st.tuples(inner, inner).map(
                lambda p: (f"({p[0][0]}) and ({p[1][0]})", p[0][1] and p[1][1])
            ),
            st.tuples(inner, inner).map(
                lambda p: (f"({p[0][0]}) or ({p[1][0]})", p[0][1] or p[1][1])
            ),
        )

    return st.recursive(words, compound, max_leaves=8)


@given(expressions())
def test_an_expression_comes_to_what_logic_says(expression) -> None:
    text, truth = expression

    assert parse_expression(text)("a b") == truth


@given(st.lists(st.sampled_from(["a", "x", "not a", "not x"]), min_size=1, max_size=6), st.data())
def test_without_parentheses_and_binds_before_or_and_not_before_both(words, data) -> None:
    joins = [data.draw(st.sampled_from(["and", "or"])) for _ in words[1:]]
    text = words[0] + "".join(f" {j} {w}" for j, w in zip(joins, words[1:], strict=True))

    python = text.replace("a", "True").replace("x", "False").replace("Truend", "and")

    assert parse_expression(text)("a") == eval(python)


@given(st.integers(0, 40), st.integers(1, 8))
def test_shards_are_disjoint_and_cover_everything(cases: int, parts: int) -> None:
    suites = [suite_of("many")]
    made = [case_of("many", str(number)) for number in range(cases)]

    shards = []
    for part in range(1, parts + 1):
        picks = CaseFilter(Selection(shard=(part, parts)), suites, "suites")
        shards.append([case.id for case in made if picks(case)])

    dealt = [case for shard in shards for case in shard]
    assert sorted(dealt) == sorted(case.id for case in made)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_deals_out_what_the_rest_of_the_selection_leaves() -> None:
    assert chosen("tag:smoke", shard=(1, 2)) == ALL[:1]
    assert chosen("tag:smoke", shard=(2, 2)) == ALL[2:3]


@pytest.mark.parametrize(("text", "shard"), [("1/1", (1, 1)), ("2/5", (2, 5)), ("05/5", (5, 5))])
def test_a_shard_is_read(text, shard) -> None:
    assert parse_shard(text) == shard


@pytest.mark.parametrize(
    "text",
    ["", "2", "0/5", "6/5", "-1/5", "2/0", "a/b", "2/5/7", " 2/5", "2/5\n", "1" * 5000 + "/2"],
)
def test_what_is_no_shard_is_told_how_to_be_one(text) -> None:
    with pytest.raises(InvalidInputError, match="is not a shard") as caught:
        parse_shard(text)

    assert caught.value.faults[0].hint == "write 2/5 for the second of five parts"


@given(st.text() | st.text("abcdefrunsupot/:.\\[]tag"))
def test_any_selector_selects_or_is_told_why_not(text: str) -> None:
    try:
        found = chosen(text)
    except NothingSelectedError as error:
        assert error.faults[0].hint  # noqa: PT017 - either end is right
    else:
        assert set(found) <= set(ALL)


def test_only_suites_that_are_reached_are_chosen_and_the_others_are_no_mistake() -> None:
    reached = frozenset({"refunds"})

    assert chosen(reached=reached) == ALL[:2]
    assert chosen("refunds::calm", "support", "support::hello", reached=reached) == ALL[1:2]
    assert chosen("support", reached=reached) == []


def test_a_tag_of_a_suite_that_is_not_reached_is_known() -> None:
    tagged = [*SUITES, suite_of("tagged", tags=("slow",))]
    reached = frozenset({"refunds"})

    assert chosen("tag:smoke", "tag:slow", suites=tagged, reached=reached) == ALL[:1]
    with pytest.raises(NothingSelectedError, match="no case is selected by 'tag:slwo'"):
        chosen("tag:smoke", "tag:slwo", suites=tagged, reached=reached)
