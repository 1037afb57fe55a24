"""A run as JUnit XML, which every CI system reads; it parses whatever a model wrote.

The attributes `file` and `line` are beyond the schema that Jenkins publishes, and read by GitLab
and others. A run that has no verdict gets an error in a suite of its own, for a reader of this
file alone must not see green.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TextIO

from msgspec import Struct, field

from llmops.domain.compact import TextSet
from llmops.domain.run import TrialResult
from llmops.domain.verdict import Verdict
from llmops.reporting.base import Report, reporter
from llmops.reporting.encoders import xml_attribute, xml_legal, xml_text
from llmops.reporting.problems import Problem, cut, judged_output, problem_of
from llmops.reporting.summary import Summary

OUTPUT_LIMIT: Final = 64 * 1024
"""Bytes of output in one test case."""
TOTAL_LIMIT: Final = 9_000_000
"""Bytes of output in the whole file, half of which passed trials may use."""

_LONGEST_NAME: Final = 500
_LONGEST_MESSAGE: Final = 1_000
_LONGEST_STORY: Final = 16_000
_CUT: Final = "\n… cut here, the json report has all of it"
_LEFT_OUT: Final = "… left out, the json report has it"
_WITHOUT_VERDICT: Final = {"budget", "stopped", "empty", "interrupted"}


@reporter("junit", suffix=".xml", about="JUnit XML, for CI systems")
def write_junit(report: Report, out: TextIO) -> None:
    """Write one test suite with a test case a trial; the trials are read twice."""
    verdict = report.verdict
    ledger = _Ledger(summary=report.summary(keep=0))
    lost = verdict.status in _WITHOUT_VERDICT
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(_open("testsuites", {"name": "llmops", **_figures(report, extra=int(lost))}))
    out.write(_open("testsuite", {"name": "llmops", **_figures(report), **_facts(report)}))
    out.write(_properties(report))
    for trial in report.trials():
        out.writelines(_case(trial, ledger))
    out.write("</testsuite>\n")
    if lost:
        out.write(_lost_suite(verdict))
    out.write("</testsuites>\n")


def _facts(report: Report) -> dict[str, str | int]:
    totals = report.verdict.totals
    left_out = totals.skipped + totals.quarantined
    return {"skipped": left_out, "timestamp": report.header.started}


def _figures(report: Report, *, extra: int = 0) -> dict[str, str | int]:
    totals = report.verdict.totals
    return {
        "tests": totals.done + extra,
        "failures": totals.failed,
        "errors": totals.error + totals.unscored + extra,
        "time": f"{report.footer.duration if report.footer else 0.0:.3f}",
    }


class _Ledger(Struct, kw_only=True):
    """Names given and bytes of output written so far."""

    summary: Summary
    names: TextSet = field(default_factory=TextSet)
    written: int = 0

    def unique(self, group: str, name: str) -> str:
        """The name, with a number behind it if the group has it already."""
        found, number = name, 1
        while not self.names.add(f"{group}\0{found}"):
            number += 1
            found = f"{name} ({number})"
        return found

    def room(self, *, passed: bool) -> int:
        """Bytes of output that the next case may write."""
        limit = TOTAL_LIMIT // 2 if passed else TOTAL_LIMIT
        return max(0, min(OUTPUT_LIMIT, limit - self.written) - len(_CUT.encode()))


def _case(trial: TrialResult, ledger: _Ledger) -> Iterator[str]:
    group = _readable(_class_name(trial, ledger.summary))
    name = f"{trial.case} [{trial.sample}]" if trial.sample else trial.case
    completions = [e.completion for e in trial.exchanges if e.completion is not None]
    yield _open(
        "testcase",
        {
            "classname": group,
            "name": ledger.unique(group, _readable(name)),
            "time": f"{sum(completion.latency for completion in completions):.3f}",
            "file": trial.at.path,
            "line": trial.at.line,
        },
    )
    if trial.excused:
        message = f"{trial.status}, quarantined {trial.quarantined}"
        yield _open("skipped", {"message": cut(message, _LONGEST_MESSAGE)}, empty=True)
    elif trial.status != "passed":
        yield _outcome(trial)
    yield _output(trial, ledger)
    yield "</testcase>\n"


def _readable(name: str) -> str:
    """A name as readers of the file get it, so that we compare what they compare."""
    return cut(xml_legal(name), _LONGEST_NAME)


def _class_name(trial: TrialResult, summary: Summary) -> str:
    suite = trial.suite_path.removesuffix(".yaml").removesuffix(".yml").replace("/", ".")
    return f"{suite}.{summary.label(trial.suite, trial.arm).replace('.', '_')}"


def _outcome(trial: TrialResult) -> str:
    problem = problem_of(trial)
    first = problem.complaints[0]
    message = cut(f"{first.label}: {first.reason}", _LONGEST_MESSAGE)
    if trial.status == "skipped":
        return _open("skipped", {"message": cut(first.reason, _LONGEST_MESSAGE)}, empty=True)
    element = "failure" if trial.status == "failed" else "error"
    attributes = {"message": message, "type": trial.status}
    return f"{_open(element, attributes, end='')}{xml_text(_story(problem))}</{element}>\n"


def _story(problem: Problem) -> str:
    lines = []
    for complaint in problem.complaints:
        lines.append(f"{complaint.at}: {complaint.label}: {complaint.reason}")
        if complaint.hint:
            lines.append(f"  hint: {complaint.hint}")
    return cut("\n".join(lines), _LONGEST_STORY)


def _output(trial: TrialResult, ledger: _Ledger) -> str:
    output = judged_output(trial)
    if not output:
        return ""
    room = ledger.room(passed=trial.status == "passed")
    text = _cut_to_bytes(xml_text(output[: room + 1]), room) if room else _LEFT_OUT
    ledger.written += len(text.encode())
    return f"<system-out>{text}</system-out>\n"


def _cut_to_bytes(text: str, limit: int) -> str:
    """XML text of at most `limit` bytes, cut before an entity rather than within one."""
    data = text.encode()
    if len(data) <= limit:
        return text
    kept = data[:limit].decode(errors="ignore")
    ampersand = kept.rfind("&")
    whole = ampersand < 0 or ";" in kept[ampersand:]
    return (kept if whole else kept[:ampersand]) + _CUT


def _properties(report: Report) -> str:
    header, verdict = report.header, report.verdict
    values = {
        "run": header.id,
        "verdict": verdict.status,
        "exit_code": str(verdict.exit_code),
        "reason": verdict.reason,
        "commit": header.commit or "",
        "cost_usd": f"{verdict.totals.spent:.6f}",
    }
    entries = (
        _open("property", {"name": name, "value": value}, empty=True)
        for name, value in values.items()
        if value
    )
    return f"<properties>\n{''.join(entries)}</properties>\n"


def _lost_suite(verdict: Verdict) -> str:
    opened = _open("testsuite", {"name": "llmops.verdict", "tests": 1, "failures": 0, "errors": 1})
    case = _open("testcase", {"classname": "llmops", "name": "verdict"})
    error = _open("error", {"message": verdict.reason, "type": verdict.status}, empty=True)
    return f"{opened}{case}{error}</testcase>\n</testsuite>\n"


def _open(
    element: str, attributes: Mapping[str, str | int], *, empty: bool = False, end: str = "\n"
) -> str:
    pairs = "".join(f' {key}="{xml_attribute(str(value))}"' for key, value in attributes.items())
    return f"<{element}{pairs}/>\n" if empty else f"<{element}{pairs}>{end}"
