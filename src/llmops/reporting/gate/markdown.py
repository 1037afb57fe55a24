"""The gate as Markdown for a pull request's comment: policy first, whole sections dropped."""

from collections.abc import Iterator
from typing import Final, TextIO

from llmops.domain.comparison import Pair
from llmops.domain.gate import Finding, Level, RuleResult
from llmops.reporting.diff.base import pair_title, rows
from llmops.reporting.encoders import markdown_block, markdown_inline
from llmops.reporting.gate.base import GateReport, reached_line, rule_title, sign_of
from llmops.reporting.page import COMMENT_LIMIT, Page
from llmops.reporting.terminal import UNICODE
from llmops.reporting.wording import cost, plural, short_id

_RESERVED: Final = 800
_MOST_FINDINGS: Final = 500
_MOST_PAIRS: Final = 400
_MOST_ROWS: Final = 40
_MOST_REASONS: Final = 5
_LONG: Final = 400
_SIGNS: Final[dict[Level, str]] = {
    "error": UNICODE.failed,
    "warn": UNICODE.unscored,
    "info": UNICODE.dot,
}


def write_gate_markdown(report: GateReport, out: TextIO) -> None:
    """Write the form that fits a comment."""
    out.write(render_gate_markdown(report))


def render_gate_markdown(report: GateReport, *, limit: int = COMMENT_LIMIT) -> str:
    """Make the Markdown of the gate. The verdict and how many findings there are is always in it.

    Args:
        report: The report.
        limit: Characters at most.
    """
    head = _head(report)
    page = Page(room=limit - len(head) - _RESERVED)
    findings = page.fit([_finding(one) for one in report.findings[:_MOST_FINDINGS]], "")
    hidden = len(report.findings) - len(findings)
    if hidden:
        page.dropped.append(plural(hidden, "finding") + " about policy")
    parts = [head, *findings, *([""] if findings else [])]
    parts += page.fit(_section("Rules", [_rule(rule) for rule in report.shown_rules()]), "rules")
    reached = [f"- {markdown_inline(reached_line(one), limit=_LONG)}" for one in report.reached]
    notes = [f"- {markdown_inline(note, limit=_LONG)}" for note in report.notes]
    parts += page.fit(_section("Suites", [*reached, *notes]), "the suites")
    pairs = page.fit([_pair(report, pair) for pair in report.broken[:_MOST_PAIRS]], "")
    if len(pairs) < len(report.broken):
        page.dropped.append(f"{plural(len(report.broken) - len(pairs), 'trial')} that broke")
    return "\n".join([*parts, *_folded(pairs), *page.ending("`llmops gate --json`")])


def _head(report: GateReport) -> str:
    verdict = report.verdict
    sign = UNICODE.passed if verdict.green else UNICODE.failed
    sign = UNICODE.unscored if verdict.green and verdict.status == "inconclusive" else sign
    facts = [markdown_inline(report.opening, limit=_LONG)]
    facts += [markdown_inline(cost(report.totals))] if report.totals is not None else []
    facts += [f"run {markdown_inline(short_id(report.run), limit=40)}"] if report.run else []
    count = len(report.findings)
    policy = plural(count, "finding") if count else "nothing changed"
    return (
        f"### {sign} llmops gate: {verdict.status}\n\n"
        f"{markdown_inline(verdict.line, limit=2 * _LONG)}\n\n"
        f"{' · '.join(facts)}\n\n"
        f"**Policy**: {policy}\n"
    )


def _finding(finding: Finding) -> str:
    place = f" · {markdown_inline(str(finding.at))}" if finding.at else ""
    words = markdown_inline(finding.words, limit=_LONG)
    return f"- {_SIGNS[finding.level]} **{finding.kind}** ({finding.level}) {words}{place}"


def _rule(rule: RuleResult) -> str:
    sign = getattr(UNICODE, sign_of(rule))
    return f"- {sign} **{rule_title(rule)}** {markdown_inline(rule.words, limit=2 * _LONG)}"


def _section(title: str, lines: list[str]) -> list[str]:
    return ["\n".join([f"**{title}**\n", *lines, ""])] if lines else []


def _pair(report: GateReport, pair: Pair) -> str:
    return "\n".join(_pair_lines(report, pair))


def _pair_lines(report: GateReport, pair: Pair) -> Iterator[str]:
    yield f"{UNICODE.failed} {markdown_inline(pair_title(pair))}\n"
    for reason in pair.after.reasons[:_MOST_REASONS]:
        yield f"- {markdown_inline(reason)}"
    shown = [row.plain for row in rows(report.of_pair(pair), most=_MOST_ROWS)]
    yield "\n" + markdown_block("\n".join(shown)) if shown else ""


def _folded(pairs: list[str]) -> list[str]:
    if not pairs:
        return []
    title = (
        f"{plural(len(pairs), 'trial')} passed before and {'fail' if len(pairs) > 1 else 'fails'}"
    )
    return [f"<details><summary>{title} now</summary>\n", *pairs, "</details>\n"]
