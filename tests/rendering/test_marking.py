import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_making import PROMPT, Project, message, needed, prompt, text, user

from llmops.domain.prompt import Part, Placeholder, Prompt
from llmops.errors import LlmopsError
from llmops.loading.project import load_project
from llmops.loading.tree import WorkTree
from llmops.location import Location
from llmops.rendering.marking import lines_marked, mark_lines, without_marks

PIECES = st.sampled_from(
    [
        "plain words",
        "  more, set in",
        "",
        "{{ x }}",
        "  {{ x }}  ",
        "{{- x }} after",
        "before {{ x -}}",
        "{{- x -}}",
        "{% if x %}",
        "{% else %}",
        "{% endif %}",
        "{%- if x -%} yes {%- endif -%}",
        "{% for n in [1, 2] %}{{ n }},{% endfor %}",
        "{# nothing #}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% set y %}kept{% endset %}",
        "{{ y | default('') | upper }} and {",
    ]
)


def rendered(project: Project, made: Prompt, **inputs: object) -> str:
    messages = project.renderer.render(made, inputs).messages
    return json.dumps(messages, ensure_ascii=False)


def held(root: Project, file: str, name: str = "p", **inputs: object) -> tuple[set[int], set[int]]:
    """The lines of a prompt that have marks, and those that its messages hold."""
    root.write(f"prompts/{name}.yaml", file)
    loaded = load_project(WorkTree(root.root)).prompts[name]
    marked = mark_lines(loaded, file.splitlines())
    return set(marked.lines), lines_marked(rendered(root, marked.prompt, **inputs))


@given(pieces=st.lists(PIECES, max_size=6), x=st.sampled_from(["", "red", " a\nb "]))
def test_messages_without_their_marks_are_the_messages(
    pieces: list[str], x: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = Project(tmp_path_factory.getbasetemp())
    made = prompt(user("\n".join(pieces), line=1), inputs={"x": needed()})
    try:
        plain = rendered(project, made, x=x)
    except LlmopsError:  # pieces that make no template
        return

    marked = mark_lines(made, ["user: |", *(f"  {piece}" for piece in pieces)])

    assert without_marks(rendered(project, marked.prompt, x=x)) == plain


def test_only_lines_that_reach_a_message_show_their_marks(project: Project) -> None:
    file = (
        "version: 1.0.0\ninputs: {vip: {type: boolean}}\nsystem: |\n  You are kind.\n"
        "  {% if vip %}\n  Say thank you.\n  {{ vip }}\n  {% else %}\n  Be brief.\n  {% endif %}\n"
        "user: Go on.\n"
    )

    marked, guest = held(project, file, vip=False)
    _, friend = held(project, file, vip=True)

    assert marked == {4, 6, 7, 9, 11}
    assert guest == {4, 9, 11}
    assert friend == {4, 6, 7, 11}


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("user: >\n  one\n  two\n\n  three\n", {2, 3, 5}),
        ("user: >-\n  one\n  {{ x }}\n", {2, 3}),
        ('user: "one\n  two"\n', {1, 2}),
        ('user: "one \\u0041 two"\n', {1}),
        ("user: one\n  two {{ x }}\n", {1, 2}),
        ("messages:\n  - {role: user, content: 'it''s {{ x }}'}\n", {2}),
        ("messages:\n  - role: user\n    content:\n      - {type: text, text: one}\n", {4}),
        ("messages:\n  - role: user\n    content: |2\n        one\n      two\n", {4, 5}),
        ("user: |\r\n  one\r\n  two\r\n", {2, 3}),
        ("user: |\n  {{- x }}\n  {{ x -}}\n", {2, 3}),
        ("user: |\n  {{- x -}}\n  one\n", {3}),
        ("user: |\n  {% set y %}\n  not said\n  {% endset %}\n  said {{ x }}\n", {5}),
    ],
)
def test_each_way_to_write_a_text_is_found_in_the_file(
    project: Project, file: str, lines: set[int]
) -> None:
    marked, shown = held(project, file + "inputs: {x: {default: X}}\n")

    assert shown == lines
    assert marked >= lines


def test_text_of_other_files_has_no_marks(project: Project) -> None:
    project.write("prompts/part.md", "a part\n")
    project.write("prompts/base.yaml", "system: from the base\n")
    file = "extends: base\nuser: |\n  {% include 'part.md' %}\n  mine\n"

    marked, shown = held(project, file)

    assert (marked, shown) == ({4}, {4})


def test_what_is_no_text_is_left_as_it_is(project: Project) -> None:
    placed = Placeholder(input="history", at=Location(PROMPT, 3, 1))
    picture = Part(type="image", url=text("https://example.com/a.png", path=PROMPT))
    made = prompt(placed, message("user", picture))

    marked = mark_lines(made, ["a", "b", "c"])

    assert marked.prompt.messages == made.messages
    assert marked.lines == frozenset()
