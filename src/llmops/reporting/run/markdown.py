"""A run as Markdown for a pull request's comment or a CI summary, within its size limit.

What does not fit is left out by whole sections, and the end says what it was.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TextIO

from llmops.domain.verdict import Totals
from llmops.reporting.base import Report, reporter
from llmops.reporting.encoders import markdown_block, markdown_inline
from llmops.reporting.page import COMMENT_LIMIT, Page
from llmops.reporting.problems import Complaint, Problem, rerun_command
from llmops.reporting.summary import SuiteSummary, Summary
from llmops.reporting.terminal import UNICODE
from llmops.reporting.wording import (
    cost,
    counts,
    ended,
    mean_text,
    pass_rate,
    plural,
    short_id,
    tally_text,
)

_RESERVED: Final = 600
_SMALLEST_PROBLEM: Final = 150
_MOST_PROBLEMS: Final = 2_000
_MOST_SUITES: Final = 100
_MOST_COLUMNS: Final = 8
_MOST_METRICS: Final = 50
_MOST_EXCUSED: Final = 20
_MOST_COMPLAINTS: Final = 5
_MOST_WARNINGS: Final = 20
_LONGEST_OUTPUT: Final = 2_000


@reporter("markdown", suffix=".md", about="for a pull request's comment, under 60,000 characters")
def write_markdown(report: Report, out: TextIO) -> None:
    """Write the form that fits a comment."""
    out.write(render_markdown(report))


def render_markdown(
    report: Report, *, limit: int = COMMENT_LIMIT, measure: Callable[[str], int] = len
) -> str:
    """Make the Markdown of a run. The verdict is always in it.

    Args:
        report: Its trials are read once.
        limit: The largest size allowed.
        measure: What the limit counts: characters, or bytes.
    """
    keep = min(_MOST_PROBLEMS, max(1, limit // _SMALLEST_PROBLEM))
    summary = report.summary(keep=keep)
    head = _head(report)
    page = Page(room=limit - measure(head) - _RESERVED, measure=measure)
    tables = page.fit([_suite_table(summary.suites)], "the table of suites")
    warnings = page.fit(_warnings(report), "the warnings")
    metrics = page.fit(_metric_table(summary), "the table of metrics")
    excused = page.fit(_excused(summary, report.verdict.totals), "the failures in quarantine")
    problems = page.fit(_problems(summary), "")
    totals = report.verdict.totals
    hidden = totals.failed + totals.error + totals.unscored - len(problems)
    if hidden > 0:
        page.dropped.insert(0, f"{plural(hidden, 'trial')} that did not pass")
    told = [*_folded(problems), *excused, *metrics]
    whole = markdown_inline(f"llmops report {short_id(report.header.id)}", limit=60)
    return "\n".join([head, *tables, *warnings, *told, *page.ending(whole)])


def _head(report: Report) -> str:
    verdict, header = report.verdict, report.header
    totals = verdict.totals
    sign = UNICODE.passed if verdict.green else UNICODE.failed
    words = counts(totals)
    rate = pass_rate(totals)
    words += [rate] if rate else []
    words += [cost(totals).replace("$", "&#36;"), ended(report.footer)]
    words.append(f"run {markdown_inline(short_id(header.id), limit=40)}")
    if header.commit:
        dirty = " and uncommitted changes" if header.dirty else ""
        words.append(f"commit {markdown_inline(header.commit[:12])}{dirty}")
    return (
        f"### {sign} llmops: {verdict.reason}\n\n"
        f"**{verdict.status}** (exit code {verdict.exit_code}) · {' · '.join(words)}\n"
    )


def _suite_table(suites: Sequence[SuiteSummary]) -> str:
    shown = list(suites)
    if len(suites) > _MOST_SUITES:
        shown = sorted(suites, key=lambda suite: suite.status == "passed")
    shown, hidden = shown[:_MOST_SUITES], shown[_MOST_SUITES:]
    labels = list(dict.fromkeys(label for suite in shown for label, _ in suite.arms))
    columns = labels if len(labels) <= _MOST_COLUMNS else []
    lines = _header_rows(["suite", *(map(markdown_inline, columns) if columns else ["passed"])])
    for suite in shown:
        name = f"{UNICODE.of(suite.status)} {markdown_inline(suite.name)}"
        lines.append(_table_row([name, *_suite_cells(suite, columns)]))
    if hidden:
        wrong = sum(suite.status != "passed" for suite in hidden)
        lines.append(f"\n… {plural(len(hidden), 'more suite')}, {wrong} not passed")
    return "\n".join(lines) + "\n"


def _suite_cells(suite: SuiteSummary, columns: Sequence[str]) -> list[str]:
    found = {label: tally_text(tally) for label, tally in suite.arms}
    if columns:
        return [found.get(label, "") for label in columns]
    shown = list(found.items())[:_MOST_COLUMNS]
    more = [f"{len(found) - len(shown)} more"] if len(found) > len(shown) else []
    return [", ".join([*(f"{markdown_inline(label)} {text}" for label, text in shown), *more])]


def _metric_table(summary: Summary) -> list[str]:
    if not summary.metrics:
        return []
    lines = _header_rows(["metric", "arm", "mean"])
    rows = [
        [markdown_inline(metric), markdown_inline(label), mean_text(mean)]
        for metric, row in summary.metrics.items()
        for label, mean in row.items()
    ]
    lines += [_table_row(row) for row in rows[:_MOST_METRICS]]
    if len(rows) > _MOST_METRICS:
        lines.append(f"\n… {plural(len(rows) - _MOST_METRICS, 'more row')}")
    return ["\n".join(lines) + "\n"]


def _warnings(report: Report) -> list[str]:
    shown = []
    for fault in report.warnings[:_MOST_WARNINGS]:
        place = f"{markdown_inline(str(fault.at))} " if fault.at else ""
        shown.append(f"- {place}{markdown_inline(fault.message)}")
    more = len(report.warnings) - _MOST_WARNINGS
    shown += [f"- … {plural(more, 'more warning')}"] if more > 0 else []
    return ["Warnings:\n\n" + "\n".join(shown) + "\n"] if shown else []


def _excused(summary: Summary, totals: Totals) -> list[str]:
    shown = [
        f"- {markdown_inline(summary.title(problem))}: {markdown_inline(problem.quarantined or '')}"
        for problem in summary.excused[:_MOST_EXCUSED]
    ]
    more = totals.quarantined_failed - len(shown)
    shown += [f"- … {plural(more, 'more failure')}"] if shown and more > 0 else []
    return ["Failed in quarantine:\n\n" + "\n".join(shown) + "\n"] if shown else []


def _problems(summary: Summary) -> list[str]:
    return ["\n".join(_problem(problem, summary)) for problem in summary.problems]


def _problem(problem: Problem, summary: Summary) -> Iterator[str]:
    title = markdown_inline(summary.title(problem))
    place = markdown_inline(str(problem.at))
    yield f"**{UNICODE.of(problem.status)}** {title} · {place}\n"
    for complaint in problem.complaints[:_MOST_COMPLAINTS]:
        yield _complaint(complaint)
    more = len(problem.complaints) - _MOST_COMPLAINTS
    if more > 0:
        yield f"- … {plural(more, 'more assertion')}"
    yield ""
    if problem.output == "":
        yield "(empty output)\n"
    elif problem.output is not None:
        yield markdown_block(problem.output[:_LONGEST_OUTPUT])
        if problem.output_length > _LONGEST_OUTPUT:
            yield f"… cut here: {problem.output_length:,} characters in all\n"
    yield f"{markdown_inline(rerun_command(problem))}\n"


def _complaint(complaint: Complaint) -> str:
    hint = f" · hint: {markdown_inline(complaint.hint)}" if complaint.hint else ""
    return f"- {markdown_inline(complaint.label)} {markdown_inline(complaint.reason)}{hint}"


def _folded(problems: Sequence[str]) -> list[str]:
    if not problems:
        return []
    title = plural(len(problems), "trial") + " that did not pass"
    return [f"<details><summary>{title}</summary>\n", *problems, "</details>\n"]


def _header_rows(cells: Sequence[str]) -> list[str]:
    return [_table_row(cells), "|" + "---|" * len(cells)]


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
