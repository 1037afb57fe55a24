"""What kept runs heard: completions by the request that they answered."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.domain.run import TrialResult
from llmops.errors import InvalidInputError
from llmops.running.keeping.run_names import run_ids
from llmops.running.keeping.store import read_header, read_run

_NEWEST = 20
"""So many runs are looked through, the newest first."""
_Key = tuple[str, str]


class KeptAnswers(Struct):
    """Completions of the runs in a folder; the newest answer to a request counts.

    Attributes:
        folder: Where runs are kept. Those of untrusted files are passed over.
    """

    folder: Path
    _known: dict[_Key, Completion] | None = field(default=None)

    def find(self, digest: str, model: Model) -> Completion | None:
        """What a model answered to a request.

        Args:
            digest: The request's, with its sample number.
            model: Whose answer; a scripted model's is never taken, for its script may change.
        """
        if model.via == "scripted":
            return None
        if self._known is None:
            self._known = self._read()
        return self._known.get((model.label, digest))

    def _read(self) -> dict[_Key, Completion]:
        found: dict[_Key, Completion] = {}
        for _id, trials in recent_runs(self.folder):
            for trial in trials:
                for key, completion in _answers(trial).items():
                    found.setdefault(key, completion)
        return found


def recent_runs(folder: Path) -> Iterator[tuple[str, list[TrialResult]]]:
    """The newest runs of trusted files with their trials, the newest first."""
    for id_ in reversed(run_ids(folder)[-_NEWEST:]):
        path = folder / f"{id_}.jsonl"
        header = read_header(path)
        if header is not None and not header.untrusted:
            yield id_, _trials(path)


def _trials(path: Path) -> list[TrialResult]:
    """The trials of a run; none of one that cannot be read, of which `llmops runs` complains."""
    try:
        return list(read_run(path).trials())
    except InvalidInputError:
        return []


def _answers(trial: TrialResult) -> dict[_Key, Completion]:
    return {
        (trial.arm.model, exchange.digest): exchange.completion
        for exchange in trial.exchanges
        if exchange.digest and exchange.completion is not None
    }
