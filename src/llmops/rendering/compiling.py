"""A template's words in, a template ready to render out, with all that it names.

Nothing is computed on the way: jinja folds constants, so that a bomb would go off here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser
from msgspec import Struct

from llmops.rendering.environment import Sandbox
from llmops.rendering.rewriting import Problem, Reference, Rewriter

RESULT = "_result"
"""The variable that an expression's value is left in."""


class ProblemsError(Exception):
    """A template cannot be compiled.

    Attributes:
        problems: Why not; one entry or more.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class Compiled(Struct, frozen=True, kw_only=True):
    """A template made ready, with what it names.

    Attributes:
        variables: Each variable it reads from outside, with the first line.
        stored: Each name it gives a value itself.
        references: The partials it names.
        is_value: Whether it leaves a value in `RESULT` and writes no text.
    """

    template: Template
    variables: Mapping[str, int]
    stored: frozenset[str]
    references: tuple[Reference, ...]
    is_value: bool


def compile_template(
    sandbox: Sandbox, source: str, name: str | None = None, *, value: bool = False
) -> Compiled:
    """Compile a template.

    Args:
        sandbox: The environment it will run in.
        source: The template.
        name: The partial's name; None for a template that is no partial.
        value: Whether the template, if it is one expression, is to leave its value in `RESULT`
            in place of writing it as text.

    Raises:
        ProblemsError: It names filters, tests or files in a way that cannot be followed.
        TemplateSyntaxError: It is no template.
    """
    tree = Parser(sandbox, source, name, name).parse()
    expression = _sole_expression(tree) if value else None
    if expression is None:
        return _compile(sandbox, tree, name)
    return _compile(sandbox, _assigning(expression), name, is_value=True)


def compile_sole_expression(sandbox: Sandbox, source: str) -> Compiled:
    """Compile an expression that leaves its value in `RESULT`.

    Raises:
        ProblemsError: As for `compile_template`.
        TemplateSyntaxError: It is no expression.
    """
    parser = Parser(sandbox, source, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        rest = parser.stream.current
        msg = f"'{rest.value}' does not belong to the expression"
        raise TemplateSyntaxError(msg, rest.lineno)
    return _compile(sandbox, _assigning(expression), None, is_value=True)


def _compile(
    sandbox: Sandbox, tree: nodes.Template, name: str | None, *, is_value: bool = False
) -> Compiled:
    rewriter = Rewriter(filters=sandbox.open_filters, tests=sandbox.tests)
    rewriter.rewrite(tree, partial=name is not None)
    if rewriter.problems:
        raise ProblemsError(rewriter.problems)
    generator = _Generator(sandbox, name)
    generator.visit(tree)
    code = compile(generator.stream.getvalue(), name or "<template>", "exec")  # type: ignore[attr-defined] # jinja writes into a StringIO
    undeclared = generator.undeclared - {*sandbox.globals}
    return Compiled(
        template=Template.from_code(sandbox, code, sandbox.globals),
        variables={key: line for key, line in rewriter.loaded.items() if key in undeclared},
        stored=frozenset(rewriter.stored),
        references=tuple(rewriter.references),
        is_value=is_value,
    )


class _Generator(CodeGenerator):
    """Writes a template as Python, folds nothing, and remembers what it reads from outside."""

    def __init__(self, environment: Sandbox, name: str | None) -> None:
        super().__init__(environment, name, name, optimized=False)
        self.undeclared: set[str] = set()

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        for action, name in frame.symbols.loads.values():
            if action == "resolve" and name is not None:
                self.undeclared.add(name)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:  # noqa: ANN401 - jinja's own private type
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


def _sole_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression that is all of a template; None if there is anything beside it."""
    body = tree.body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return None
    expression = body[0].nodes[0]
    return None if isinstance(expression, nodes.TemplateData) else expression


def _assigning(expression: nodes.Expr) -> nodes.Template:
    target = nodes.Name(RESULT, "store", lineno=expression.lineno)
    assign = nodes.Assign(target, expression, lineno=expression.lineno)
    return nodes.Template([assign], lineno=1)
