"""What a template reads where nothing is: any use of it fails, and says what was meant."""

from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Undefined
from jinja2.utils import missing


class NameMissingError(UndefinedError):
    """A template reads something that is not there.

    Attributes:
        name: What it reads.
        owner: The value it reads from; jinja's `missing` for a variable.
    """

    def __init__(self, message: str | None, name: object, owner: object) -> None:
        super().__init__(message)
        self.name = name
        self.owner = owner


def demand(*values: object) -> None:
    """Fail if a value is missing.

    Raises:
        NameMissingError: One is.
    """
    for value in values:
        if isinstance(value, Undefined):
            str(value)


class Missing(StrictUndefined):
    """What a template reads where nothing is; any use of it fails with what was meant."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> None:
        failure: Any = exc
        if exc is UndefinedError and hint is None:
            failure = lambda message: NameMissingError(message, name, obj)  # noqa: E731 - jinja raises what this returns
        super().__init__(hint, obj, name, failure)
