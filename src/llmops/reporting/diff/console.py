"""A diff as a person sees it: source, messages, outputs, both sides' totals, one last line."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len

from llmops.domain.comparison import Outcome, Pair, Side
from llmops.domain.difference import TextDiff, WordKind
from llmops.domain.explanation import Explanation
from llmops.domain.rendered import RenderedDiff, Unrendered
from llmops.domain.run import Failure
from llmops.reporting.diff.base import (
    DiffReport,
    Row,
    VersionName,
    bracketed,
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
from llmops.reporting.problems import cut
from llmops.reporting.terminal import Part, Screen, pad
from llmops.reporting.wording import plural, short_id

SHOWN_CASES: Final = 10
_MOST_ROWS: Final = 40
_MOST_GROUPS: Final = 20
_MOST_FAULTY: Final = 20
_MOST_REASONS: Final = 5
_MOST_EXPLAINED: Final = 50
_SIGNS: Final[dict[Outcome, tuple[str, str]]] = {
    "broken": ("failed", "red"),
    "fixed": ("passed", "green"),
    "unknown": ("unscored", "yellow"),
    "changed": ("dot", "cyan"),
    "same": ("dot", "dim"),
    "skipped": ("skipped", "dim"),
}
_WORDS: Final[dict[WordKind, str]] = {"kept": "", "removed": "red", "added": "green"}
_ROWS: Final = {" ": "dim", "…": "dim"}


def print_diff(
    report: DiffReport,
    screen: Screen,
    *,
    shown: int | None = SHOWN_CASES,
    written: Sequence[str] = (),
) -> None:
    """Print a diff.

    Args:
        report: The diff.
        screen: Where to.
        shown: Cases whose outputs are printed at most; None for all.
        written: Paths of the reports that were written.
    """
    for version in (report.before, report.after):
        screen.line(*_version(version))
    _print_source(report, screen)
    if report.rendered is not None:
        _print_rendered(report.rendered, screen)
    if report.comparison is not None:
        _print_outputs(report, screen, shown)
        _print_totals(report, screen)
    if report.explained is not None:
        _print_explained(report, report.explained, screen)
    _print_ending(report, screen, written)


def _version(version: VersionName) -> list[Part]:
    parts: list[Part] = [(cut(version.name, 200), "bold")]
    claimed = f"   version {version.version}" if version.version else ""
    commit = f"   commit {version.commit[:12]}" if version.commit else "   work tree"
    return [*parts, (f"{claimed}   hash {version.content_hash}{commit}", "dim")]


def _print_source(report: DiffReport, screen: Screen) -> None:
    if not report.change.parts:
        return
    screen.line()
    step = "" if report.change.step == "none" else f", a {report.change.step} step"
    title = f"Source: {plural(len(report.change.parts), 'part')} changed{step}"
    screen.line((title, "bold"))
    for part in report.change.parts:
        screen.line((f" {part_title(part)}", "cyan"))
        _print_text(report.of_part(part), screen)


def _print_rendered(rendered: RenderedDiff, screen: Screen) -> None:
    screen.line()
    screen.line((f"Messages: {rendered_title(rendered)}", "bold"))
    for group in rendered.groups[:_MOST_GROUPS]:
        screen.line((f" {group_title(group)}", "cyan"))
        for change in group.changes:
            screen.line(f"   {change.message} {change.status}")
            _print_text(change.diff, screen)
    more = len(rendered.groups) - _MOST_GROUPS
    if more > 0:
        screen.line((f" … {ways(more, 'more ')}", "dim"))
    for one in rendered.unrendered[:_MOST_FAULTY]:
        _print_unrendered(one, screen)
    more = len(rendered.unrendered) - _MOST_FAULTY
    if more > 0:
        screen.line((f" … {plural(more, 'more case')} not rendered on a side", "dim"))


def _print_unrendered(one: Unrendered, screen: Screen) -> None:
    screen.line((f" {screen.symbols.error} ", "yellow"), str(one.case))
    for side, faults in (("first", one.before), ("second", one.after)):
        for fault in faults:
            screen.line(f"   {side} side: {_fault(fault)}")


def _fault(fault: Failure) -> str:
    place = f"{fault.at}: " if fault.at else ""
    return cut(f"{place}{fault.message} [{fault.kind}]", 500)


def _print_outputs(report: DiffReport, screen: Screen, shown: int | None) -> None:
    if report.comparison is None:
        return
    counts = report.comparison.counts()
    words = [f"{count:,} {outcome}" for outcome, count in counts.items() if count]
    screen.line()
    screen.line((f"Outputs: {', '.join(words) or 'none'}", "bold"))
    loudest = report.loudest()
    most = len(loudest) if shown is None else shown
    for pair in loudest[:most]:
        _print_pair(report, pair, screen)
    if len(loudest) > most:
        more = plural(len(loudest) - most, "more case")
        screen.line((f" … {more}; all of them: --first {len(loudest)}, or --json", "dim"))
    for one in report.comparison.unpaired[:_MOST_FAULTY]:
        side = "first" if one.side == "before" else "second"
        words_ = f"{one.suite}::{one.case} › {one.model}: only on the {side} side; {one.reason}"
        screen.line((f" {screen.symbols.error} ", "yellow"), words_)
    more_unpaired = len(report.comparison.unpaired) - _MOST_FAULTY
    if more_unpaired > 0:
        screen.line((f" … {plural(more_unpaired, 'more trial')} without a counterpart", "dim"))


def _print_pair(report: DiffReport, pair: Pair, screen: Screen) -> None:
    name, colour = _SIGNS[pair.outcome]
    sign = str(getattr(screen.symbols, name))
    title = cut(pair_title(pair), 200)
    screen.line((f" {sign} ", colour), (f"{pair.outcome} ", colour), (title, "bold"))
    for words, side in (("first side", pair.before), ("second side", pair.after)):
        _print_side(words, side, screen)
    diff = report.of_pair(pair)
    if pair.before.output is not None and pair.after.output is not None:
        _print_text(diff, screen)


def _print_side(words: str, side: Side, screen: Screen) -> None:
    if side.status == "passed":
        return
    screen.line((f"   {words} {side.status}", "dim"))
    for reason in side.reasons[:_MOST_REASONS]:
        screen.line(f"     {cut(reason, 500)}")


def _print_text(diff: TextDiff, screen: Screen) -> None:
    for row in rows(diff, most=_MOST_ROWS):
        screen.line((f"   {screen.symbols.gutter} ", "dim"), *_row(row))


def _row(row: Row) -> Iterable[Part]:
    if row.sign != "~":
        colour = _ROWS.get(row.sign) or _WORDS[row.words[0][0]]
        return [(row.plain, colour)]
    return ["~ ", *((bracketed(kind, text), _WORDS[kind]) for kind, text in row.words)]


def _print_totals(report: DiffReport, screen: Screen) -> None:
    table = [[screen.encode(cut(cell, 60)) for cell in row] for row in totals_table(report)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    screen.line()
    for index, row in enumerate(table):
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        screen.line((f" {'   '.join(cells)}".rstrip(), "" if index else "dim"))


def _print_explained(report: DiffReport, explained: Explanation, screen: Screen) -> None:
    screen.line()
    screen.line((f"Explained: {explained_title(explained)}", "bold"))
    for case in explained.cases[:_MOST_EXPLAINED]:
        screen.line((f" {screen.symbols.failed} ", "red"), (cut(case_title(case), 200), "bold"))
        screen.line(f"   {cut(case.reason, 500)}")
    more = len(explained.cases) - _MOST_EXPLAINED
    if more > 0:
        screen.line((f" … {plural(more, 'more case')}; all of them: --json", "dim"))
    for title, edit in named_edits(explained):
        screen.line((f" {cut(title, 300)}", "cyan"))
        _print_text(report.of_edit(edit), screen)
    for aside in asides(explained):
        screen.line((f" {cut(aside, 500)}", "dim"))
    if explained.note is None:
        screen.line((f" {spent_text(explained)}", "dim"))


def _print_ending(report: DiffReport, screen: Screen, written: Sequence[str]) -> None:
    screen.line()
    for note in report.notes:
        screen.line((f" {note}", "dim"))
    verdict = report.verdict
    colour = "green" if verdict.good else "red" if verdict.status == "regressed" else "yellow"
    run = f"      run {short_id(report.run)}" if report.run else ""
    arrow = f"  →  {', '.join(written)}" if written else ""
    screen.line((f" {verdict.status}", f"bold {colour}"), f": {verdict.reason}{run}{arrow}")
