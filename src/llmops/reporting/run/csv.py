"""A run as a table for spreadsheets, a row a trial."""

import csv
from typing import Final, TextIO

from llmops.domain.run import TrialResult
from llmops.reporting.base import Report, reporter
from llmops.reporting.encoders import csv_cell
from llmops.reporting.problems import Complaint, judged_output, parameters_text, problem_of

COLUMNS: Final = (
    "suite",
    "case",
    "prompt",
    "version",
    "hash",
    "model",
    "parameters",
    "sample",
    "status",
    "score",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_written_tokens",
    "reasoning_tokens",
    "cost_usd",
    "origin",
    "output",
    "reason",
    "quarantined",
)

_Cell = str | float | None


@reporter("csv", suffix=".csv", about="a row a trial, for spreadsheets; json is the lossless form")
def write_csv(report: Report, out: TextIO) -> None:
    """Write a header row and a row a trial. What is unknown is empty, never 0."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trial in report.trials():
        writer.writerow([csv_cell(value) for value in _row(trial)])


def _row(trial: TrialResult) -> tuple[_Cell, ...]:
    arm = trial.arm
    return (
        trial.suite,
        trial.case,
        arm.prompt,
        arm.version,
        arm.content_hash,
        arm.model,
        parameters_text(arm.parameters),
        trial.sample,
        trial.status,
        trial.value,
        *_measured(trial),
        trial.origin if trial.exchanges else None,
        judged_output(trial),
        None if trial.status == "passed" else _reasons(problem_of(trial).complaints),
        trial.quarantined,
    )


def _measured(trial: TrialResult) -> tuple[_Cell, ...]:
    """Latency, tokens by kind, and cost over all exchanges; None where a part is unknown."""
    completions = [e.completion for e in trial.exchanges if e.completion is not None]
    return (
        _sum([completion.latency for completion in completions]),
        _sum([completion.usage.input for completion in completions]),
        _sum([completion.usage.output for completion in completions]),
        _sum([completion.usage.cached for completion in completions]),
        _sum([completion.usage.cache_written for completion in completions]),
        _sum([completion.usage.reasoning for completion in completions]),
        _sum([completion.cost for completion in completions]),
    )


def _sum(values: list[float | None] | list[float] | list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _reasons(complaints: tuple[Complaint, ...]) -> str:
    return "\n".join(f"{complaint.label}: {complaint.reason}" for complaint in complaints)
