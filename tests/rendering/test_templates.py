import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_making import Project, text

from llmops.errors import TemplateError
from llmops.loading.tree import WorkTree
from llmops.rendering.templates import Templates

Render = Callable[..., str]


def complaint(project: Project, template: str, *, block: bool = True, **variables: object) -> str:
    with pytest.raises(TemplateError) as caught:
        project.templates.compile(text(template, block=block)).render(variables)
    return str(caught.value)


def test_tags_leave_no_blank_lines_and_the_last_newline_stays(render: Render) -> None:
    template = "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n"

    assert render(template, yes=True) == "a\n  b\nc\n"


def test_nothing_is_escaped(render: Render) -> None:
    assert render("{{ a }}{{ '<' ~ a }}", a='<b> & "c"') == '<b> & "c"<<b> & "c"'


def test_text_without_a_tag_stands_as_it_is(render: Render) -> None:
    assert render("100 % sure }} {x} # {") == "100 % sure }} {x} # {"


@pytest.mark.parametrize("template", ["a\r\nb", "a\r\n{{ x }}b", "a\rb"])
def test_newlines_are_the_same_in_every_clone(project: Project, template: str) -> None:
    rendered = project.render(template, x="")

    assert rendered == "a\nb"


def test_a_value_keeps_its_newlines(render: Render) -> None:
    assert render("{{ x }}|{{ x|upper }}", x="a\r\nb") == "a\r\nb|A\r\nB"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("x", "x"),
        (5, "5"),
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        ([1, "a"], "[1, 'a']"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_a_value_is_written_alike_alone_and_beside_text(
    render: Render, value: object, written: str
) -> None:
    assert render("{{ x }}", x=value) == written
    assert render("<{{ x }}>", x=value) == f"<{written}>"


@settings(deadline=None)
@given(value=st.text(), around=st.sampled_from(["{}", "a {} b", "{{% if 1 %}}{}{{% endif %}}"]))
def test_values_are_never_rendered_again(
    tmp_path_factory: pytest.TempPathFactory, value: str, around: str
) -> None:
    templates = Templates(WorkTree(tmp_path_factory.getbasetemp()), "prompts")
    nasty = value + "{{ 7*7 }}{% for i in range(3) %}" + value

    alone = templates.compile(text("{{ x }}")).render({"x": nasty})
    beside = templates.compile(text(around.format("{{ x }}"))).render({"x": nasty})

    assert alone == nasty
    assert nasty in beside


SIGNS = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            "a",
            "b",
            ".",
            "[",
            "]",
            "(",
            ")",
            "'",
            '"',
            "|",
            "upper",
            "join",
            "for",
            "in",
            "if",
            "endif",
            "endfor",
            "set",
            "=",
            "==",
            "~",
            "+",
            "*",
            "**",
            "%",
            "99",
            "1.5",
            "range",
            "include",
            "'p.md'",
            "macro",
            "endmacro",
            ",",
            "{",
            "}",
            ":",
            "not",
            "is",
            "else",
            "raw",
            "endraw",
            "block",
            "\\",
            "é",
            "{%-",
            "-%}",
            "elif",
            "import",
            "as",
            "from",
            "extends",
            "filter",
            "call",
            "do",
            "loop",
            "self",
            "caller",
            "super",
        ]
    ),
    max_size=30,
).map(" ".join)


@settings(deadline=None)
@given(template=st.one_of(st.text(), SIGNS, SIGNS.map(lambda inner: "{{" + inner + "}}")))
def test_any_text_is_a_template_or_a_placed_error(
    tmp_path_factory: pytest.TempPathFactory, template: str
) -> None:
    templates = Templates(WorkTree(tmp_path_factory.getbasetemp()), "prompts")

    paths: set[str | None] = {"suites/s.yaml"}
    try:
        rendered: object = templates.compile(text(template)).render({"a": {"b": [1]}, "b": "x"})
    except TemplateError as error:
        rendered = str(error)
        paths = {fault.at and fault.at.path for fault in error.faults}

    assert isinstance(rendered, str)
    assert paths == {"suites/s.yaml"}


@settings(deadline=None)
@given(
    name=st.sampled_from(["a", "a.b", "a.items", "a.b.c", "true", "self", "nope", "a._b", "range"]),
    value=st.one_of(
        st.none(),
        st.integers(),
        st.text(),
        st.dictionaries(st.sampled_from(["b", "items", "_b"]), st.text() | st.lists(st.none())),
        st.dictionaries(st.just("b"), st.dictionaries(st.just("c"), st.booleans())),
    ),
)
def test_looking_a_name_up_equals_what_jinja_does(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: object
) -> None:
    templates = Templates(WorkTree(tmp_path_factory.getbasetemp()), "prompts")

    def outcome(template: str) -> str:
        try:
            return templates.compile(text(template)).render({"a": value})
        except TemplateError as error:
            return str(error)

    assert outcome(f"{{{{ {name} }}}}") == outcome(f"{{{{ ({name}) }}}}")


