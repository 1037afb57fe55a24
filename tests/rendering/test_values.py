import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_making import SUITE, Project, text

from llmops.domain.node import Node, node_of
from llmops.errors import TemplateError
from llmops.loading.nodes import parse_yaml
from llmops.loading.tree import WorkTree
from llmops.rendering.templates import Templates
from llmops.rendering.values import compile_expression, is_templated, render_node, variables_of

ENTRY = b"""\
id: "{{ row.id }}"
inputs:
  email: |
    Dear team,
    {{ row.body }}
  score: "{{ row.score }}"
  tags: ["{{ row.tags }}", plain]
  version: 1.20
assert: {keep: [1, 2]}
"""
ROW = {"id": "t-1", "body": "{{ 7*7 }}", "score": 4.5, "tags": ["a", {"b": None}]}


def child(node: Node, *keys: str) -> Node:
    for key in keys:
        found = node.get(key)
        assert found is not None
        node = found
    return node


def test_every_text_with_a_tag_is_rendered_once(project: Project) -> None:
    node = parse_yaml(ENTRY, "suites/s.yaml")

    rendered = render_node(node, {"row": ROW}, project.templates)

    assert rendered.value == {
        "id": "t-1",
        "inputs": {
            "email": "Dear team,\n{{ 7*7 }}\n",
            "score": 4.5,
            "tags": [["a", {"b": None}], "plain"],
            "version": 1.2,
        },
        "assert": {"keep": [1, 2]},
    }


def test_places_and_spellings_are_kept(project: Project) -> None:
    node = parse_yaml(ENTRY, "suites/s.yaml")

    rendered = render_node(node, {"row": ROW}, project.templates)

    assert child(rendered, "inputs", "score").at == child(node, "inputs", "score").at
    assert child(rendered, "inputs", "version").typed == "1.20"
    assert [str(item.at) for item in child(rendered, "inputs", "tags").elements()] == [
        "suites/s.yaml:7:10",
        "suites/s.yaml:7:28",
    ]
    assert rendered.key_at("assert").line == 9


def test_what_holds_no_template_is_handed_back_itself(project: Project) -> None:
    node = parse_yaml(ENTRY, "suites/s.yaml")

    rendered = render_node(node, {"row": ROW}, project.templates)

    assert rendered.value["assert"] is node.value["assert"]
    assert render_node(child(node, "assert"), {}, project.templates) is not rendered
    plain = node_of(["a", {"b": "c"}, 1], SUITE)
    assert render_node(plain, {}, project.templates) is plain


def test_values_without_places_are_rendered_too(project: Project) -> None:
    node = node_of({"a": ["{{ row.id }}", {"b": "<{{ row.id }}>"}]}, SUITE)

    rendered = render_node(node, {"row": ROW}, project.templates)

    assert rendered.value == {"a": ["t-1", {"b": "<t-1>"}]}
    assert rendered.at == SUITE


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ row.n }}", 3),
        ("{{ row.n + 1 }}", 4),
        ("{{ row.n }} ", "3 "),
        ("{{ row.n }}{{ row.n }}", "33"),
        ("{{ row.all }}", [1, {"a": 2}]),
        ("{{ row.all|list }}", [1, {"a": 2}]),
        ("{{ row.all|map('string') }}", ["1", "{'a': 2}"]),
        ("{{ {'a': row.n, 2: (1, 2)} }}", {"a": 3, "2": [1, 2]}),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ row.none }}", None),
        ("{{ row.n > 2 }}", True),
        ("{{ row.text|upper }}", "X"),
        ("{{ row.nope|default(none) }}", None),
        ("{{ _result|default(5) }}", 5),
        ("{% if row.n %}3{% endif %}", "3"),
    ],
)
def test_one_expression_keeps_the_type_of_its_value(
    project: Project, template: str, expected: object
) -> None:
    row = {"n": 3, "all": [1, {"a": 2}], "none": None, "text": "x"}

    rendered = render_node(node_of(template, SUITE), {"row": row}, project.templates).value

    assert rendered == expected
    assert type(rendered) is type(expected)


