"""What was typed, turned into the values that workflows take."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from llmops.errors import InvalidInputError, UnavailableError
from llmops.loading.values import json_or_text
from llmops.workflows.opening.project import Surroundings


def surroundings(*, untrusted: bool = False) -> Surroundings:
    """The world outside as it is now.

    Some events run with keys on files that strangers wrote; they make a run untrusted of itself.

    Raises:
        UnavailableError: The folder we stand in is gone.
    """
    return Surroundings(
        folder=_here(),
        environment=dict(os.environ),
        untrusted=untrusted or _strangers_files(),
    )


def pairs(typed: Sequence[str] | None, option: str) -> dict[str, str]:
    """Read `NAME=VALUE` words; what a value means depends on the input it is for.

    Raises:
        InvalidInputError: A word has no `=`.
    """
    found: dict[str, str] = {}
    for word in typed or ():
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidInputError(
                f"{option} '{word}' is no NAME=VALUE",
                code="usage",
                hint=f"write {option} name=value",
            )
        found[name] = value
    return found


def sweep(typed: Sequence[str] | None) -> dict[str, tuple[object, ...]]:
    """Read `--param temperature=0,0.7`: every value of a list becomes an arm of its own.

    Raises:
        InvalidInputError: A word has no `=`, or a value is missing.
    """
    found: dict[str, tuple[object, ...]] = {}
    for word in typed or ():
        name, equals, values = word.partition("=")
        if not equals or not name or not values:
            raise InvalidInputError(
                f"--param '{word}' is no NAME=VALUE",
                code="usage",
                hint="write --param temperature=0,0.7",
            )
        listed = isinstance(json_or_text(values), list | dict)
        parts = [values] if listed else values.split(",")
        found[name] = tuple(json_or_text(part.strip()) for part in parts)
    return found


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UnavailableError(
            f"the current folder cannot be read: {error.strerror}",
            code="no-folder",
            hint="cd into a folder that is there",
        ) from None


def _strangers_files() -> bool:
    event = os.environ.get("GITHUB_EVENT_NAME", "")
    if event in {"pull_request_target", "issue_comment", "workflow_run"}:
        return True
    of_pull_request = event.startswith("pull_request")  # a review or its comment, too
    return of_pull_request and _from_fork(os.environ.get("GITHUB_EVENT_PATH", ""))


def _from_fork(path: str) -> bool:
    """Whether GitHub's event speaks of a fork; an event that cannot be read counts as one."""
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
        head = event["pull_request"]["head"]["repo"]["full_name"]
        return bool(head != event["pull_request"]["base"]["repo"]["full_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return True
