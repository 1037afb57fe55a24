"""A diff as Markdown for a pull request's comment, within its size limit.

What does not fit is left out by whole sections, and the end says what it was.
"""

from collections.abc import Iterator
from typing import Final, TextIO

from llmops.domain.comparison import Pair, Side
from llmops.domain.difference import TextDiff
from llmops.domain.rendered import RenderedDiff, RenderedGroup, Unrendered
from llmops.reporting.diff.base import (
    DiffReport,
    VersionName,
    group_title,
    pair_title,
    part_title,
    rendered_title,
    rows,
    ways,
)
from llmops.reporting.diff.explained import (
    asides,
    case_title,
    explained_title,
    named_edits,
    spent_text,
)
from llmops.reporting.diff.totals import totals_table
from llmops.reporting.encoders import markdown_block, markdown_inline
from llmops.reporting.page import COMMENT_LIMIT, Page
from llmops.reporting.terminal import UNICODE
from llmops.reporting.wording import plural, short_id

_RESERVED: Final = 600
_MOST_ROWS: Final = 60
_MOST_PAIRS: Final = 400
_MOST_GROUPS: Final = 50
_MOST_NOTES: Final = 20
_MOST_REASONS: Final = 5


def write_diff_markdown(report: DiffReport, out: TextIO) -> None:
    """Write the form that fits a comment."""
    out.write(render_diff_markdown(report))


def render_diff_markdown(report: DiffReport, *, limit: int = COMMENT_LIMIT) -> str:
    """Make the Markdown of a diff. The verdict is always in it.

    Args:
        report: The diff.
        limit: Characters at most.
    """
    head = _head(report)
    page = Page(room=limit - len(head) - _RESERVED)
    parts = [head]
    parts += page.fit(_totals(report), "the table of totals")
    parts += page.fit(list(_notes(report)), "some notes")
    parts += page.fit(list(_explained(report)), "parts of the explanation")
    parts += page.fit(list(_source(report)), "parts of the source")
    if report.rendered is not None:
        parts += page.fit(list(_rendered(report.rendered)), "changes of messages")
    loudest = report.loudest()
    pairs = page.fit([_pair(report, pair) for pair in loudest[:_MOST_PAIRS]], "")
    if len(pairs) < len(loudest):
        page.dropped.append(f"the outputs of {plural(len(loudest) - len(pairs), 'case')}")
    return "\n".join([*parts, *_folded(pairs), *page.ending("`llmops diff --json`")])


def _head(report: DiffReport) -> str:
    verdict = report.verdict
    sign = UNICODE.passed if verdict.good else UNICODE.error
    if verdict.status == "regressed":
        sign = UNICODE.failed
    run = f" · run {markdown_inline(short_id(report.run), limit=40)}" if report.run else ""
    return (
        f"### {sign} llmops diff: {verdict.status}\n\n"
        f"**{verdict.reason}**{run}\n\n"
        f"- {_version(report.before)}\n- {_version(report.after)}\n"
    )


def _version(version: VersionName) -> str:
    claimed = f" · version {markdown_inline(version.version)}" if version.version else ""
    commit = f"commit {version.commit[:12]}" if version.commit else "work tree"
    return f"{markdown_inline(version.name)}{claimed} · hash {version.content_hash} · {commit}"


def _totals(report: DiffReport) -> list[str]:
    table = totals_table(report)
    if not table:
        return []
    heading, *others = table
    lines = [_table_row(["", *(markdown_inline(cell) for cell in heading[1:3]), "difference"])]
    lines.append("|" + "---|" * len(heading))
    lines += (_table_row([markdown_inline(row[0]), *(map(_amount, row[1:]))]) for row in others)
    return ["\n".join(lines) + "\n"]


def _amount(text: str) -> str:
    return text.replace("$", "&#36;")


