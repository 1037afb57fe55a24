"""A comparison of arms as Markdown, for a pull request or a page."""

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from llmops.domain.arms import ArmsComparison, Standing
from llmops.domain.comparison import Pair, Side
from llmops.reporting.compare.base import (
    arms_table,
    differences_table,
    front_line,
    metrics_table,
    sentences,
)
from llmops.reporting.diff.base import pair_title
from llmops.reporting.encoders import markdown_block, markdown_inline
from llmops.reporting.page import COMMENT_LIMIT, Page
from llmops.reporting.problems import cut
from llmops.reporting.wording import plural

_MOST_CASES: Final = 20
_MOST_OUTPUT: Final = 2_000


def write_arms_markdown(comparison: ArmsComparison, out: TextIO) -> None:
    """Write a comparison of arms, at most 60,000 characters: whole sections are left out."""
    page = Page(room=COMMENT_LIMIT - 500)
    sections = page.fit(list(_head(comparison)), "tables")
    for standing in comparison.standings:
        sections += page.fit(list(_disagreements(comparison, standing)), "outputs")
    if page.dropped:
        left = ", ".join(dict.fromkeys(page.dropped))
        sections.append(f"_Left out for want of room: {left}._\n")
    out.write("\n".join(sections))


def _head(comparison: ArmsComparison) -> Iterator[str]:
    yield f"## {markdown_inline(cut(comparison.verdict.reason, 1_000))}\n"
    yield _table(arms_table(comparison))
    yield _table(metrics_table(comparison))
    yield _table(differences_table(comparison))
    said = [*sentences(comparison), *filter(None, [front_line(comparison)])]
    yield "".join(f"- {markdown_inline(sentence)}\n" for sentence in said)


def _table(rows: Sequence[Sequence[str]]) -> str:
    heading, *rest = [[markdown_inline(cut(cell, 100)) for cell in row] for row in rows]
    lines = [heading, ["---"] * len(heading), *rest]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _disagreements(comparison: ArmsComparison, standing: Standing) -> Iterator[str]:
    pairs = [*standing.comparison.of("broken"), *standing.comparison.of("fixed")]
    if not pairs:
        return
    first, other = comparison.arms[0].label, comparison.arms[standing.arm].label
    names = f"{markdown_inline(first)} and {markdown_inline(other)}"
    yield f"### {plural(len(pairs), 'trial')} on which {names} disagree\n"
    for pair in pairs[:_MOST_CASES]:
        yield _pair(pair, (first, other))
    if len(pairs) > _MOST_CASES:
        yield f"_{plural(len(pairs) - _MOST_CASES, 'more trial')}._\n"


def _pair(pair: Pair, labels: tuple[str, str]) -> str:
    sides = (
        _side(label, side) for label, side in zip(labels, (pair.before, pair.after), strict=True)
    )
    return f"**{markdown_inline(cut(pair_title(pair), 200))}**\n\n{''.join(sides)}"


def _side(label: str, side: Side) -> str:
    why = "; ".join(side.reasons[:3])
    shown = f"{markdown_inline(label)}: {side.status}"
    shown += f" ({markdown_inline(cut(why, 300))})" if why else ""
    if side.output is None:
        return f"{shown}\n\n"
    return f"{shown}\n\n{markdown_block(cut(side.output, _MOST_OUTPUT))}\n"
