"""The sandbox that templates are compiled for: jinja2 with nothing that grows or reaches out.

What may take long or grow large is counted by the meter, constants included: nothing is
computed while a template is compiled.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, NoReturn

from jinja2 import Template
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.lexer import TokenStream
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.utils import Namespace

from llmops.rendering.filters import bounded_filters
from llmops.rendering.meter import MAX_SIZE, LimitError, Meter
from llmops.rendering.methods import allowed_attribute, allowed_call, call_method_of_text
from llmops.rendering.operators import GROWING
from llmops.rendering.rewriting import JOIN, KEEP, LOOK, SEARCH, SPEND
from llmops.rendering.text import BoundedFormatter, name_of, text_of
from llmops.rendering.undefined import Missing, demand

_TOKENS = 20_000
"""The most tokens of one template: names, signs, spaces and the texts between."""
_DIGITS = 4000
_ESCAPES = 100_000
"""Longer ones fill the memory of the patterns that jinja reads tags with."""
_NUMBER = re.compile(r"0[xX][0-9a-fA-F_]+|[0-9_]+")
_NUMBERS = 100_000
"""The most numbers of a range."""
_CALL = 20
"""What a call costs, whatever it does."""
_COMPARING = frozenset(
    {TESTS["in"], TESTS["eq"], TESTS["ne"], TESTS["gt"], TESTS["ge"], TESTS["lt"], TESTS["le"]}
)
"""Tests that look at all of both values."""


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of all templates of one tree.

    Attributes:
        meter: Counts the work of each rendering.
    """

    intercepted_binops: ClassVar[frozenset[str]] = frozenset(GROWING)  # type: ignore[misc] # jinja's is no class variable

    def __init__(self, load: Callable[[str], Template], max_output: int = MAX_SIZE) -> None:
        self.meter = Meter(max_output)
        super().__init__(
            undefined=Missing,
            finalize=self._text,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            newline_sequence="\n",
            optimized=False,
        )
        self._load = load
        self.open_filters = bounded_filters(self.meter)
        self.filters = self.open_filters | {
            SPEND: self._spend,
            JOIN: self._join,
            KEEP: self._keep,
            LOOK: self._look,
            SEARCH: self._search,
        }
        self.tests = {name: self._counted_test(name) for name in TESTS}
        self.globals = {"range": _range, "dict": dict, "namespace": Namespace}
        self._functions = tuple(self.globals.values())

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        _check_source(source, self.meter.max_size)
        tokens = _counted(self.lexer.tokeniter(source, name, filename, state))
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def _load_template(self, name: str, globals: Any = None) -> Template:  # noqa: A002, ANN401 - jinja's own signature
        del globals
        return self._load(name)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Whether a template may take an attribute."""
        del value
        return allowed_attribute(obj, attr)

    def is_safe_callable(self, obj: object) -> bool:
        """Whether a template may call a value."""
        return obj in self._functions or allowed_call(obj)

    def wrap_str_format(self, value: object) -> None:
        """Leave `format` alone here: calls of it are formatted within bounds."""

    def unsafe_undefined(self, obj: object, attribute: str) -> Missing:
        """What a template reads where it may not look."""
        hint = f"a template may not use '{attribute}' of {name_of(obj)}"
        return Missing(hint, obj, attribute, SecurityError)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any value
        """A value behind a dot: a mapping's own keys go before its methods."""
        if isinstance(obj, dict) and attribute in obj and not attribute.startswith("_"):
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, ANN401 - jinja's own signature
        """Call a function of the template, a macro or a method of plain data."""
        meter = __self.meter
        meter.spend(_CALL)
        if not __self.is_safe_callable(__obj):
            msg = "a template may only call macros, its own functions and methods of plain data"
            raise SecurityError(msg)
        owner = getattr(__obj, "__self__", None)
        if not isinstance(__obj, Macro):
            demand(*args)
        if isinstance(owner, str):
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            if __obj.__name__ == "format":
                formatter = BoundedFormatter(__self, meter)
                return meter.accept(formatter.vformat(owner, args, kwargs))
            return call_method_of_text(meter, __obj, args, kwargs)
        if __obj in __self._functions or isinstance(owner, list | tuple):
            meter.spend(4 * meter.size_of((owner, args)))
        return __context.call(__obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Apply an operator that may grow its result."""
        del context
        return GROWING[operator](self.meter, left, right)

    def concat(self, pieces: Iterable[str]) -> str:
        """Put pieces of text together."""
        kept = list(pieces)
        self.meter.make(sum(map(len, kept)))
        return "".join(kept)

    def _text(self, value: object) -> str:
        return text_of(value, self.meter)

    def _spend(self, units: int) -> bool:
        self.meter.spend(units)
        return True

    def _join(self, values: list[object]) -> str:
        return self.concat(text_of(value, self.meter) for value in values)

    def _keep(self, value: object) -> object:
        if isinstance(value, list | tuple | dict):
            self.meter.accept_whole(value)
            return value
        return self.meter.accept(value)

    def _look(self, value: object) -> object:
        demand(value)
        self.meter.look_at(value)
        return value

    def _search(self, value: object) -> object:
        return value if isinstance(value, dict) else self._look(value)

    def _counted_test(self, name: str) -> Callable[..., bool]:
        test: Any = TESTS[name]
        if name in {"lower", "upper"}:
            return lambda value: bool(test(self._join([value])))
        if test not in _COMPARING:
            return test  # type: ignore[no-any-return] # jinja's table of tests is untyped

        def counted(value: object, other: object) -> bool:
            self.meter.look_at(value)
            self._search(other) if name == "in" else self._look(other)
            return bool(test(value, other))

        return counted


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _NUMBERS:
        msg = f"a range has more than {_NUMBERS:,} numbers"
        raise LimitError(msg)
    return numbers


def _check_source(source: str, most: int) -> None:
    if len(source) > most:
        _refuse(f"the template has more than {most:,} characters")
    if len(source) > _DIGITS and any(len(found[0]) > _DIGITS for found in _NUMBER.finditer(source)):
        _refuse(f"the template holds a number of more than {_DIGITS:,} digits")
    if source.count("\\") > _ESCAPES:
        _refuse(f"the template holds more than {_ESCAPES:,} backslashes")


def _counted(tokens: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
    for number, token in enumerate(tokens):
        if number > _TOKENS:
            _refuse(f"the template has more than {_TOKENS:,} words and signs", token[0])
        yield token


def _refuse(message: str, line: int = 1) -> NoReturn:
    raise TemplateSyntaxError(message, line)