@settings(deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "{{ a }}",
                "{{a.b}}",
                "{{ b }}",
                "{{ nope }}",
                "{{ not }}",
                "{",
                "}",
                " ",
                "\r\n",
                "\r",
            ]
        ),
        max_size=6,
    ),
    value=st.one_of(st.integers(), st.text(max_size=4), st.just({"b": "{{ b }}"})),
)
def test_text_and_names_are_put_together_as_jinja_does(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], value: object
) -> None:
    templates = Templates(WorkTree(tmp_path_factory.getbasetemp()), "prompts", max_output=150)

    def outcome(template: str) -> str:
        try:
            return templates.compile(text(template)).render({"a": value, "b": "long" * 15})
        except TemplateError as error:
            return str(error)

    assert outcome("".join([*pieces, "."])) == outcome("".join([*pieces, ".{# jinja's #}"]))


def test_a_mistake_in_a_block_is_shown_on_its_line(project: Project) -> None:
    assert complaint(project, "Hello\n\n{{ nmae }}", name="Bo") == (
        "suites/s.yaml:10:1: 'nmae' is not defined [undefined-variable]\n"
        "  hint: did you mean 'name'?"
    )


def test_a_mistake_in_a_plain_text_is_shown_where_the_text_stands(project: Project) -> None:
    found = complaint(project, "Hello {{ nmae }}", block=False)

    assert found == "suites/s.yaml:7:9: 'nmae' is not defined [undefined-variable]"


def test_a_misspelt_key_names_its_owner(project: Project) -> None:
    found = complaint(project, "{{ row.lable }}", row={"label": "x", "id": 1})

    assert found == (
        "suites/s.yaml:8:1: 'row' has no 'lable' [undefined-variable]\n"
        "  hint: did you mean 'label'?"
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ x }", "suites/s.yaml:8:1: unexpected '}' [template-syntax]"),
        ("\n{% if x %}", "suites/s.yaml:9:1: Unexpected end of template."),
        ("{% wat %}", "suites/s.yaml:8:1: Encountered unknown tag 'wat'. [template-syntax]"),
        (
            "{{ x|uper }}",
            "no filter is called 'uper' [unknown-filter]\n  hint: did you mean 'upper'?",
        ),
        (
            "{{ x is strnig }}",
            "no test is called 'strnig' [unknown-test]\n  hint: did you mean 'string'?",
        ),
        ("{{ x|random }}", "choose before it is rendered"),
        ("{% autoescape true %}{% endautoescape %}", "'autoescape' is not part of prompts"),
        ("{{ x.y.z }}", "'x' has no 'y' [undefined-variable]"),
        ("{{ ['a'][3] }}", "a list has no element 3 [undefined-variable]"),
        ("{{ {}.a }}", "a mapping has no 'a' [undefined-variable]"),
        ("{{ nope }}", "'nope' is not defined [undefined-variable]\n  hint: what is there: x"),
        ("{{ x + 1 }}", "rendering fails: "),
        ("{{ 1 / 0 }}", "rendering fails: division by zero [template-failed]"),
        ("{{ namespace }}", "rendering fails: a function is not text [template-failed]"),
        ("{% macro m() %}{% endmacro %}{{ m }}", "a macro is not text"),
        ("{% for i in [1] %}{{ loop }}{% endfor %}", "the loop is not text"),
        ("{{ x is none and super.a }}", "'super' is not defined"),
        ("{{ x.append(1) }}", "'x' has no 'append'"),
    ],
)
def test_a_complaint_names_place_and_way_out(
    project: Project, template: str, expected: str
) -> None:
    assert expected in complaint(project, template, x=None)


def test_a_long_list_of_names_is_cut(project: Project) -> None:
    names = {f"n{number}": 1 for number in range(20)}

    assert complaint(project, "{{ zzz }}", **names).endswith("n6, n7 …")


def test_a_long_complaint_is_cut(project: Project) -> None:
    found = complaint(project, "{{ x|int + y }}", x="5", y="z" * 10)
    longer = complaint(project, "{{ {}[x] }}", x="key " * 1000)

    assert "rendering fails" in found
    assert len(longer) < 300


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ x['__init__'] }}",
        "{{ [].__class__.__mro__ }}",
        "{{ range.__globals__ }}",
        "{{ namespace.__init__ }}",
        "{{ dict.fromkeys([1]) }}",
        "{{ self.__dict__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ (x.items).__self__ }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ '{0[__class__]}'.format('') }}",
        "{{ ''.format_map({}) }}",
        "{{ ''.join.__self__ }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
        "{{ [].append(1) }}",
        "{{ x.update({}) }}",
        "{{ x.pop('a') }}",
        "{{ (5).to_bytes(4) }}",
        "{{ ''.encode() }}",
        "{{ x() }}",
        "{{ call() }}",
    ],
)
def test_a_template_cannot_look_behind_values(project: Project, template: str) -> None:
    found = complaint(project, template, x={"a": 1}, call=lambda: "called")

    assert "[unsafe-template]" in found


