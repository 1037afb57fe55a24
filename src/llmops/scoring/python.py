"""A scorer that asks a Python function of the project."""

import inspect
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from msgspec import Struct

from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, Resources, Scorer, ScorerExample, Subject, scorer
from llmops.scoring.wording import quote, shorten

ContextBy = Literal["place", "name", "nothing"]
"""How a function is handed the context."""


@scorer(
    "python",
    primary="function",
    examples=(
        ScorerExample(arguments="checks.py:is_short", output="Yes.", passes=True),
        ScorerExample(arguments="checks.py:is_short", output="Yes, of course. " * 9, passes=False),
        ScorerExample(
            arguments="{function: checks.py:share_of_vowels, threshold: 0.3}",
            output="banana",
            passes=True,
        ),
        ScorerExample(
            arguments="{function: checks.py:has_words, arguments: {least: 2}}",
            output="Yes.",
            passes=False,
        ),
        ScorerExample(arguments="checks.py:breaks", output="Yes.", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """Passes when a Python function of yours says so.

    The function is named as `file.py:function` (a file of the project), `package.module:function`,
    or by the name of an entry point. It is called with the output, and with the context if it has
    an argument called `context`, or a second one without a default:

    ```python
    def is_polite(output: str, context) -> bool:
        return "please" in output.casefold() or context.inputs["tone"] == "blunt"
    ```

    The output is text, or what `on` picks: a value for `json`, a list for `tool_calls`. The context
    has `inputs`, `row`, `completion`, `text` and `picked`. What stands under `arguments` is handed
    over by name.

    It returns true or false; or a number from 0 to 1, which passes from `threshold` on (0.5 unless
    set); or a `Score` of `llmops.domain.score`. When it raises, or returns anything else, the
    assertion is unscored, and the reason names the line. A run that is not trusted loads none.
    """

    function: str = entry("`file.py:function`, `package.module:function`, or an entry point.")
    arguments: Mapping[str, object] = entry("Further arguments, by name.", default_factory=dict)
    threshold: float = entry("The least number that passes, above 0 to 1.", default=0.5, maximum=1)

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            message = "with a threshold of 0 every number would pass"
            raise ArgumentError(message, key="threshold", hint="write one above 0")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Load the function."""
        place = node.get("function")
        function = resources.function(self.function, place.at if place else node.at)
        if inspect.iscoroutinefunction(function):
            message = f"'{self.function}' is asynchronous"
            raise ArgumentError(message, key="function", hint="write 'def', not 'async def'")
        return _Call(
            function=function,
            reference=self.function,
            context_by=_context_by(function, self.function, self.arguments),
            arguments=self.arguments,
            threshold=self.threshold,
        )


class _Call(Struct, frozen=True, kw_only=True):
    """The scorer with its function."""

    slow: ClassVar[bool] = True

    function: Callable[..., Any]
    reference: str
    context_by: ContextBy
    arguments: Mapping[str, object]
    threshold: float

    def score(self, subject: Subject) -> Score:
        output = subject.text if subject.on == "text" else subject.picked
        given = (output, subject) if self.context_by == "place" else (output,)
        named = {"context": subject} if self.context_by == "name" else {}
        try:
            answer = self.function(*given, **named, **self.arguments)
        except (Exception, SystemExit) as error:  # the user's code may raise anything
            raise CannotScoreError(self._blame(error)) from None
        return self._read(answer)

    def _read(self, answer: Any) -> Score:  # noqa: ANN401 - whatever the user's code returns
        if isinstance(answer, Score):
            return answer
        if type(answer).__module__ == "numpy" and hasattr(answer, "item"):
            answer = answer.item()
        if isinstance(answer, bool):
            return Score.of(answer, f"{self.reference} says {'yes' if answer else 'no'}")
        if isinstance(answer, int | float) and math.isfinite(answer) and 0 <= answer <= 1:
            words = f"{self.reference} says {answer:.3g}, of {self.threshold:g} wanted"
            return Score.of(answer >= self.threshold, words, float(answer))
        if inspect.iscoroutine(answer):
            answer.close()
        shown = f"{type(answer).__name__} {quote(repr(answer), 40)}"
        wanted = "neither true or false, nor a number from 0 to 1, nor a Score"
        raise CannotScoreError(f"{self._place()} returned {shown}: {wanted}")

    def _blame(self, error: BaseException) -> str:
        said = shorten(" ".join(str(error).split()), 160)
        words = f"{type(error).__name__}: {said}" if said else type(error).__name__
        return f"{self._place(error)} raised {words}"

    def _place(self, error: BaseException | None = None) -> str:
        """The function's own file and line; the line that raised, where one did."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        if code is None:
            return self.reference
        line = code.co_firstlineno
        if error is not None:
            for frame in traceback.extract_tb(error.__traceback__):
                line = frame.lineno or line if frame.filename == code.co_filename else line
        return f"{self._file(code.co_filename)}:{line}"

    def _file(self, path: str) -> str:
        """The file as the suite writes it, where it does."""
        written = self.reference.rpartition(":")[0]
        return written if written.endswith(".py") else path


def _context_by(
    function: Callable[..., Any], reference: str, arguments: Mapping[str, object]
) -> ContextBy:
    """How the function takes the context.

    Raises:
        ArgumentError: It cannot be called with the output and the arguments that are given.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "nothing"
    by = _wish(signature, arguments)
    given = (None, None) if by == "place" else (None,)
    named = {"context": None} if by == "name" else {}
    try:
        signature.bind(*given, **named, **arguments)
    except TypeError as error:
        message = f"'{reference}' cannot be called with an output and these arguments: {error}"
        hint = "see 'llmops scorers python'"
        raise ArgumentError(message, key="function", hint=hint) from None
    return by


def _wish(signature: inspect.Signature, arguments: Mapping[str, object]) -> ContextBy:
    parameters = signature.parameters
    if "context" in parameters and "context" not in arguments:
        by_place_only = parameters["context"].kind is inspect.Parameter.POSITIONAL_ONLY
        return "place" if by_place_only else "name"
    by_place = [one for one in parameters.values() if one.kind in _BY_PLACE]
    if len(by_place) < 2 or by_place[1].name in arguments:
        return "nothing"
    return "place" if by_place[1].default is inspect.Parameter.empty else "nothing"


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
