"""A template's syntax tree in, one that counts its own work out, with what it names.

Every body that can run again begins by counting its own length; every expression that makes
or compares something of unknown size goes through the meter.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from msgspec import Struct

from llmops.errors import did_you_mean
from llmops.rendering.filters import LEFT_OUT

SPEND = "spend work"
JOIN = "join text"
KEEP = "keep what was made"
LOOK = "look at what is compared"
SEARCH = "look at what is searched"
"""Names of filters that no template can write, for they hold spaces."""


class Problem(Struct, frozen=True, kw_only=True):
    """What is wrong with a template, before its place in a file is known.

    Attributes:
        line: In the template, counted from 1.
        file: The partial it is in; None for the template itself.
    """

    code: str
    message: str
    line: int
    hint: str | None = None
    file: str | None = None


class Reference(Struct, frozen=True, kw_only=True):
    """A partial that a template names: by `include`, `import` or `extends`.

    Attributes:
        names: One of these must be there.
        optional: Whether none of them needs to be (`ignore missing`).
        sees_variables: Whether the partial is rendered with the template's own variables.
    """

    names: tuple[str, ...]
    line: int
    optional: bool
    sees_variables: bool


@dataclass(slots=True)
class Rewriter(NodeTransformer):
    """Rewrites one tree; see the module.

    Attributes:
        filters: Names of the filters there are.
        tests: Names of the tests there are.
        problems: What is wrong with the template.
        references: The partials it names.
        loaded: Each name it reads, with the first line.
        stored: Each name it gives a value.
    """

    filters: Collection[str]
    tests: Collection[str]
    problems: list[Problem] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    loaded: dict[str, int] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    _seen: int = 0

    def rewrite(self, template: nodes.Template, *, partial: bool) -> None:
        """Rewrite a tree in place; a partial counts itself out, for it may stand in a loop."""
        self.visit(template)
        if partial:
            template.body.insert(0, nodes.ExprStmt(_spend(self._seen, 1), lineno=1))

    def get_visitor(self, node: nodes.Node) -> Callable[..., nodes.Node] | None:
        """What rewrites a node of this type; None leaves it as it is and visits what is inside."""
        self._seen += 1
        found: Callable[..., nodes.Node]
        found = _VISITORS.get(type(node), Rewriter.generic_visit).__get__(self)
        return found

    def _loop(self, node: nodes.For) -> nodes.Node:
        cost = self._body(node)
        if node.test is not None:
            node.test = nodes.And(_spend(cost, node.lineno), node.test, lineno=node.lineno)
        return node

    def _repeatable(self, node: nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        if isinstance(node, nodes.Macro):
            self.stored.add(node.name)
        self._body(node)
        return node

    def _body(self, node: nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block) -> int:
        before = self._seen
        self.generic_visit(node)
        cost = self._seen - before
        node.body.insert(0, nodes.ExprStmt(_spend(cost, node.lineno), lineno=node.lineno))
        return cost

    def _name(self, node: nodes.Name) -> nodes.Node:
        if node.ctx == "load":
            self.loaded.setdefault(node.name, node.lineno)
        else:
            self.stored.add(node.name)
        return node

    def _concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter(JOIN, nodes.List(node.nodes, lineno=node.lineno))

    def _container(self, node: nodes.List | nodes.Tuple | nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        stored = isinstance(node, nodes.Tuple) and node.ctx != "load"
        constant = all(isinstance(child, nodes.Const) for child in node.iter_child_nodes())
        return node if stored or constant else _filter(KEEP, node)

    def _compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _looked_at(node.expr)
        for operand in node.ops:
            search = operand.op in {"in", "notin"}
            operand.expr = _looked_at(operand.expr, SEARCH if search else LOOK)
        return node

    def _item(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            return _filter(KEEP, node)
        node.arg = _looked_at(node.arg)
        return node

    def _filtered(self, node: nodes.Filter) -> nodes.Node:
        if node.name not in self.filters:
            hint = LEFT_OUT.get(node.name) or did_you_mean(node.name, self.filters)
            self._complain("unknown-filter", f"no filter is called '{node.name}'", node, hint)
        return self.generic_visit(node)

    def _tested(self, node: nodes.Test) -> nodes.Node:
        if node.name not in self.tests:
            hint = did_you_mean(node.name, self.tests)
            self._complain("unknown-test", f"no test is called '{node.name}'", node, hint)
        return self.generic_visit(node)

    def _include(self, node: nodes.Include) -> nodes.Node:
        self._refer(node, optional=node.ignore_missing, sees_variables=node.with_context)
        return node

    def _import(self, node: nodes.Import | nodes.FromImport) -> nodes.Node:
        self._refer(node, optional=False, sees_variables=node.with_context)
        names = [node.target] if isinstance(node, nodes.Import) else node.names
        self.stored.update(name if isinstance(name, str) else name[1] for name in names)
        return node

    def _extends(self, node: nodes.Extends) -> nodes.Node:
        self._refer(node, optional=False, sees_variables=True)
        return node

    def _refer(self, node: Any, *, optional: bool, sees_variables: bool) -> None:  # noqa: ANN401 - any of the four statements
        names = _constants(node.template)
        if names is None:
            hint = "write the file's name in quotes, and choose with {% if %}"
            self._complain("dynamic-include", "which file to include is not plain", node, hint)
            return
        self.references.append(
            Reference(
                names=names, line=node.lineno, optional=optional, sees_variables=sees_variables
            )
        )

    def _escaping(self, node: nodes.ScopedEvalContextModifier) -> nodes.Node:
        hint = "take the tag out; write '|escape' where characters must be escaped"
        self._complain("template-syntax", "'autoescape' is not part of prompts", node, hint)
        return node

    def _complain(self, code: str, message: str, node: nodes.Node, hint: str | None) -> None:
        self.problems.append(Problem(code=code, message=message, line=node.lineno, hint=hint))


_VISITORS: Mapping[type[nodes.Node], Callable[..., nodes.Node]] = {
    nodes.Block: Rewriter._repeatable,
    nodes.CallBlock: Rewriter._repeatable,
    nodes.Compare: Rewriter._compare,
    nodes.Concat: Rewriter._concat,
    nodes.Dict: Rewriter._container,
    nodes.Extends: Rewriter._extends,
    nodes.Filter: Rewriter._filtered,
    nodes.For: Rewriter._loop,
    nodes.FromImport: Rewriter._import,
    nodes.Getitem: Rewriter._item,
    nodes.Import: Rewriter._import,
    nodes.Include: Rewriter._include,
    nodes.List: Rewriter._container,
    nodes.Macro: Rewriter._repeatable,
    nodes.Name: Rewriter._name,
    nodes.ScopedEvalContextModifier: Rewriter._escaping,
    nodes.Test: Rewriter._tested,
    nodes.Tuple: Rewriter._container,
}


def _constants(template: nodes.Expr) -> tuple[str, ...] | None:
    items = template.items if isinstance(template, nodes.List | nodes.Tuple) else [template]
    names = [item.value for item in items if isinstance(item, nodes.Const)]
    if not names or len(names) < len(items) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _spend(units: int, line: int) -> nodes.Filter:
    return _filter(SPEND, nodes.Const(units, lineno=line))


def _looked_at(node: nodes.Expr, name: str = LOOK) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(name, node)


def _filter(name: str, node: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
