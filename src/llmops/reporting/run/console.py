"""A run as a person sees it: suites, failures with their places, and one last line that says all."""

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from rich.cells import cell_len
from rich.text import Text

from llmops.domain.run import Status
from llmops.domain.verdict import Totals, Verdict
from llmops.reporting.base import Report, reporter
from llmops.reporting.encoders import terminal
from llmops.reporting.faults import print_faults
from llmops.reporting.problems import Complaint, Problem, cut, rerun_command
from llmops.reporting.summary import SuiteSummary, Summary
from llmops.reporting.terminal import Part, Screen, make_screen, pad, spread
from llmops.reporting.wording import (
    cost,
    counts,
    ended,
    mean_text,
    opening,
    pass_rate,
    plural,
    short_id,
    tally_text,
)

SHOWN_PROBLEMS: Final = 10
_MOST_SUITES: Final = 30
_MOST_METRICS: Final = 20
_MOST_EXCUSED: Final = 10
_MOST_COMPLAINTS: Final = 5
_OUTPUT_ROWS: Final = 8
_LONGEST_LABEL: Final = 60
_LONGEST_REASON: Final = 500
_COLOURS: Final[dict[Status, str]] = {
    "passed": "green",
    "failed": "red",
    "error": "yellow",
    "unscored": "yellow",
    "skipped": "dim",
}


@reporter("console", suffix=".txt", about="what the terminal shows, as plain text")
def write_console(report: Report, out: TextIO) -> None:
    """Write what a person would see in a pipe."""
    print_report(report, make_screen(out, {"NO_COLOR": "1", "CI": "1"}))


def print_report(
    report: Report,
    screen: Screen,
    *,
    shown: int | None = SHOWN_PROBLEMS,
    written: Sequence[str] = (),
) -> None:
    """Print a run.

    Args:
        report: Its trials are read once.
        screen: Where to.
        shown: Failures to print at most; None for all.
        written: Paths of the reports that were written.
    """
    totals = report.verdict.totals
    wrong = totals.failed + totals.error + totals.unscored
    summary = report.summary(keep=wrong if shown is None else shown)
    _print_opening(report, summary, screen)
    _print_suites(summary.suites, screen)
    for problem in summary.problems:
        screen.line()
        _print_problem(problem, summary, screen)
    _print_rest(report, summary, screen, written)
    _print_metrics(summary, screen)
    _print_ending(report, summary, screen, written)


def _print_opening(report: Report, summary: Summary, screen: Screen) -> None:
    words = opening(report.header, report.verdict, len(summary.suites))
    screen.line((" · ".join(words), "bold"))


def _print_suites(suites: Sequence[SuiteSummary], screen: Screen) -> None:
    shown = list(suites)
    if len(suites) > _MOST_SUITES:
        shown = sorted(suites, key=lambda suite: suite.status == "passed")
    shown, hidden = shown[:_MOST_SUITES], shown[_MOST_SUITES:]
    names = [screen.encode(cut(suite.name, _LONGEST_LABEL)) for suite in shown]
    cells = [_suite_cells(suite, screen) for suite in shown]
    left = max(map(cell_len, names), default=0)
    widest = max((cell_len(cell) for row in cells for cell in row), default=0)
    for suite, name, row in zip(shown, names, cells, strict=True):
        sign = (f" {screen.symbols.of(suite.status)} ", _COLOURS[suite.status])
        for index, line in enumerate(_rows(row, widest, screen.width - left - 6)):
            start: tuple[Part, ...] = (" " * (left + 3),) if index else (sign, pad(name, left))
            screen.line(*start, f"   {line}")
    if hidden:
        wrong = sum(suite.status != "passed" for suite in hidden)
        screen.line((f" … {plural(len(hidden), 'more suite')}, {wrong} not passed", "dim"))


def _suite_cells(suite: SuiteSummary, screen: Screen) -> list[str]:
    return [
        screen.encode(f"{cut(label, _LONGEST_LABEL)} {tally_text(tally)}")
        for label, tally in suite.arms
    ]


