"""Paths as users write them: relative, with forward slashes, never out of the project."""

import re

from llmops.errors import InvalidInputError

_RULES = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (r"[\x00-\x1f\x7f]", "the path holds a control character", "write the file's plain name"),
        (r"\\", "the path '{}' holds a backslash", "write it with forward slashes"),
        (r"^\w+://", "'{}' is an address, not a file", "copy the file into the project"),
        (r"^(/|~/|[A-Za-z]:)", "the path '{}' is absolute", "write it relative to the project"),
        (r"(^|/)\.\.(/|$)", "the path '{}' holds '..'", "keep the file inside the project"),
        (r"^(\.?/)*\.?$", "the path is empty", "write a file's name"),
    )
)
"""What no path may hold, with our words for it and the way out."""


def clean_path(path: str) -> str:
    """Check a path's words before anything is opened.

    Returns:
        The path without empty parts and `.`.

    Raises:
        InvalidInputError: It is empty, absolute, holds `..`, a backslash or a control character.
    """
    complaint = _complaint(path)
    if complaint is not None:
        message, hint = complaint
        raise InvalidInputError(message, code="unsafe-path", hint=hint)
    return "/".join(part for part in path.split("/") if part not in {"", "."})


def beside(file: str, path: str) -> str:
    """A path that is relative to a file's folder, as one that is relative to the root.

    Raises:
        InvalidInputError: As `clean_path`.
    """
    folder = file.rpartition("/")[0]
    inside = clean_path(path)
    return f"{folder}/{inside}" if folder else inside


def _complaint(path: str) -> tuple[str, str] | None:
    for pattern, message, hint in _RULES:
        if pattern.search(path):
            return message.format(path if len(path) < 80 else path[:77] + "…"), hint
    return None
