"""What kept runs say of contents: how often they passed, and what they cost."""

from collections.abc import Collection, Mapping
from pathlib import Path

from llmops.domain.completion import canonical_json
from llmops.domain.run import TrialResult
from llmops.domain.verdict import Totals
from llmops.errors import InvalidInputError
from llmops.running.keeping.run_names import run_ids
from llmops.running.keeping.store import read_header, read_run

_NEWEST = 50
"""So many runs are looked through; older ones say little of today's suites."""


def results_by_content(folder: Path, hashes: Collection[str]) -> Mapping[str, Totals]:
    """Sum up the kept trials of prompts, by content hash.

    A trial that several runs carried out counts once, as the newest run has it. Runs that cannot
    be read are passed over: `llmops runs` complains of them.

    Args:
        folder: The folder of kept runs.
        hashes: The contents asked for.
    """
    newest: dict[str, dict[str, TrialResult]] = {}
    for id_ in run_ids(folder)[-_NEWEST:]:
        for trial in _trials(folder / f"{id_}.jsonl", hashes):
            kept = newest.setdefault(trial.arm.content_hash or "", {})
            kept[_identity(trial)] = trial
    return {content: _totals(trials) for content, trials in newest.items()}


def _trials(path: Path, hashes: Collection[str]) -> list[TrialResult]:
    header = read_header(path)
    if header is None or not set(hashes) & set(header.prompts.values()):
        return []
    try:
        return [trial for trial in read_run(path).trials() if trial.arm.content_hash in hashes]
    except InvalidInputError:
        return []


def _identity(trial: TrialResult) -> str:
    arm = trial.arm
    return canonical_json(
        [trial.suite, trial.case_hash, arm.model, dict(arm.parameters), trial.sample]
    )


def _totals(trials: Mapping[str, TrialResult]) -> Totals:
    totals = Totals(planned=len(trials))
    for trial in trials.values():
        totals.add(trial)
    return totals
