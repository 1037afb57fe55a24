"""Flaky cases as a person sees them: a table, the entries that are proposed, one last line."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from llmops.domain.flaky import CaseHabit, FlakyReport
from llmops.reporting.problems import cut, parameters_text
from llmops.reporting.terminal import Screen, pad
from llmops.reporting.wording import percent, plural, share_range

_HEADINGS: Final = (
    "case",
    "arm",
    "passed",
    "95 % interval",
    "P(flaky)",
    "any/all of 3",
    "seen",
    "",
)
_LONGEST_CELL: Final = 60
_SHOWN_ATTEMPTS: Final = 3
_COLOURS: Final = {"flaky": "yellow", "wavers": "", "fails": "red", "passes": "", "unknown": "dim"}


def print_flaky(
    report: FlakyReport, screen: Screen, proposed: dict[str, list[str]], *, whole: bool = False
) -> None:
    """Print what kept runs say of cases.

    Args:
        report: What they say.
        screen: Where to.
        proposed: The lines of the proposed entries, by the suite's file.
        whole: Show the cases that always did the same, too.
    """
    shown = [case for case in report.cases if whole or case.habit in {"flaky", "wavers"}]
    if shown:
        _print_table(shown, screen)
        screen.line()
    for path, lines in proposed.items():
        verb = "written into" if path in report.written else "to be added to"
        screen.line((f" {verb} {path}:", "bold"))
        for line in ("quarantine:", *lines):
            screen.line(f"   {line}")
        screen.line()
    screen.line(f" {_ending(report)}")


def _print_table(cases: Sequence[CaseHabit], screen: Screen) -> None:
    table = [_HEADINGS, *(_row(case) for case in cases)]
    encoded = [[screen.encode(cut(cell, _LONGEST_CELL)) for cell in row] for row in table]
    widths = [max(map(cell_len, column)) for column in zip(*encoded, strict=True)]
    for index, row in enumerate(encoded):
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        colour = _COLOURS[cases[index - 1].habit] if index else "dim"
        screen.line((f" {'  '.join(cells)}".rstrip(), colour))


def _row(case: CaseHabit) -> tuple[str, ...]:
    parameters = parameters_text(case.arm.parameters)
    arm = case.arm.model or case.arm.prompt
    return (
        f"{case.suite} › {case.case}",
        f"{arm} ({parameters})" if parameters else arm,
        f"{case.passed:,}/{case.n:,}" + (f" + {case.unknown:,} unknown" if case.unknown else ""),
        share_range(case.low, case.high) if case.n else "",
        percent(case.flaky) if case.n else "",
        _attempts(case),
        (case.last_seen or "")[:10],
        _remark(case),
    )


def _attempts(case: CaseHabit) -> str:
    if len(case.attempts) < _SHOWN_ATTEMPTS:
        return ""
    three = case.attempts[_SHOWN_ATTEMPTS - 1]
    return f"{percent(three.any)} / {percent(three.all)}"


def _remark(case: CaseHabit) -> str:
    if case.quarantined is not None:
        return f"{case.habit}, quarantined {case.quarantined}"
    if case.must_pass and case.habit == "flaky":
        return "flaky, and must pass: mend it"
    return case.habit


def _ending(report: FlakyReport) -> str:
    flaky = sum(case.habit == "flaky" for case in report.cases)
    words = [
        f"{plural(flaky, 'flaky case')} of {len(report.cases):,}",
        plural(report.runs, "kept run"),
    ]
    unseen = sum(case.habit == "unknown" for case in report.cases)
    words += [f"{plural(unseen, 'case')} never judged"] if unseen else []
    words += [f"{plural(report.changed, 'trial')} judged otherwise then"] if report.changed else []
    words += [f"{plural(report.broken, 'run')} broken: see 'llmops runs'"] if report.broken else []
    return " · ".join(words)
