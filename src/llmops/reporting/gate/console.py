"""The gate as a person sees it: policy first, what is reached, the rules, what broke, one line."""

from collections.abc import Sequence
from typing import Final

from llmops.domain.comparison import Pair, Side
from llmops.domain.gate import Finding, Level
from llmops.reporting.diff.base import pair_title, rows
from llmops.reporting.gate.base import GateReport, reached_line, rule_title, sign_of
from llmops.reporting.problems import cut
from llmops.reporting.terminal import Screen
from llmops.reporting.wording import cost, plural, short_id

_MOST_FINDINGS: Final = 40
_MOST_SUITES: Final = 20
_MOST_ROWS: Final = 20
_MOST_REASONS: Final = 3
_LEVELS: Final[dict[Level, tuple[str, str]]] = {
    "error": ("failed", "red"),
    "warn": ("unscored", "yellow"),
    "info": ("dot", "dim"),
}
_RULES: Final = {"held": "green", "red": "red", "open": "yellow"}


def print_gate(
    report: GateReport, screen: Screen, *, shown: int = 5, written: Sequence[str] = ()
) -> None:
    """Print what the gate came to.

    Args:
        report: The report.
        screen: Where to.
        shown: Cases that broke whose outputs are printed at most.
        written: Paths of the reports that were written.
    """
    screen.line((cut(report.opening, 300), "bold"))
    _print_policy(report, screen)
    _print_reached(report, screen)
    _print_rules(report, screen)
    _print_broken(report, screen, shown)
    _print_ending(report, screen, written)


def _print_policy(report: GateReport, screen: Screen) -> None:
    screen.line()
    count = len(report.findings)
    screen.line((f"Policy: {plural(count, 'finding') if count else 'nothing changed'}", "bold"))
    for finding in report.findings[:_MOST_FINDINGS]:
        _print_finding(finding, screen)
    if count > _MOST_FINDINGS:
        more = plural(count - _MOST_FINDINGS, "more finding")
        screen.line((f" … {more}; all of them: --json", "dim"))


def _print_finding(finding: Finding, screen: Screen) -> None:
    name, colour = _LEVELS[finding.level]
    place = f"   {finding.at}" if finding.at else ""
    screen.line(
        (f" {getattr(screen.symbols, name)} {finding.kind} ", colour),
        cut(finding.words, 400),
        (place, "dim"),
    )


def _print_reached(report: GateReport, screen: Screen) -> None:
    screen.line()
    included = [one for one in report.reached if one.included]
    whole = plural(len(report.reached), "suite")
    screen.line((f"Reached: {len(included):,} of {whole}", "bold"))
    for one in included[:_MOST_SUITES]:
        screen.line(f"   {cut(reached_line(one), 300)}")
    if len(included) > _MOST_SUITES:
        screen.line((f" … {plural(len(included) - _MOST_SUITES, 'more suite')}", "dim"))
    for note in report.notes[:_MOST_SUITES]:
        screen.line((f"   {cut(note, 300)}", "dim"))


def _print_rules(report: GateReport, screen: Screen) -> None:
    if not report.rules:
        return
    screen.line()
    screen.line(("Rules", "bold"))
    for rule in report.shown_rules():
        sign = getattr(screen.symbols, sign_of(rule))
        screen.line((f" {sign} {rule_title(rule)} ", _RULES[rule.sign]), cut(rule.words, 600))


def _print_broken(report: GateReport, screen: Screen, shown: int) -> None:
    broken = report.broken
    if not broken:
        return
    screen.line()
    screen.line((f"Broken: {plural(len(broken), 'trial')} passed before", "bold"))
    for pair in broken[:shown]:
        _print_pair(report, pair, screen)
    if len(broken) > shown:
        more = plural(len(broken) - shown, "more trial")
        screen.line((f" … {more}; all of them: --first {len(broken)}, or --json", "dim"))


def _print_pair(report: GateReport, pair: Pair, screen: Screen) -> None:
    screen.line((f" {screen.symbols.failed} {cut(pair_title(pair), 200)}", "bold"))
    _print_reasons(pair.after, screen)
    for row in rows(report.of_pair(pair), most=_MOST_ROWS):
        screen.line((f"   {screen.symbols.gutter} ", "dim"), row.plain)


def _print_reasons(side: Side, screen: Screen) -> None:
    for reason in side.reasons[:_MOST_REASONS]:
        screen.line(f"   {cut(reason, 300)}")


def _print_ending(report: GateReport, screen: Screen, written: Sequence[str]) -> None:
    verdict = report.verdict
    colour = "green" if verdict.green else "red"
    colour = "yellow" if verdict.green and verdict.status == "inconclusive" else colour
    facts = [cost(report.totals)] if report.totals is not None else []
    facts += [f"run {short_id(report.run)}"] if report.run else []
    facts += [f"{screen.symbols.arrow} {', '.join(written)}"] if written else []
    screen.line()
    screen.line((f" {verdict.line}", colour))
    if facts:
        screen.line((f" {'   '.join(facts)}", "dim"))
