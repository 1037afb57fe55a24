"""All complaints about a project's files, in the order in which they stand there."""

from collections.abc import Sequence

from llmops.errors import Fault, InvalidInputError


def all_of(faults: Sequence[Fault]) -> InvalidInputError:
    """One error of all faults, each once, sorted by place.

    Raises:
        ValueError: `faults` is empty.
    """
    return InvalidInputError.of(sorted(dict.fromkeys(faults), key=_place))


def _place(fault: Fault) -> tuple[str, int, int]:
    at = fault.at
    return (at.path, at.line, at.column) if at is not None else ("", 0, 0)
