"""The partials below the prompts folder: read once, compiled once, followed to the last one."""

from collections.abc import Callable, Mapping
from functools import cached_property

from jinja2 import Template, TemplateNotFound
from msgspec import Struct

from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError, did_you_mean
from llmops.rendering.compiling import Compiled, compile_template
from llmops.rendering.complaints import problems_in_source
from llmops.rendering.environment import Sandbox
from llmops.rendering.rewriting import Problem, Reference

Use = tuple[str | None, int]
"""A partial's name, None for the template itself, and a line in it."""


class Reach(Struct, frozen=True, kw_only=True):
    """All that a template comes to with its partials.

    Attributes:
        partials: Their names, in the order in which they are named.
        variables: What is read from outside, with the first use.
        problems: What is wrong with the partials, or with how they are named.
    """

    partials: tuple[str, ...] = ()
    variables: Mapping[str, Use]
    problems: tuple[Problem, ...] = ()


class _Partial(Struct, frozen=True):
    template: Template | None
    reach: Reach


class Partials:
    """The partials of one tree, and the sandbox they share with the templates that name them."""

    def __init__(self, tree: Tree, folder: str, max_output: int) -> None:
        self._tree = tree
        self._max_output = max_output
        self._folder = folder
        self._found: dict[str, _Partial] = {}

    @cached_property
    def sandbox(self) -> Sandbox:
        """Made when the first template is: a history of versions has many that none is read of."""
        return Sandbox(_lookup(self._found), self._max_output)

    def reach(self, compiled: Compiled, chain: tuple[str, ...] = ()) -> Reach:
        """Follow a template's partials.

        Args:
            compiled: The template.
            chain: The partials that lead to it, its own name last; empty for a template that is
                no partial.
        """
        file = chain[-1] if chain else None
        names: dict[str, None] = {}
        variables: dict[str, Use] = {name: (file, n) for name, n in compiled.variables.items()}
        problems: list[Problem] = []
        for reference in compiled.references:
            for name, partial in self._partials(reference, chain, problems).items():
                names |= dict.fromkeys((name, *partial.reach.partials))
                problems += partial.reach.problems
                if reference.sees_variables:
                    seen = partial.reach.variables.items()
                    fresh = {key: use for key, use in seen if key not in compiled.stored}
                    variables = fresh | variables
        return Reach(partials=tuple(names), variables=variables, problems=tuple(problems))

    def read(self, name: str) -> str:
        """The text of a partial, with newlines as LF.

        Raises:
            InvalidInputError: It cannot be read; without a place.
        """
        if any(part in {"", ".", ".."} for part in name.split("/")) or "\\" in name:
            raise InvalidInputError(
                f"the partial '{name}' is no plain path",
                code="unsafe-path",
                hint="write the path below the prompts folder, with forward slashes",
            )
        try:
            data = self._tree.read(self._path(name))
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            hint = "save the file as UTF-8"
            message = f"the partial '{name}' is not UTF-8 text"
            raise InvalidInputError(message, code="encoding", hint=hint) from None
        except InvalidInputError as error:
            raise self._missing(name, error) from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _partials(
        self, reference: Reference, chain: tuple[str, ...], problems: list[Problem]
    ) -> dict[str, _Partial]:
        there: dict[str, _Partial] = {}
        absent: list[Problem] = []
        for name in reference.names:
            if name in chain:
                problems.append(_circle(name, reference, chain))
                continue
            try:
                there[name] = self._partial(name, chain)
            except InvalidInputError as error:
                absent.append(_unreadable(error, reference, chain))
        if not there:
            problems += [] if reference.optional else absent[:1]
        return there

    def _partial(self, name: str, chain: tuple[str, ...]) -> _Partial:
        known = self._found.get(name)
        if known is None:
            known = self._found[name] = self._compiled(name, chain)
        return known

    def _compiled(self, name: str, chain: tuple[str, ...]) -> _Partial:
        source = self.read(name)
        try:
            compiled = compile_template(self.sandbox, source, name)
        except Exception as error:  # whatever jinja or Python's compiler says
            return _Partial(None, Reach(variables={}, problems=problems_in_source(error, name)))
        return _Partial(compiled.template, self.reach(compiled, (*chain, name)))

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    def _missing(self, name: str, error: InvalidInputError) -> InvalidInputError:
        fault = error.faults[0]
        if fault.code != "missing-file":
            return error
        prefix = len(self._path(""))
        below = [path[prefix:] for path in self._tree.paths(self._folder)]
        hint = did_you_mean(name, [path for path in below if not path.endswith((".yaml", ".yml"))])
        return InvalidInputError(
            f"there is no partial '{name}'",
            code="missing-partial",
            hint=hint or f"create '{self._path(name)}'",
        )


def _lookup(found: Mapping[str, _Partial]) -> Callable[[str], Template]:
    """Templates by name, without a hold on the tree.

    A sandbox refers to itself and lives until the garbage collector comes by; a tree may keep a
    process of git open for as long as it lives.
    """

    def template(name: str) -> Template:
        partial = found.get(name)
        if partial is None or partial.template is None:
            raise TemplateNotFound(name)
        return partial.template

    return template


def _unreadable(error: InvalidInputError, reference: Reference, chain: tuple[str, ...]) -> Problem:
    fault = error.faults[0]
    return Problem(
        code=fault.code,
        message=fault.message,
        line=reference.line,
        hint=fault.hint,
        file=chain[-1] if chain else None,
    )


def _circle(name: str, reference: Reference, chain: tuple[str, ...]) -> Problem:
    way = " → ".join((*chain[chain.index(name) :], name))
    return Problem(
        code="circular-partial",
        message=f"the partials include each other in a circle: {way}",
        line=reference.line,
        hint="take one of them out",
        file=chain[-1],
    )