def _rows(cells: Sequence[str], widest: int, room: int) -> Iterator[str]:
    each = max(1, (room + 3) // (widest + 3))
    for start in range(0, len(cells), each):
        yield "   ".join(pad(cell, widest) for cell in cells[start : start + each]).rstrip()


def _print_problem(problem: Problem, summary: Summary, screen: Screen) -> None:
    title = screen.encode(cut(summary.title(problem), 200))
    place = screen.encode(str(problem.at))
    blanks = spread(f" x {title}", place, screen.width)
    sign = (f" {screen.symbols.of(problem.status)} ", _COLOURS[problem.status])
    screen.line(sign, (title, "bold"), blanks, (place, "cyan"))
    for complaint in problem.complaints[:_MOST_COMPLAINTS]:
        _print_complaint(complaint, problem, screen)
    more = len(problem.complaints) - _MOST_COMPLAINTS
    if more > 0:
        screen.line((f"   … {plural(more, 'more assertion')}", "dim"))
    _print_output(problem, screen)
    screen.line((f"   {rerun_command(problem)}", "dim"))


def _print_complaint(complaint: Complaint, problem: Problem, screen: Screen) -> None:
    words = screen.encode(
        f"   {complaint.label}   {cut(complaint.reason, _LONGEST_REASON)}".rstrip()
    )
    if complaint.at == problem.at:
        screen.line(words)
    else:
        place = screen.encode(str(complaint.at))
        screen.line(words, spread(words, place, screen.width), (place, "cyan"))
    if complaint.hint:
        screen.line(("   hint: ", "cyan"), cut(complaint.hint, _LONGEST_REASON))


def _print_output(problem: Problem, screen: Screen) -> None:
    if problem.output is None:
        return
    gutter = (f"   {screen.symbols.gutter} ", "dim")
    if not problem.output:
        screen.line(gutter, ("(empty output)", "dim"))
        return
    rows = list(_wrapped(problem.output, screen))
    for row in rows[:_OUTPUT_ROWS]:
        screen.line(gutter, row)
    if len(rows) > _OUTPUT_ROWS:
        screen.line(gutter, (f"… {problem.output_length:,} characters in all", "dim"))


def _wrapped(output: str, screen: Screen) -> Iterator[str]:
    """The output's first rows, one more than are shown if there are more."""
    room = screen.width - 6
    count = 0
    for line in output.split("\n", _OUTPUT_ROWS + 1)[: _OUTPUT_ROWS + 1]:
        start = terminal(line[: room * (_OUTPUT_ROWS + 1)].expandtabs(4))
        for row in Text(start).wrap(screen.console, room) or [Text("")]:
            yield row.plain
            count += 1
            if count > _OUTPUT_ROWS:
                return


def _print_rest(report: Report, summary: Summary, screen: Screen, written: Sequence[str]) -> None:
    hidden = _hidden(report.verdict.totals, summary.problems)
    if not hidden:
        return
    where = ", ".join(written) or f"'llmops report {short_id(report.header.id)}'"
    screen.line()
    screen.line(f" … ({', '.join(hidden)})   all of them: {where}")


def _hidden(totals: Totals, problems: Sequence[Problem]) -> list[str]:
    words: tuple[tuple[Status, str], ...] = (
        ("failed", "more failure"),
        ("error", "more error"),
        ("unscored", "more unscored trial"),
    )
    hidden = []
    for status, noun in words:
        count = getattr(totals, status) - sum(problem.status == status for problem in problems)
        if count > 0:
            hidden.append(plural(count, noun))
    return hidden


def _print_metrics(summary: Summary, screen: Screen) -> None:
    if not summary.metrics:
        return
    labels = list(dict.fromkeys(label for row in summary.metrics.values() for label in row))
    table = [["metric", *(cut(label, _LONGEST_LABEL) for label in labels)]]
    for metric, means_by_label in list(summary.metrics.items())[:_MOST_METRICS]:
        means = [
            mean_text(means_by_label[label]) if label in means_by_label else "" for label in labels
        ]
        table.append([cut(metric, _LONGEST_LABEL), *means])
    shown = [[screen.encode(cell) for cell in row] for row in table]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    screen.line()
    for index, row in enumerate(shown):
        line = "   ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True))
        screen.line((f" {line}".rstrip(), "" if index else "dim"))
    if len(summary.metrics) > _MOST_METRICS:
        screen.line((f" … {plural(len(summary.metrics) - _MOST_METRICS, 'more metric')}", "dim"))


def _print_ending(report: Report, summary: Summary, screen: Screen, written: Sequence[str]) -> None:
    screen.line()
    print_faults(report.warnings, screen)
    _print_excused(report.verdict.totals, summary, screen)
    if summary.soft_failures:
        failed = plural(summary.soft_failures, "soft assertion")
        screen.line((f" {failed} failed, which fails no case", "dim"))
    verdict = report.verdict
    if verdict.status not in {"passed", "failed"}:
        screen.line((f" {screen.symbols.error} {verdict.reason}", "bold yellow"))
    arrow = f"  →  {', '.join(written)}" if written else ""
    groups = [
        _counts(verdict),
        f"{cost(verdict.totals)} · {ended(report.footer)}",
        f"run {short_id(report.header.id)}{arrow}",
    ]
    whole = f" {'      '.join(groups)}"
    colour = "green" if verdict.green else "red"
    if cell_len(whole) <= screen.width:
        screen.line((f" {groups[0]}", f"bold {colour}"), whole[len(groups[0]) + 1 :])
        return
    screen.line((f" {groups[0]}", f"bold {colour}"))
    for group in groups[1:]:
        screen.line(f" {group}")


def _print_excused(totals: Totals, summary: Summary, screen: Screen) -> None:
    """Name what failed and is excused, so that nobody forgets it."""
    shown = summary.excused[:_MOST_EXCUSED]
    for problem in shown:
        words = cut(f"quarantined {problem.quarantined}", _LONGEST_REASON)
        screen.line((f" {cut(summary.title(problem), 200)} failed, {words}", "dim"))
    if totals.quarantined_failed > len(shown):
        more = plural(totals.quarantined_failed - len(shown), "more failure")
        screen.line((f" … {more} in quarantine", "dim"))


def _counts(verdict: Verdict) -> str:
    totals = verdict.totals
    words = counts(totals)
    rate = pass_rate(totals) if totals.error or totals.unscored else None
    return " · ".join([*words, rate] if rate else words)
