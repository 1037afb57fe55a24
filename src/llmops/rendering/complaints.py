"""What jinja, Python and the sandbox say of a template, in our words and with the line."""

from collections.abc import Iterable, Mapping
from types import TracebackType

from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.utils import missing
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.errors import Fault, TemplateError, did_you_mean
from llmops.location import Location
from llmops.rendering.compiling import ProblemsError
from llmops.rendering.meter import LimitError
from llmops.rendering.rewriting import Problem
from llmops.rendering.text import name_of
from llmops.rendering.undefined import NameMissingError

_LIMIT_HINT = "make its loops and texts smaller, or prepare the value before it is handed in"
_RAW_HINT = "write {% raw %}…{% endraw %} around braces that are meant as text"
_LONGEST = 200
_SHOWN = 8


def problems_in_source(error: Exception, file: str | None) -> tuple[Problem, ...]:
    """Say why a template could not be compiled."""
    if isinstance(error, ProblemsError):
        return tuple(replace(problem, file=problem.file or file) for problem in error.problems)
    if isinstance(error, TemplateSyntaxError):
        message = _cut(error.message or "the template is not well formed")
        hint = _RAW_HINT
        line = error.lineno
    else:
        message = f"the template cannot be compiled: {_nesting(error) or _cut(str(error))}"
        hint = "make it shorter and less nested"
        line = 1
    return (Problem(code="template-syntax", message=message, line=line, hint=hint, file=file),)


def problem_in_rendering(error: Exception, context: Mapping[str, object], line: int = 1) -> Problem:
    """Say why a template could not be rendered.

    Args:
        error: What was raised.
        context: The variables that were there.
        line: Where the error is if it was raised outside of the template's own lines.
    """
    file, found = _innermost(error.__traceback__)
    code, message, hint = _words_for(error, context)
    return Problem(code=code, message=message, line=found or line, hint=hint, file=file)


def template_error(problems: Iterable[Problem], text: Text, folder: str) -> TemplateError:
    """One error of all problems, each with its place: in the text's file or in a partial."""
    faults = []
    for problem in problems:
        at = place_of(text, folder, problem.file, problem.line)
        fault = Fault(code=problem.code, message=problem.message, at=at, hint=problem.hint)
        faults.append(fault)
    return error_of(faults)


def place_of(text: Text, folder: str, file: str | None, line: int) -> Location:
    """The place of a line of a text, or of a partial that it names."""
    if file is None:
        return text.place(line)
    return Location(f"{folder}/{file}" if folder else file, line)


def error_of(faults: list[Fault]) -> TemplateError:
    """One error of all faults."""
    error = TemplateError(faults[0].message)
    error.faults = tuple(faults)
    return error


def _innermost(trace: TracebackType | None) -> tuple[str | None, int]:
    file, line = None, 0
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            file, line = template.name, template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return file, line


def _words_for(error: Exception, context: Mapping[str, object]) -> tuple[str, str, str | None]:
    if isinstance(error, LimitError | RecursionError | MemoryError | OverflowError):
        return "template-limit", _nesting(error) or _cut(str(error)), _LIMIT_HINT
    if isinstance(error, NameMissingError):
        return "undefined-variable", *_missing(error, context)
    if isinstance(error, UndefinedError):
        return "undefined-variable", _cut(str(error)), "ask 'is defined' before it is used"
    if isinstance(error, SecurityError):
        return "unsafe-template", _cut(str(error)), "use filters and plain values only"
    message = f"rendering fails: {_cut(str(error) or type(error).__name__)}"
    return "template-failed", message, "look at the types of the values that stand there"


def _missing(error: NameMissingError, context: Mapping[str, object]) -> tuple[str, str | None]:
    owner, name = error.owner, error.name
    named = f"'{_cut(name)}'" if isinstance(name, str) else f"element {_cut(repr(name))}"
    if owner is missing:
        return f"{named} is not defined", _nearest(name, list(context))
    hint = _nearest(name, [str(key) for key in owner]) if isinstance(owner, Mapping) else None
    return f"{_holder(owner, context)} has no {named}", hint


def _nearest(name: object, names: list[str]) -> str | None:
    near = did_you_mean(name, names) if isinstance(name, str) else None
    return near or _listing(names)


def _holder(owner: object, context: Mapping[str, object]) -> str:
    names = (f"'{name}'" for name, value in context.items() if value is owner)
    return next(names, name_of(owner))


def _listing(names: list[str]) -> str | None:
    if not names:
        return None
    shown = ", ".join(names[:_SHOWN])
    return f"what is there: {shown}{' …' if len(names) > _SHOWN else ''}"


def _nesting(error: Exception) -> str | None:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it needs too much memory" if isinstance(error, MemoryError) else None


def _cut(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
