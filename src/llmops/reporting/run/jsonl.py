"""A run as JSON lines: a header, a line a trial, a footer, the verdict; readable as a kept run."""

from collections.abc import Iterator
from typing import TextIO

from llmops.domain.frame import footer_to_json, header_to_json
from llmops.domain.record import Json, trial_to_json
from llmops.reporting.base import Report, reporter
from llmops.reporting.run.json import SCHEMA, json_text, verdict_to_json


@reporter("jsonl", suffix=".jsonl", about="a line a trial, for programs that read as they go")
def write_jsonl(report: Report, out: TextIO) -> None:
    """Write one JSON value a line."""
    for line in _lines(report):
        out.write(f"{json_text(line)}\n")


def _lines(report: Report) -> Iterator[Json]:
    yield {"schema": SCHEMA, "header": header_to_json(report.header)}
    for index, trial in enumerate(report.trials()):
        yield {"n": index, "trial": trial_to_json(trial)}
    if report.footer is not None:
        yield {"footer": footer_to_json(report.footer)}
    yield {"verdict": verdict_to_json(report.verdict)}
