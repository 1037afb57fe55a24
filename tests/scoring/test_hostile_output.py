import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.domain.completion import Completion, ToolCall
from llmops.loading.assertions import read_assertions
from llmops.loading.nodes import parse_yaml
from llmops.scoring.assess import assess, build
from llmops.scoring.registry import BUILT_IN, ScorerResources, kinds

EACH = """
- equals: refund
- equals: {text: refund, ignore_case: true, trim: true}
- contains: refund
- starts_with: {text: Refund, ignore_case: true}
- ends_with: refund
- contains_any: [refund, money]
- contains_all: [refund, money]
- matches: "re.und"
- matches: {pattern: "(?i)refund|money", full: true}
- similar: We will refund you.
- similar: {to: We will refund you., method: partial}
- similar: {to: We will refund you., method: token_set}
- similar: {to: We will refund you., method: levenshtein, max_distance: 5}
- is_json
- json_schema: {type: object, required: [a], properties: {a: {pattern: "^a+$"}}}
- json_schema: {type: array, uniqueItems: true}
- json_equals: {path: a.0, value: 1, tolerance: 0.5}
- is_xml
- is_xml: [a/b]
- is_html
- is_html: {whole: false}
- is_sql
- is_sql: {tables: [orders]}
- length: {max: 100}
- length: {max: 100, unit: words}
- length: {max: 100, unit: sentences}
- length: {max: 100, unit: lines}
- length: {max: 100, unit: paragraphs}
- language: en
- refusal
- no_pii
- python: checks.py:is_short
- max_latency: 5s
- max_cost: 1
- max_tokens: 100
- finish_reason: stop
- not: {contains: refund}
- any_of: [{contains: refund}, refusal]
- all_of: [{contains: refund}, refusal]
- at_least: {n: 1, of: [{contains: refund}, refusal]}
- equals: x
  on: json.a.0
- contains: x
  on: tool_calls
- contains: x
  on: reasoning
"""


@pytest.fixture(scope="session")
def each(resources: ScorerResources):
    """Every scorer, in most of its manners."""
    faults = []
    assertions = read_assertions(parse_yaml(EACH.encode(), "suite.yaml"), faults)
    assert not faults
    return [build(assertion, resources) for assertion in assertions]


def verdicts(each, text: str, **fields) -> dict[str, str]:
    """What each scorer says. None breaks, and every reason is one that can be shown."""
    scores = assess(each, Completion(text=text, **fields), {"a": 1}, {"b": 2})
    broken = [score for score in scores if "a bug in it" in score.score.reason]
    assert not broken
    assert all(0.0 <= score.score.value <= 1.0 for score in scores)
    assert all(len(score.score.reason) < 2_000 for score in scores)
    return {score.label: score.score.status for score in scores}


def test_every_scorer_is_among_them(each) -> None:
    own = {name for name, kind in kinds().items() if kind.cls.__module__ in BUILT_IN}

    assert {ready.assertion.scorer for ready in each} == own


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("refund " * 1_500_000, id="10 MB of words"),
        pytest.param("x" * 10_000_000, id="10 MB of one letter"),
        pytest.param("\n" * 10_000_000, id="10 MB of line breaks"),
        pytest.param("refund. " * 1_300_000, id="10 MB of sentences"),
        pytest.param("[" * 10_000_000, id="10 MB of brackets"),
        pytest.param("[" + "{}," * 3_000_000 + "1]", id="10 MB of objects"),
        pytest.param("<b>" * 3_000_000, id="10 MB of tags"),
        pytest.param("-" * 10_000_000, id="10 MB of dashes"),
    ],
)
def test_ten_megabytes_are_judged_or_said_to_be_too_many(each, text: str) -> None:
    said = verdicts(each, text)

    assert said["is_xml"] == said["is_html"] == said["is_sql"] == "unscored"
    assert said["length {max: 100}"] == "failed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ud800",
        '{"a": ["\\ud800", "\udfff"]}',
        "<a>\ud800</a>",
        "NaN",
        '{"a": [NaN]}',
        "-Infinity",
        '{"a": [1e999]}',
        f'{{"a": [{"9" * 5000}]}}',
        f'{{"a": [{"9" * 4000}]}}',
        "[" * 3000 + "]" * 3000,
        "[" * 99 + "]" * 99,
        '{"a": {"a": ' * 49 + "1" + "}}" * 49,
        "<a>" * 5000 + "</a>" * 5000,
        "SELECT " + "(" * 3000,
        "\x00",
        "\x1b[2J\x07",
        "\u202eabc\u2066",
        "\ufeff{}",
        "a\u0301" * 1000,
        "\U000e0041" * 100,
        "﷽" * 1000,
        "::error::x\r\n##[group]",
        "'" * 1000,
        '"' * 1001,
        "{{ 7*7 }}",
        "%s %d {0} {name}",
    ],
)
def test_odd_output_breaks_no_scorer(each, text: str) -> None:
    said = verdicts(each, text, reasoning=text, tool_calls=(ToolCall(name=text, arguments=text),))

    assert len(said) > 30


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Z", "C"]), max_size=80))
@settings(max_examples=60)
def test_no_text_breaks_a_scorer(each, text: str) -> None:
    assert verdicts(each, text)


@given(st.text(alphabet="<>[]{}()\"'\\/:;,.!?&#@-+*=%$ \n\t0123456789aeinrst", max_size=80))
def test_no_punctuation_breaks_a_scorer(each, text: str) -> None:
    assert verdicts(each, text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ).filter(lambda value: value is not None)
)
@settings(max_examples=60)
def test_nothing_that_an_application_returns_breaks_a_scorer(each, value) -> None:
    assert verdicts(each, "", output=value)


def test_an_empty_output_passes_only_what_it_should(each) -> None:
    said = verdicts(each, "")

    assert {label for label, status in said.items() if status == "passed"} == {
        "length {max: 100}",
        "length {max: 100, unit: words}",
        "length {max: 100, unit: sentences}",
        "length {max: 100, unit: lines}",
        "length {max: 100, unit: paragraphs}",
        "no_pii",
        "python 'checks.py:is_short'",
        "not contains 'refund'",
    }
