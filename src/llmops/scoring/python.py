"""A scorer that asks a Python function of the project."""

import inspect
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, Resources, Scorer, ScorerExample, Subject, scorer
from llmops.scoring.wording import quote, shorten


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
    or by the name of an entry point. It is called with the output, and with the context if it takes
    a second argument by place or one called `context`:

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
            takes_context=_takes_context(function, self.function, self.arguments),
            arguments=self.arguments,
            threshold=self.threshold,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """The scorer with its function."""

    slow: ClassVar[bool] = True

    function: Callable[..., Any]
    reference: str
    takes_context: bool
    arguments: Mapping[str, object]
    threshold: float

    def score(self, subject: Subject) -> Score:
        output = subject.text if subject.on == "text" else subject.picked
        given = (output, subject) if self.takes_context else (output,)
        try:
            answer = self.function(*given, **self.arguments)
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


def _takes_context(
    function: Callable[..., Any], reference: str, arguments: Mapping[str, object]
) -> bool:
    """Whether the function takes the context as its second argument.

    Raises:
        ArgumentError: It cannot be called with the output and the arguments that are given.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    for given in ((None, None), (None,)):
        try:
            signature.bind(*given, **arguments)
        except TypeError as error:
            problem = error
        else:
            return len(given) == 2
    message = f"'{reference}' cannot be called with an output and these arguments: {problem}"
    raise ArgumentError(message, key="function", hint="see 'llmops scorers python'")
