"""The runs that are kept."""

from dataclasses import asdict, dataclass
from pathlib import Path

from llmops.running.store import FOLDER, read_run, run_ids
from llmops.workflows.project import Surroundings, open_config


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListing:
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


def list_runs(surroundings: Surroundings, limit: int) -> list[RunListing]:
    """List kept runs, the newest first.

    Raises:
        InvalidInputError: The configuration or the file of a run is broken.
    """
    root, _config = open_config(surroundings)
    folder = root / FOLDER
    return [_listing(folder, id_) for id_ in run_ids(folder)[::-1][:limit]]


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