def _table_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(report: DiffReport) -> Iterator[str]:
    notes = [f"- {markdown_inline(note)}" for note in report.notes]
    unpaired = report.comparison.unpaired if report.comparison else ()
    for one in unpaired[:_MOST_NOTES]:
        case = markdown_inline(f"{one.suite}::{one.case} › {one.model}")
        side = "first" if one.side == "before" else "second"
        notes.append(f"- {case} only on the {side} side: {one.reason}")
    more = len(unpaired) - _MOST_NOTES
    notes += [f"- … {plural(more, 'more trial')} without a counterpart"] if more > 0 else []
    if notes:
        yield "\n".join(notes) + "\n"


def _explained(report: DiffReport) -> Iterator[str]:
    explained = report.explained
    if explained is None:
        return
    yield f"**Explained**: {explained_title(explained)}\n"
    for case in explained.cases[:_MOST_PAIRS]:
        yield f"- {markdown_inline(case_title(case))}: {markdown_inline(case.reason)}\n"
    for title, edit in named_edits(explained):
        yield f"{markdown_inline(title)}\n\n{_text(report.of_edit(edit))}"
    lines = [*asides(explained), *([spent_text(explained)] if explained.note is None else [])]
    if lines:
        yield "\n".join(f"- {_amount(markdown_inline(line))}" for line in lines) + "\n"


def _source(report: DiffReport) -> Iterator[str]:
    if not report.change.parts:
        return
    step = "" if report.change.step == "none" else f", a {report.change.step} step"
    yield f"**Source**: {plural(len(report.change.parts), 'part')} changed{step}\n"
    for part in report.change.parts:
        yield f"{markdown_inline(part_title(part))}\n\n{_text(report.of_part(part))}"


def _rendered(rendered: RenderedDiff) -> Iterator[str]:
    yield f"**Messages**: {rendered_title(rendered)}\n"
    for group in rendered.groups[:_MOST_GROUPS]:
        yield _group(group)
    more = len(rendered.groups) - _MOST_GROUPS
    if more > 0:
        yield f"… {ways(more, 'more ')}\n"
    for one in rendered.unrendered[:_MOST_NOTES]:
        yield _unrendered(one)
    more = len(rendered.unrendered) - _MOST_NOTES
    if more > 0:
        yield f"… {plural(more, 'more case')} not rendered on a side\n"


def _group(group: RenderedGroup) -> str:
    changes = [
        f"{change.status}: {markdown_inline(change.message)}\n\n{_text(change.diff)}"
        for change in group.changes
    ]
    return "\n".join([f"{markdown_inline(group_title(group))}\n", *changes])


def _unrendered(one: Unrendered) -> str:
    lines = [f"{UNICODE.error} {markdown_inline(str(one.case))} is not rendered"]
    for side, faults in (("first", one.before), ("second", one.after)):
        lines += [f"- {side} side: {markdown_inline(str(fault.message))}" for fault in faults]
    return "\n".join(lines) + "\n"


def _pair(report: DiffReport, pair: Pair) -> str:
    lines = [f"**{pair.outcome}** {markdown_inline(pair_title(pair))}\n"]
    lines += _side("first side", pair.before)
    lines += _side("second side", pair.after)
    if pair.before.output is not None and pair.after.output is not None:
        lines.append(_text(report.of_pair(pair)))
    return "\n".join(lines)


def _side(words: str, side: Side) -> list[str]:
    if side.status == "passed":
        return []
    reasons = [f"- {markdown_inline(reason)}" for reason in side.reasons[:_MOST_REASONS]]
    return [f"{words} {side.status}\n", *reasons, ""]


def _text(diff: TextDiff) -> str:
    shown = [row.plain for row in rows(diff, most=_MOST_ROWS)]
    return markdown_block("\n".join(shown)) if shown else ""


def _folded(pairs: list[str]) -> list[str]:
    if not pairs:
        return []
    title = f"Outputs of {plural(len(pairs), 'case')}"
    return [f"<details><summary>{title}</summary>\n", *pairs, "</details>\n"]
