"""Scorers by name: build one from an assertion, list them all, load those of plug-ins."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from msgspec import Struct

from llmops.domain.node import Node, PlacedMapping
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.shapes import json_schema, keys_of, read
from llmops.location import Location
from llmops.scoring.base import KINDS, ArgumentError, Scorer, ScorerKind
from llmops.scoring.manual import first_sentence
from llmops.scoring.manual import reference_page as write_reference
from llmops.scoring.pick import is_pick

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "llmops.scoring.text": (
        "contains",
        "contains_all",
        "contains_any",
        "ends_with",
        "equals",
        "starts_with",
    ),
    "llmops.scoring.pattern": ("matches",),
    "llmops.scoring.similarity": ("similar",),
    "llmops.scoring.structure": ("is_json", "json_equals", "json_schema"),
    "llmops.scoring.markup": ("is_html", "is_xml"),
    "llmops.scoring.sql": ("is_sql",),
    "llmops.scoring.length": ("length",),
    "llmops.scoring.language": ("language",),
    "llmops.scoring.budget": ("finish_reason", "max_cost", "max_latency", "max_tokens"),
    "llmops.scoring.refusal": ("refusal",),
    "llmops.scoring.privacy": ("no_pii",),
    "llmops.scoring.python": ("python",),
    "llmops.scoring.combine": ("all_of", "any_of", "at_least", "not"),
}
"""The modules that hold scorers, and the names of these. No folder is scanned."""

_HOMES = {name: module for module, names in BUILT_IN.items() for name in names}

ENTRY_POINTS = "llmops.scorers"
"""The entry-point group under which installed packages name modules with scorers."""


def kinds() -> Mapping[str, ScorerKind]:
    """Every scorer by name, sorted; imports the modules that hold them."""
    _import_built_in()
    return dict(sorted(KINDS.items()))


def load_plugins(modules: Sequence[str], at: Location | None = None) -> None:
    """Import Python modules, so that the scorers in them can be named. The caller trusts them.

    Args:
        modules: Importable names.
        at: Where they are listed, for complaints.

    Raises:
        InvalidInputError: Some cannot be imported, or one has a scorer under a name that is taken.
    """
    _load_each({module: partial(importlib.import_module, module) for module in modules}, at)


def load_installed() -> None:
    """Load what installed packages offer under the entry-point group `llmops.scorers`.

    The caller trusts what is installed.

    Raises:
        InvalidInputError: Some cannot be loaded, or one has a scorer under a name that is taken.
    """
    metadata = importlib.import_module("importlib.metadata")  # heavier than all scorers together
    points = metadata.entry_points(group=ENTRY_POINTS)
    _load_each({f"{point.name} ({point.value})": point.load for point in points})


def build_scorer(assertion: Assertion, resources: "ScorerResources") -> Scorer:
    """Make the scorer that an assertion names.

    Args:
        assertion: Its arguments have no templates left in them.
        resources: Files and functions.

    Raises:
        InvalidInputError: No such scorer, its arguments are wrong, or it cannot judge what `on`
            names; all faults at once.
    """
    kind = _kind_of(assertion, resources)
    _check_on(assertion, kind)
    if type(assertion.arguments.value) is str and _takes_text(kind.cls, kind.primary):
        return _of_text(assertion, kind)
    node = arguments_of(kind, assertion.arguments)
    try:
        scorer = _read(kind, node)
        bind = getattr(scorer, "bind", None)
        bound: Scorer = bind(resources, node) if bind else scorer
    except ArgumentError as error:
        raise _placed(error, assertion, node) from None
    return bound


def arguments_of(kind: ScorerKind, node: Node) -> Node:
    """Bring what stands under a scorer's key into the form of a mapping of arguments."""
    if node.kind == "nothing" or (node.value is True and _stands_alone(kind)):
        return Node(PlacedMapping(), node.path, node.mark)
    if node.kind == "mapping" and (not kind.free_form or _are_arguments(kind, node.value)):
        return node
    if kind.primary is None:
        return node
    wrapped = PlacedMapping()
    wrapped[kind.primary] = node.value
    wrapped.marks += [node.mark, node.mark]
    if node.raw is not None:
        wrapped.raws = {kind.primary: node.raw}
    return Node(wrapped, node.path, node.mark)


class ScorerResources(Struct, frozen=True, kw_only=True):
    """Files, functions and other scorers, for scorers that need them while they are built.

    Attributes:
        read_file: Reads a file of the project: path and place in, bytes out.
        load_function: Loads a Python function: reference and place in.
        load_installed: Loads the scorers of installed packages (the function above), which is done
            when a suite names a scorer that is not known; None in an untrusted run.
    """

    read_file: Callable[[str, Location], bytes]
    load_function: Callable[[str, Location], Callable[..., Any]]
    load_installed: Callable[[], None] | None = None

    def read(self, path: str, at: Location) -> bytes:
        """Read a file of the project."""
        return self.read_file(path, at)

    def function(self, reference: str, at: Location) -> Callable[..., Any]:
        """Load a Python function; its module cannot take the names of our scorers from them."""
        _import_built_in()
        return self.load_function(reference, at)

    def build(self, assertion: Assertion) -> Scorer:
        """Build the scorer of an assertion, be it nested in another or not."""
        return build_scorer(assertion, self)