def test_dates_become_text(project: Project) -> None:
    from datetime import date

    node = node_of("{{ row.day }}", SUITE)

    rendered = render_node(node, {"row": {"day": date(2026, 1, 2)}}, project.templates)

    assert rendered.value == "2026-01-02"


@pytest.mark.parametrize("template", ["{{ namespace(a=1) }}", "{{ [range(2), dict] }}"])
def test_only_plain_data_comes_out(project: Project, template: str) -> None:
    with pytest.raises(TemplateError, match="is no data"):
        render_node(node_of(template, SUITE), {}, project.templates)


@settings(deadline=None)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_value_comes_through_unchanged(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    templates = Templates(WorkTree(tmp_path_factory.getbasetemp()), "prompts")

    direct = render_node(node_of("{{ row.x }}", SUITE), {"row": {"x": value}}, templates)
    through_jinja = render_node(node_of("{{ (row.x) }}", SUITE), {"row": {"x": value}}, templates)

    assert direct.value == through_jinja.value == value


def test_a_misspelt_column_is_shown_where_it_stands(project: Project) -> None:
    node = parse_yaml(ENTRY, "suites/s.yaml")

    with pytest.raises(TemplateError) as caught:
        render_node(node, {"row": {"id": 1, "boddy": ""}}, project.templates)

    assert str(caught.value) == (
        "suites/s.yaml:5:1: 'row' has no 'body' [undefined-variable]\n  hint: did you mean 'boddy'?"
    )


def test_a_large_value_passes_but_does_not_grow(project: Project) -> None:
    large = "x" * (2**20 + 1)

    assert render_node(node_of("{{ x }}", SUITE), {"x": large}, project.templates).value == large
    with pytest.raises(TemplateError, match="grows larger"):
        render_node(node_of("{{ x ~ x }}", SUITE), {"x": large[:-1]}, project.templates)


def test_templates_in_a_value_are_known_before_it_is_rendered(project: Project) -> None:
    node = parse_yaml(ENTRY, "suites/s.yaml")

    places = {name: str(at) for name, at in variables_of(node, project.templates).items()}

    assert places == {"row": "suites/s.yaml:1:5"}
    assert is_templated(node)
    assert not is_templated(child(node, "assert"))
    assert not is_templated(node_of("{# only a comment #}", SUITE))


def test_a_broken_template_has_no_variables(project: Project) -> None:
    with pytest.raises(TemplateError, match=r"suites/s\.yaml:7:9: "):
        variables_of(node_of(["{{ x | }}"], SUITE), project.templates)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("row.lang == 'en'", True),
        ("row.n > 3 and row.lang in ['en', 'de']", True),
        ("row.n", True),
        ("not row.lang", False),
        ("row.tags|length > 5", False),
        ("row.nope is defined", False),
        ("row.lang.startswith('e')", True),
    ],
)
def test_a_condition_holds_or_not(expression: str, holds: bool) -> None:
    condition = compile_expression(text(expression))

    assert condition({"row": {"lang": "en", "n": 5, "tags": []}}) is holds


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("row.lang ==", "write it such as \"row.lang == 'en'\""),
        ("row.lang row.n", "'row' does not belong to the expression"),
        ("{{ row.lang }}", "hint: write it without '{{' and '}}'"),
        ("row|uper", "no filter is called 'uper' [unknown-filter]"),
    ],
)
def test_what_is_no_condition_is_refused(expression: str, expected: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_expression(text(expression))

    assert expected in str(caught.value)
    assert str(caught.value).startswith("suites/s.yaml:7:9: ")


def test_a_condition_that_fails_on_a_row_is_shown() -> None:
    condition = compile_expression(text("row.lnag == 'en'"))

    with pytest.raises(TemplateError) as caught:
        condition({"row": {"lang": "en"}})

    assert str(caught.value) == (
        "suites/s.yaml:7:9: 'row' has no 'lnag' [undefined-variable]\n  hint: did you mean 'lang'?"
    )


def test_a_condition_cannot_be_undefined_or_a_bomb() -> None:
    with pytest.raises(TemplateError, match="'nope' is not defined"):
        compile_expression(text("nope"))({})
    with pytest.raises(TemplateError, match="grows larger"):
        compile_expression(text("'a' * 10**9"))({})
