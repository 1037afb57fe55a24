"""A comparison of arms as a person sees it: tables, the cases they disagree on, one last line."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from llmops.domain.arms import ArmsComparison, Standing
from llmops.domain.comparison import Side
from llmops.reporting.compare.base import (
    arms_table,
    differences_table,
    front_line,
    metrics_table,
    sentences,
)
from llmops.reporting.diff.base import pair_title
from llmops.reporting.plot import letter, scatter
from llmops.reporting.problems import cut
from llmops.reporting.terminal import Screen, pad
from llmops.reporting.wording import plural, short_id

_MOST_LINES: Final = 12
_MOST_REASONS: Final = 3
_COLOURS: Final = {
    "improved": "green",
    "not worse": "green",
    "regressed": "red",
    "inconclusive": "yellow",
}


def print_arms(
    comparison: ArmsComparison,
    screen: Screen,
    *,
    shown: int | None = 5,
    written: Sequence[str] = (),
) -> None:
    """Print a comparison of arms.

    Args:
        comparison: The comparison.
        screen: Where to.
        shown: Cases of each arm whose outputs are printed at most; None for all.
        written: Paths of the reports that were written.
    """
    for table in (arms_table(comparison), metrics_table(comparison)):
        if len(table) > 1:
            _print_table(table, screen)
            screen.line()
    _print_table(differences_table(comparison), screen)
    screen.line()
    for sentence in sentences(comparison):
        screen.line(f" {sentence}")
    _print_picture(comparison, screen)
    for standing in comparison.standings:
        _print_disagreements(comparison, standing, screen, shown)
    _print_ending(comparison, screen, written)


def _print_table(table: Sequence[Sequence[str]], screen: Screen) -> None:
    encoded = [[screen.encode(cut(cell, 60)) for cell in row] for row in table]
    widths = [max(map(cell_len, column)) for column in zip(*encoded, strict=True)]
    for index, row in enumerate(encoded):
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        colour = _COLOURS.get(row[-1], "") if index else "dim"
        screen.line((f" {'  '.join(cells)}".rstrip(), colour))


def _print_picture(comparison: ArmsComparison, screen: Screen) -> None:
    """Quality and cost, where both are known of every arm."""
    line = front_line(comparison)
    if line is None:
        return
    points = [(arm.cost_per_trial or 0.0, arm.pass_rate or 0.0) for arm in comparison.arms]
    screen.line()
    for row in scatter(points, ("US dollars a trial", "pass rate")):
        screen.line((f" {row}", "dim"))
    for place, arm in enumerate(comparison.arms):
        front = "  (not beaten)" if place in comparison.front else ""
        screen.line(f"   {letter(place)} {cut(arm.label, 80)}{front}")
    screen.line(f" {line}")


def _print_disagreements(
    comparison: ArmsComparison, standing: Standing, screen: Screen, shown: int | None
) -> None:
    pairs = [*standing.comparison.of("broken"), *standing.comparison.of("fixed")]
    if not pairs:
        return
    first, other = comparison.arms[0].label, comparison.arms[standing.arm].label
    screen.line()
    title = f"{plural(len(pairs), 'trial')} on which {cut(first, 60)} and {cut(other, 60)} disagree"
    screen.line((f" {title}", "bold"))
    most = len(pairs) if shown is None else shown
    for pair in pairs[:most]:
        screen.line((f" {screen.symbols.chevron} {cut(pair_title(pair), 200)}", "bold"))
        _print_side(first, pair.before, screen)
        _print_side(other, pair.after, screen)
    if len(pairs) > most:
        more = plural(len(pairs) - most, "more trial")
        screen.line((f" … {more}; all of them: --first {len(pairs)}, or --json", "dim"))


def _print_side(label: str, side: Side, screen: Screen) -> None:
    sign = screen.symbols.of(side.status)
    screen.line(f"   {sign} {cut(label, 80)}: {side.status}")
    for reason in side.reasons[:_MOST_REASONS]:
        screen.line((f"     {cut(reason, 300)}", "dim"))
    lines = (side.output or "").split("\n")
    for text in lines[:_MOST_LINES]:
        screen.line((f"   {screen.symbols.gutter} ", "dim"), cut(text, 300))
    if len(lines) > _MOST_LINES:
        screen.line((f"   … {plural(len(lines) - _MOST_LINES, 'more line')}", "dim"))


def _print_ending(comparison: ArmsComparison, screen: Screen, written: Sequence[str]) -> None:
    verdict = comparison.verdict
    run = f"      run {short_id(comparison.run)}" if comparison.run else ""
    arrow = f"  →  {', '.join(written)}" if written else ""
    screen.line()
    screen.line(f" {verdict.reason}{run}{arrow}")