@pytest.mark.parametrize("name", ["attr", "pprint", "wordwrap", "xmlattr", "urlize", "striptags"])
def test_a_filter_that_is_left_out_has_a_way_out(project: Project, name: str) -> None:
    found = complaint(project, f"{{{{ x|{name} }}}}", x="")

    assert "[unknown-filter]\n  hint: " in found


@pytest.mark.parametrize("name", ["lipsum", "cycler", "joiner", "environment", "context"])
def test_jinjas_own_toys_are_not_there(project: Project, name: str) -> None:
    assert "is not defined" in complaint(project, f"{{{{ {name} }}}}")


def test_a_column_may_be_called_like_a_method(render: Render) -> None:
    row = {"items": "a", "values": "b", "get": "c", "pop": "d"}

    assert render("{{ row.items }}{{ row.values }}{{ row.get }}", row=row) == "abc"
    assert render("[{{ row.items }}{{ row.pop }}]", row=row) == "[ad]"


def test_an_input_may_be_called_result_or_range(render: Render) -> None:
    assert render("{{ result }} {{ range }}", result="a", range="b") == "a b"


def test_macros_blocks_loops_and_namespaces_work(render: Render) -> None:
    template = (
        "{% macro tag(name) %}<{{ name }}>{{ caller() if caller is defined else '' }}</{{ name }}>{% endmacro %}"
        "{% call tag('a') %}x{% endcall %}{{ tag('b') }}"
        "{% block c %}[{{ x }}]{% endblock %}{{ self.c() }}"
        "{% set n = namespace(sum=0) %}{% for i in [1, 2, 3] if i != 2 %}"
        "{% set n.sum = n.sum + i %}{{ loop.cycle('-', '+') }}{% else %}none{% endfor %}{{ n.sum }}"
        "{% for k, v in {'p': 1}.items() %}{{ k }}{{ v }}{% endfor %}"
        "{% filter upper %}{% with y = x %}{{ y }}{% endwith %}{% endfilter %}"
        "{% set w %}{{ x }}!{% endset %}{{ w }}{{ x[0:1] }}{{ 'z' if not x }}"
    )

    assert render(template, x="q") == "<a>x</a><b></b>[q][q]-+4p1Qq!q"


def test_two_threads_render_without_disturbing_each_other(project: Project) -> None:
    template = project.templates.compile(
        text("{% for i in range(n) %}{% for j in range(99) %}{% endfor %}{% endfor %}{{ n }}")
    )
    outcomes: dict[int, str] = {}

    def render(number: int) -> None:
        try:
            outcomes[number] = template.render({"n": number})
        except TemplateError as error:
            outcomes[number] = error.faults[0].code

    threads = [threading.Thread(target=render, args=(n,)) for n in (99_999, 5, 98_888, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == {99_999: "template-limit", 98_888: "template-limit", 5: "5", 6: "6"}


def test_the_longest_text_can_be_set(project: Project) -> None:
    templates = Templates(project.tree, "prompts", max_output=10)

    assert templates.compile(text("{{ x }}")).render({"x": "a" * 10}) == "a" * 10
    with pytest.raises(TemplateError, match="larger than 10 characters"):
        templates.compile(text("{{ x }}")).render({"x": "a" * 11})
    with pytest.raises(TemplateError, match="more than 10 characters"):
        templates.compile(text("{{ x }}" * 5))


def test_many_templates_do_not_fill_the_memory(project: Project) -> None:
    templates = project.templates

    for number in range(5000):
        templates.compile(text(f"template {number}"))

    assert len(templates._ready) <= 4096


def test_a_template_is_compiled_once_for_all_its_places(project: Project) -> None:
    templates = project.templates

    first = templates.compile(text("{{ a }} {{ b }}", line=1))
    second = templates.compile(text("{{ a }} {{ b }}", line=2))

    assert first._ready is second._ready
    assert second.text.at.line == 2


def test_variables_have_the_place_of_their_first_use(project: Project) -> None:
    template = project.templates.compile(
        text("{% set own = 1 %}{{ own }}\n{{ a }}{% for x in b %}{{ x }}{% endfor %}\n{{ a }}")
    )

    places = {name: str(at) for name, at in template.variables.items()}

    assert places == {"a": "suites/s.yaml:8:1", "b": "suites/s.yaml:8:1"}


def test_a_plain_name_and_a_plain_text_know_their_variables(project: Project) -> None:
    templates = project.templates

    assert list(templates.compile(text("{{ row.name }}")).variables) == ["row"]
    assert templates.compile(text("no variables")).variables == {}
