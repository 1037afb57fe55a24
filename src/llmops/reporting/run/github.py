"""A run on GitHub: annotations beside the lines they speak of, and the summary of a step."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

from llmops.errors import Fault, UnavailableError
from llmops.location import Location
from llmops.reporting.base import Report, reporter
from llmops.reporting.encoders import ci_log
from llmops.reporting.problems import Problem, cut
from llmops.reporting.run.markdown import render_markdown
from llmops.reporting.summary import Summary

SUMMARY_LIMIT: Final = 900 * 1024
"""Bytes of a step's summary. GitHub drops one of more than 1 MiB whole."""

_MOST_ERRORS: Final = 10
_MOST_WARNINGS: Final = 10
_LONGEST_WORDS: Final = 1_000
_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


@reporter("github", suffix=".txt", about="annotations for a GitHub workflow, on standard output")
def write_github(report: Report, out: TextIO) -> None:
    """Write at most ten errors, for GitHub shows no more of a step, and how many there are."""
    for line in _lines(report):
        out.write(f"{line}\n")


def append_step_summary(report: Report, path: Path) -> None:
    """Append the run to a step's summary.

    Args:
        report: Its trials are read once.
        path: The file that GITHUB_STEP_SUMMARY names; what other programs wrote there counts
            against the limit.

    Raises:
        UnavailableError: It cannot be written.
    """
    try:
        used = path.stat().st_size if path.exists() else 0
        text = render_markdown(report, limit=SUMMARY_LIMIT - used, measure=_bytes)
        if used + _bytes(text) > SUMMARY_LIMIT:
            return
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UnavailableError(
            f"the step's summary {path} cannot be written: {error.strerror or error}"
        ) from None


def command(level: str, words: str, *, title: str, at: Location | None = None) -> str:
    """One annotation, whatever its words hold: `error`, `warning` or `notice`."""
    place: Mapping[str, str | int] = {}
    if at is not None:
        place = {"file": at.path, "line": at.line, "col": at.column}
    properties = ",".join(
        f"{name}={ci_log(cut(str(value), _LONGEST_WORDS)).translate(_PROPERTY)}"
        for name, value in {**place, "title": title}.items()
    )
    data = ci_log(cut(words, _LONGEST_WORDS)).translate(_DATA)
    return f"::{level} {properties}::{data}"


def _lines(report: Report) -> Iterator[str]:
    verdict, totals = report.verdict, report.verdict.totals
    summary = report.summary(keep=_MOST_ERRORS - 1)
    wrong = totals.failed + totals.error + totals.unscored
    hidden = wrong - len(summary.problems)
    more = f"; {hidden:,} more than shown here, see the summary" if hidden > 0 else ""
    level = "notice" if verdict.green else "error"
    yield command(level, f"{verdict.reason}{more}", title=f"llmops: {verdict.status}")
    for problem in summary.problems:
        yield _annotation(problem, summary)
    for fault in report.warnings[:_MOST_WARNINGS]:
        yield _warning(fault)


def _annotation(problem: Problem, summary: Summary) -> str:
    lines = []
    for complaint in problem.complaints:
        lines.append(f"{complaint.label}: {complaint.reason}")
        if complaint.hint:
            lines.append(f"hint: {complaint.hint}")
    return command("error", "\n".join(lines), title=summary.title(problem), at=problem.at)


def _warning(fault: Fault) -> str:
    hint = f"\nhint: {fault.hint}" if fault.hint else ""
    return command("warning", f"{fault.message}{hint}", title=f"llmops: {fault.code}", at=fault.at)


def _bytes(text: str) -> int:
    return len(text.encode())
