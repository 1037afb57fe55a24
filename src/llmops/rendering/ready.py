"""One template made ready to run: text as it stands, a value looked up, or jinja's work."""

import re
from collections.abc import Mapping
from typing import Final

from llmops.rendering.compiling import RESULT, Compiled, ProblemsError, compile_template
from llmops.rendering.complaints import problem_in_rendering, problems_in_source
from llmops.rendering.environment import Sandbox
from llmops.rendering.meter import CONTAINERS, LISTS, Meter
from llmops.rendering.partials import Partials, Reach
from llmops.rendering.text import LEAVES, NotTextError, name_of

_LOOKUP = re.compile(r"\{\{[ \t]*([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)[ \t]*\}\}", re.ASCII)
_JINJAS_WORDS = frozenset({"true", "false", "none", "True", "False", "None", "not", "self"})
_TAG = re.compile(r"\{[{%#]")
_PLAIN = (str, int, float, bool, type(None), dict, list)
_MISSING: Final = object()


class Ready:
    """A template that can be rendered again and again.

    A template of nothing but text and names, maybe with dots, is put together without jinja as
    long as a text stands behind each name (or any plain value, where a name is all there is and its
    value is wanted); jinja handles and explains everything else.
    """

    def __init__(self, source: str, partials: Partials, *, value: bool) -> None:
        self._source = source
        self._partials = partials
        self._value = value
        self._parts = _parts_of(source)
        first = self._parts[0] if len(self._parts) == 1 else ()
        self._path = () if isinstance(first, str) else first
        self._most = partials.sandbox.meter.max_size
        self._compiled: Compiled | None = None
        self._reach: Reach | None = None

    def run(self, context: Mapping[str, object]) -> object:
        """Render with these variables.

        Returns:
            Text; or plain data, if a value was asked for and the template is one expression.

        Raises:
            ProblemsError: It cannot be compiled or rendered.
        """
        if self._path and self._value:
            found = _look_up(self._path, context)
            if isinstance(found, _PLAIN):
                return found
        if self._parts and (text := self._put_together(context)) is not None:
            return text
        compiled = self.compiled
        try:
            return carry_out(compiled, self._partials.sandbox, context)
        except Exception as error:  # whatever the template runs into
            raise ProblemsError([problem_in_rendering(error, context)]) from None

    def _put_together(self, context: Mapping[str, object]) -> str | None:
        texts: list[str] = []
        for part in self._parts:
            text = part if isinstance(part, str) else _look_up(part, context)
            if type(text) is not str:
                return None
            texts.append(text)
        return "".join(texts) if sum(map(len, texts)) <= self._most else None

    @property
    def compiled(self) -> Compiled:
        """The template as jinja runs it.

        Raises:
            ProblemsError: It cannot be compiled; all that is wrong with it and its partials.
        """
        if self._compiled is None:
            try:
                compiled = compile_template(self._partials.sandbox, self._source, value=self._value)
            except Exception as error:  # whatever jinja or Python's compiler says
                raise ProblemsError(problems_in_source(error, None)) from None
            self._reach = self._partials.reach(compiled)
            if self._reach.problems:
                raise ProblemsError(self._reach.problems)
            self._compiled = compiled
        return self._compiled

    @property
    def is_lookup(self) -> bool:
        """Whether it is nothing but a name."""
        return bool(self._path)

    @property
    def reach(self) -> Reach:
        """What it reads from outside, and its partials.

        Raises:
            ProblemsError: As for `compiled`.
        """
        if self._path or self._reach is None:
            return Reach(variables=dict.fromkeys(self._path[:1], (None, 1)))
        return self._reach


class Literal:
    """Text without a tag; it stands as it is."""

    def __init__(self, source: str) -> None:
        self._text = _with_line_feeds(source)
        self.reach = Reach(variables={})

    def run(self, context: Mapping[str, object]) -> object:
        """The text."""
        del context
        return self._text


def make_ready(source: str, partials: Partials, *, value: bool = False) -> Ready | Literal:
    """Make a template ready.

    Raises:
        ProblemsError: It cannot be compiled; all that is wrong with it and its partials.
    """
    if not _TAG.search(source):
        return Literal(source)
    ready = Ready(source, partials, value=value)
    if not ready.is_lookup:
        _ = ready.compiled
    return ready


def carry_out(compiled: Compiled, sandbox: Sandbox, context: Mapping[str, object]) -> object:
    """Run a template.

    Returns:
        Text; or plain data, if the template leaves a value.
    """
    sandbox.meter.start()
    template = compiled.template
    running = template.new_context({**sandbox.globals, **context}, shared=True)
    text = sandbox.concat(template.root_render_func(running))
    return _as_data(running.vars[RESULT], sandbox.meter) if compiled.is_value else text


def _parts_of(source: str) -> tuple[str | tuple[str, ...], ...]:
    """Texts and the paths of names between them, or nothing where jinja is needed."""
    texts_and_names = _LOOKUP.split(_with_line_feeds(source))
    parts: list[str | tuple[str, ...]] = []
    for number, found in enumerate(texts_and_names):
        if number % 2:
            path = tuple(found.split("."))
            if path[0] in _JINJAS_WORDS:
                return ()
            parts.append(path)
        elif _TAG.search(found) or found.endswith("{"):
            return ()
        elif found:
            parts.append(found)
    return tuple(parts)


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _look_up(path: tuple[str, ...], context: Mapping[str, object]) -> object:
    found = context.get(path[0], _MISSING)
    for name in path[1:]:
        if not isinstance(found, dict) or name not in found:
            return _MISSING
        found = found[name]
    return found


def _as_data(value: object, meter: Meter) -> object:
    if isinstance(value, CONTAINERS):
        meter.accept_whole(value)
        return _copied(value)
    return meter.accept(_leaf(value))


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {str(_leaf(key)): _copied(inner) for key, inner in value.items()}
    if isinstance(value, LISTS):
        return [_copied(inner) for inner in value]
    return _leaf(value)


def _leaf(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, (str, *LEAVES)):
        return str(value)
    msg = f"{name_of(value)} is no data"
    raise NotTextError(msg)
