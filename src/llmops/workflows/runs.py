"""The runs that are kept."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from llmops.errors import Fault, InvalidInputError
from llmops.running.keeping.run_names import FOLDER, run_ids
from llmops.running.keeping.store import read_run
from llmops.workflows.opening.project import Surroundings, open_config


class RunListing(Struct, frozen=True, kw_only=True):
    """A kept run: what it came to, and what it spent in US dollars."""

    id: str
    started: str
    status: str
    exit_code: int
    reason: str
    planned: int
    passed: int
    spent: float
    command: str

    def as_json(self) -> dict[str, object]:
        """The listing as plain JSON values."""
        return asdict(self)


def list_runs(surroundings: Surroundings, limit: int) -> tuple[list[RunListing], tuple[Fault, ...]]:
    """List kept runs, the newest first.

    Returns:
        The runs, and what is wrong with files that hold none.

    Raises:
        InvalidInputError: The configuration is broken.
    """
    root, _config = open_config(surroundings)
    folder = root / FOLDER
    listed: list[RunListing] = []
    faults: list[Fault] = []
    for id_ in reversed(run_ids(folder)):
        if len(listed) == limit:
            break
        try:
            listed.append(_listing(folder, id_))
        except InvalidInputError as error:
            faults += error.faults
    return listed, tuple(faults)


def _listing(folder: Path, id_: str) -> RunListing:
    run = read_run(folder / f"{id_}.jsonl")
    verdict = run.verdict()
    return RunListing(
        id=run.header.id,
        started=run.header.started,
        status=verdict.status,
        exit_code=verdict.exit_code,
        reason=verdict.reason,
        planned=verdict.totals.planned,
        passed=verdict.totals.passed,
        spent=verdict.totals.spent,
        command=" ".join(run.header.command),
    )
