import pytest
from prompt_making import Project, text

from llmops.errors import TemplateError


def faults(project: Project, template: str, **variables: object) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        project.templates.compile(text(template, block=True)).render(variables)
    return [str(fault) for fault in caught.value.faults]


def test_a_partial_is_found_below_the_prompts_folder(project: Project) -> None:
    project.write("prompts/partials/refund.md", "Refunds for {{ name }}.\n")

    rendered = project.render('{% include "partials/refund.md" %}Bye', name="Bo")

    assert rendered == "Refunds for Bo.\nBye"


def test_a_partial_of_a_windows_clone_renders_alike(project: Project) -> None:
    project.write("prompts/a.md", b"\xef\xbb\xbfone\r\ntwo {{ x }}\r\n")

    assert project.render("{% include 'a.md' %}", x=1) == "one\ntwo 1\n"


def test_a_partial_can_be_imported_and_extended(project: Project) -> None:
    project.write("prompts/m.md", "{% macro hi(n) %}Hi {{ n }}{% endmacro %}")
    project.write("prompts/base.md", "<{% block body %}old{% endblock %}>")

    imported = project.render("{% import 'm.md' as m %}{{ m.hi('Bo') }}")
    named = project.render("{% from 'm.md' import hi as hello %}{{ hello('Al') }}")
    extended = project.render(
        "{% extends 'base.md' %}{% block body %}{{ super() }} new{% endblock %}"
    )

    assert (imported, named, extended) == ("Hi Bo", "Hi Al", "<old new>")


def test_a_missing_partial_is_shown_with_the_nearest_one(project: Project) -> None:
    project.write("prompts/partials/refund-policy.md", "")
    project.write("prompts/partials/refund-police.yaml", "")

    found = faults(project, "Hello\n{% include 'partials/refund-polici.md' %}")

    assert found == [
        "suites/s.yaml:9:1: there is no partial 'partials/refund-polici.md' [missing-partial]\n"
        "  hint: did you mean 'partials/refund-policy.md'?"
    ]


def test_a_missing_partial_without_a_near_one_says_what_to_create(project: Project) -> None:
    found = faults(project, "{% include 'x.md' %}")

    assert found[0].endswith("[missing-partial]\n  hint: create 'prompts/x.md'")


def test_all_missing_partials_are_shown(project: Project) -> None:
    found = faults(project, "{% include 'x.md' %}\n{% import 'y.md' as y %}")

    assert [words.split(" [")[0] for words in found] == [
        "suites/s.yaml:8:1: there is no partial 'x.md'",
        "suites/s.yaml:9:1: there is no partial 'y.md'",
    ]


def test_a_missing_partial_may_be_ignored(project: Project) -> None:
    project.write("prompts/b.md", "B")

    assert project.render("a{% include 'x.md' ignore missing %}") == "a"
    assert project.render("{% include ['x.md', 'b.md'] %}") == "B"


@pytest.mark.parametrize("name", ["../secret.md", "/etc/passwd", "a/../../b", "a\\b", "", "./a"])
def test_a_partial_never_lies_outside(project: Project, name: str) -> None:
    project.write("secret.md", "secret")
    quoted = name.replace("\\", "\\\\")

    found = faults(project, f"{{% include '{quoted}' %}}")

    assert "suites/s.yaml:8:1: " in found[0]
    assert "[unsafe-path]" in found[0]


def test_a_link_out_of_the_project_is_not_followed(project: Project) -> None:
    outside = project.root.parent / "outside.md"
    outside.write_text("secret")
    project.write("prompts/a.md", "")
    (project.root / "prompts/link.md").symlink_to(outside)

    found = faults(project, "{% include 'link.md' %}")

    assert found[0].startswith("suites/s.yaml:8:1: ")
    assert "[symlink]" in found[0]


def test_a_partial_that_is_not_text_is_refused(project: Project) -> None:
    project.write("prompts/a.md", b"\xff\xfe")

    assert (
        "the partial 'a.md' is not UTF-8 text [encoding]"
        in faults(project, "{% include 'a.md' %}")[0]
    )


@pytest.mark.parametrize(
    "tag",
    ["{% include name %}", "{% include 'a' ~ '.md' %}", "{% import x as y %}", "{% extends [] %}"],
)
def test_which_partial_must_be_plain(project: Project, tag: str) -> None:
    found = faults(project, f"\n{tag}", name="a.md")

    assert found == [
        "suites/s.yaml:9:1: which file to include is not plain [dynamic-include]\n"
        "  hint: write the file's name in quotes, and choose with {% if %}"
    ]


def test_partials_that_include_each_other_are_refused(project: Project) -> None:
    project.write("prompts/a.md", "\n{% include 'b.md' %}")
    project.write("prompts/b.md", "\n\n{% include 'a.md' %}")

    assert faults(project, "{% include 'a.md' %}") == [
        "prompts/b.md:3:1: the partials include each other in a circle: a.md → b.md → a.md"
        " [circular-partial]\n  hint: take one of them out"
    ]


def test_a_mistake_in_a_partial_is_shown_in_its_file(project: Project) -> None:
    project.write("prompts/bad.md", "fine\n{{ x| }}")
    project.write("prompts/wrong.md", "fine\n\n{{ nmae }}")

    assert faults(project, "{% include 'bad.md' %}")[0].startswith("prompts/bad.md:2:1: ")
    assert faults(project, "\n{% include 'wrong.md' %}", name=1) == [
        "prompts/wrong.md:3:1: 'nmae' is not defined [undefined-variable]\n"
        "  hint: did you mean 'name'?"
    ]


def test_an_unknown_filter_in_a_partial_is_shown_in_its_file(project: Project) -> None:
    project.write("prompts/a.md", "\n{{ x|uper }}")

    assert faults(project, "{% include 'a.md' %}")[0].startswith("prompts/a.md:2:1: no filter")


def test_a_name_that_a_partial_does_not_export_is_shown(project: Project) -> None:
    project.write("prompts/m.md", "{% macro hi() %}{% endmacro %}")

    found = faults(project, "{% from 'm.md' import ho %}{{ ho() }}")

    assert "does not export the requested name 'ho'" in found[0]


def test_a_template_knows_its_partials_and_their_variables(project: Project) -> None:
    project.write("prompts/a.md", "\n{{ inner }}{{ own }}{% include 'b.md' %}")
    project.write("prompts/b.md", "{{ deep }}")
    project.write("prompts/m.md", "{% macro m() %}{{ hidden }}{% endmacro %}")

    template = project.templates.compile(
        text("{% set own = 1 %}{% import 'm.md' as m %}{% include 'a.md' %}{{ outer }}")
    )

    assert template.partials == ("m.md", "a.md", "b.md")
    assert {name: str(at) for name, at in template.variables.items()} == {
        "deep": "prompts/b.md:1:1",
        "inner": "prompts/a.md:2:1",
        "outer": "suites/s.yaml:7:9",
    }


def test_a_project_may_keep_its_prompts_at_the_root(project: Project) -> None:
    from llmops.rendering.templates import Templates

    project.write("a.md", "A")
    templates = Templates(project.tree, "")

    assert templates.compile(text("{% include 'a.md' %}")).render({}) == "A"
    with pytest.raises(TemplateError, match=r"a\.md"):
        templates.compile(text("{% include 'b.md' %}"))