def scorer_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of what may stand under each scorer's key."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, kind in kinds().items():
        whole = json_schema(kind.cls)
        options: list[dict[str, Any]] = [whole]
        if kind.primary is not None:
            options.append(whole["properties"].get(kind.primary, {}))
        if _stands_alone(kind):
            options += [{"type": "null"}, {"const": True}]
        schemas[name] = {"anyOf": options, "description": first_sentence(kind)}
    return schemas


def reference_page() -> str:
    """The manual pages of all built-in scorers in one Markdown document, `docs/scorers.md`."""
    own = [kind for kind in kinds().values() if kind.cls.__module__ in BUILT_IN]
    return write_reference(own)


@cache
def _import_built_in() -> None:
    for module in BUILT_IN:
        _import(module)


@cache
def _import(module: str) -> None:
    importlib.import_module(module)


def _load_each(loaders: Mapping[str, Callable[[], object]], at: Location | None = None) -> None:
    """Load plug-ins one by one; one that breaks does not keep the others from being looked at."""
    _import_built_in()
    faults: list[Fault] = []
    for name, load in loaders.items():
        try:
            load()
        except (Exception, SystemExit) as error:  # whatever a plug-in does while it is imported
            faults.append(_plugin_fault(name, error, at))
    if faults:
        raise InvalidInputError.of(faults)


def _plugin_fault(name: str, error: BaseException, at: Location | None) -> Fault:
    message = f"the plug-in '{name}' cannot be imported: {type(error).__name__}: {error}"
    missing = isinstance(error, ModuleNotFoundError)
    hint = "is it installed, and spelt as in Python's 'import'?" if missing else None
    return Fault(code="plugin", message=message, at=at, hint=hint)


def _kind_of(assertion: Assertion, resources: "ScorerResources") -> ScorerKind:
    """The scorer of a name; of our own modules no other is imported for it, for each takes time."""
    if assertion.scorer in _HOMES:
        _import(_HOMES[assertion.scorer])
    kind = KINDS.get(assertion.scorer)
    if kind is None and resources.load_installed is not None:
        resources.load_installed()
        kind = KINDS.get(assertion.scorer)
    if kind is not None:
        return kind
    raise InvalidInputError(
        f"no scorer is called '{assertion.scorer}'",
        at=assertion.at,
        code="unknown-scorer",
        hint=did_you_mean(assertion.scorer, kinds()) or "'llmops scorers' lists them",
    )


@cache
def _takes_text(cls: type, primary: str | None) -> bool:
    """Whether a bare text is all that a scorer needs, with nothing to check or to load."""
    if hasattr(cls, "bind"):
        return False
    schema = json_schema(cls)
    argument = schema["properties"].get(primary, {})
    plain = {key: value for key, value in argument.items() if key != "description"}
    return schema.get("required") == [primary] and plain == json_schema(str)


def _of_text(assertion: Assertion, kind: ScorerKind) -> Scorer:
    """Make the scorer of `contains: refund` on the short way: suites hold many thousands."""
    try:
        scorer: Scorer = kind.cls(**{kind.primary or "": assertion.arguments.value})
    except ArgumentError as error:
        raise _placed(error, assertion, arguments_of(kind, assertion.arguments)) from None
    return scorer


def _check_on(assertion: Assertion, kind: ScorerKind) -> None:
    on = assertion.on
    if not on or on == kind.on:
        return
    if not is_pick(on):
        raise InvalidInputError(
            f"'{on}' has an empty step",
            at=assertion.at,
            code="unknown-pick",
            hint="write keys and indexes with dots between, such as json.items.0.name",
        )
    if kind.on not in {"", "text", "json"}:
        raise InvalidInputError(
            f"'{kind.name}' always judges the {kind.on.replace('_', ' ')}, so 'on: {on}' is wrong",
            at=assertion.at,
            code="unknown-pick",
            hint="leave 'on' out",
        )


def _are_arguments(kind: ScorerKind, written: Mapping[str, object]) -> bool:
    return bool(written) and set(keys_of(kind.cls)).issuperset(written)


def _stands_alone(kind: ScorerKind) -> bool:
    return not kind.free_form and not json_schema(kind.cls).get("required")


def _read(kind: ScorerKind, node: Node) -> Any:  # noqa: ANN401 - the scorer's own class
    if node.kind != "mapping":
        keys = ", ".join(keys_of(kind.cls)) or "nothing below it"
        hint = f"write 'not: {kind.name}' for the reverse" if node.value is False else None
        raise ArgumentError(f"'{kind.name}' takes {keys}", hint=hint)
    faults: list[Fault] = []
    scorer = read(kind.cls, node, faults, what=f"'{kind.name}'")
    if faults:
        raise InvalidInputError.of(faults)
    return scorer


def _placed(error: ArgumentError, assertion: Assertion, node: Node) -> InvalidInputError:
    at = assertion.at
    if error.key is not None and node.kind == "mapping" and error.key in node.value:
        found = node.get(error.key)
        at = found.at if found else at
    return InvalidInputError(
        str(error),
        at=at,
        code="scorer-argument",
        hint=error.hint or f"see 'llmops scorers {assertion.scorer}'",
    )
