"""Values of a suite whose texts are templates: rows and inputs in, plain values out."""

import functools
from collections.abc import Callable, Iterator, Mapping

from jinja2 import Template, TemplateNotFound
from msgspec.structs import replace

from llmops.domain.node import Node, PlacedList, PlacedMapping, Text
from llmops.errors import TemplateError
from llmops.location import Location
from llmops.rendering.compiling import ProblemsError, compile_sole_expression
from llmops.rendering.complaints import (
    place_of,
    problem_in_rendering,
    problems_in_source,
    template_error,
)
from llmops.rendering.environment import Sandbox
from llmops.rendering.ready import carry_out
from llmops.rendering.rewriting import Problem
from llmops.rendering.templates import Templates


def render_node(node: Node, context: Mapping[str, object], templates: Templates) -> Node:
    """Render every text in a value that holds a tag.

    A text that is exactly one `{{ expression }}` becomes the expression's value, whatever its
    type; any other becomes text. Keys are left alone, and every place is kept.

    Args:
        node: The value as the suite states it.
        context: The variables.
        templates: Where partials are found.

    Returns:
        The rendered value; the node itself if nothing in it is a template.

    Raises:
        TemplateError: A template is wrong, or cannot be rendered with these variables.
    """
    rendered = _rendered(node, context, templates)
    return node if rendered is node.value else Node(rendered, node.path, node.mark)


def is_templated(node: Node) -> bool:
    """Whether any text in a value is a template."""
    return _holds_template(node.value)


def variables_of(node: Node, templates: Templates) -> Mapping[str, Location]:
    """Each variable that the templates in a value read, with its first place.

    Raises:
        TemplateError: One of them cannot be compiled.
    """
    found: dict[str, Location] = {}
    for child in _templates_in(node):
        try:
            uses = templates.ready(child.value, value=True).reach.variables
        except ProblemsError as error:
            raise template_error(error.problems, child.text, templates.folder) from None
        for name, use in uses.items():
            found.setdefault(name, place_of(child.text, templates.folder, *use))
    return found


def compile_expression(text: Text) -> Callable[[Mapping[str, object]], bool]:
    """Compile a condition such as `row.lang == 'en'`.

    Returns:
        A function of the variables that says whether the condition holds. It raises
        `TemplateError` when the expression cannot be computed with them.

    Raises:
        TemplateError: The text is no expression.
    """
    sandbox = _sandbox()
    try:
        compiled = compile_sole_expression(sandbox, text.text)
    except Exception as error:  # whatever jinja or Python's compiler says
        raise _no_expression(error, text) from None

    def holds(context: Mapping[str, object]) -> bool:
        try:
            return bool(carry_out(compiled, sandbox, context))
        except Exception as error:  # whatever the expression runs into
            raise template_error([problem_in_rendering(error, context)], text, "") from None

    return holds


def _rendered(node: Node, context: Mapping[str, object], templates: Templates) -> object:
    value = node.value
    if isinstance(value, str):
        return _filled(node, context, templates) if _has_tag(value) else value
    if isinstance(value, dict):
        children = {key: _rendered(child, context, templates) for key, child in node.items()}
        if all(new is value[key] for key, new in children.items()):
            return value
        return _placed_mapping(value, children)
    if isinstance(value, list):
        elements = [_rendered(child, context, templates) for child in node.elements()]
        if all(new is old for new, old in zip(elements, value, strict=True)):
            return value
        return _placed_list(value, elements)
    return value


def _filled(node: Node, context: Mapping[str, object], templates: Templates) -> object:
    try:
        return templates.ready(node.value, value=True).run(context)
    except ProblemsError as error:
        raise template_error(error.problems, node.text, templates.folder) from None


def _placed_mapping(old: dict[str, object], children: dict[str, object]) -> dict[str, object]:
    if not isinstance(old, PlacedMapping):
        return children
    made = PlacedMapping()
    made.update(children)
    made.marks, made.raws = old.marks, old.raws
    return made


def _placed_list(old: list[object], elements: list[object]) -> list[object]:
    if not isinstance(old, PlacedList):
        return elements
    made = PlacedList()
    made.extend(elements)
    made.marks, made.raws = old.marks, old.raws
    return made


def _templates_in(node: Node) -> Iterator[Node]:
    if isinstance(node.value, str):
        if _has_tag(node.value):
            yield node
    elif isinstance(node.value, dict):
        for _, child in node.items():  # noqa: PERF102 - a node has no values()
            yield from _templates_in(child)
    elif isinstance(node.value, list):
        for child in node.elements():
            yield from _templates_in(child)


def _holds_template(value: object) -> bool:
    if isinstance(value, str):
        return _has_tag(value)
    if isinstance(value, dict):
        return any(map(_holds_template, value.values()))
    return isinstance(value, list) and any(map(_holds_template, value))


def _has_tag(text: str) -> bool:
    return "{{" in text or "{%" in text


@functools.cache
def _sandbox() -> Sandbox:
    def load(name: str) -> Template:
        raise TemplateNotFound(name)

    return Sandbox(load)


def _no_expression(error: Exception, text: Text) -> TemplateError:
    problems = problems_in_source(error, None)
    hint = "write it such as \"row.lang == 'en'\""
    if _has_tag(text.text):
        hint = "write it without '{{' and '}}'"
        message = "a condition is an expression, not a template"
        problems = (Problem(code="template-syntax", message=message, line=1),)
    placed = [
        replace(problem, hint=hint) if problem.code == "template-syntax" else problem
        for problem in problems
    ]
    return template_error(placed, text, "")
