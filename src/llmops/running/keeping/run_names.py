"""Names of kept runs in, their files out."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from llmops.errors import InvalidInputError, did_you_mean

FOLDER = ".llmops/runs"


def new_id(now: datetime, digit: int) -> str:
    """Name a run that begins now. Ids sort as their runs began, to the microsecond.

    Args:
        now: In UTC.
        digit: By chance, 0 to 15: tells runs apart that begin at once.
    """
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond:05x}{digit:x}"


def run_ids(folder: Path) -> list[str]:
    """The ids of the runs in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def find_run(folder: Path, wanted: str | None) -> Path:
    """The file of a run.

    Args:
        folder: The folder of kept runs.
        wanted: An id, its beginning or its end, or a path; None for the newest.

    Raises:
        InvalidInputError: No run or several runs are meant.
    """
    ids = run_ids(folder)
    if wanted in ids:
        return folder / f"{wanted}.jsonl"
    if wanted is not None and wanted.endswith(".jsonl") and Path(wanted).is_file():
        return Path(wanted)
    if wanted in {None, "last"}:
        if not ids:
            raise InvalidInputError(
                "no run is kept yet", code="unknown-run", hint="run 'llmops test' first"
            )
        return folder / f"{ids[-1]}.jsonl"
    word = str(wanted)
    matching = [id_ for id_ in ids if word and (id_.startswith(word) or id_.endswith(word))]
    if len(matching) == 1:
        return folder / f"{matching[0]}.jsonl"
    raise _not_one(word, matching, ids)


def _not_one(word: str, matching: Sequence[str], ids: Sequence[str]) -> InvalidInputError:
    if matching:
        message = f"'{word}' could be {' or '.join(matching[:5])}"
        return InvalidInputError(message, code="ambiguous-run", hint="write more of the id")
    hint = did_you_mean(word, ids) or "'llmops runs' lists them"
    return InvalidInputError(f"no run is called '{word}'", code="unknown-run", hint=hint)
