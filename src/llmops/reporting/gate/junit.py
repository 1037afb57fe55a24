"""The gate as JUnit XML: a test case a rule and a finding, and one for the verdict."""

from collections.abc import Iterator, Mapping
from typing import Final, TextIO

from llmops.domain.gate import Finding, RuleResult
from llmops.reporting.encoders import xml_attribute, xml_text
from llmops.reporting.gate.base import GateReport
from llmops.reporting.problems import cut

_LONGEST: Final = 2_000
_WITHOUT_VERDICT: Final = frozenset(
    {"error", "budget", "stopped", "interrupted", "incomparable", "inconclusive"}
)


def write_gate_junit(report: GateReport, out: TextIO) -> None:
    """Write one test suite; the verdict's case fails, or is an error, when the gate is not green."""
    cases = [*_verdict(report), *_findings(report), *_rules(report)]
    failures = sum("<failure" in case for case in cases)
    errors = sum("<error" in case for case in cases)
    figures = {"tests": len(cases), "failures": failures, "errors": errors}
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(_tag("testsuites", {"name": "llmops gate", **figures}) + "\n")
    out.write(_tag("testsuite", {"name": "llmops gate", **figures}) + "\n")
    out.writelines(f"{case}\n" for case in cases)
    out.write("</testsuite>\n</testsuites>\n")


def _verdict(report: GateReport) -> Iterator[str]:
    verdict = report.verdict
    outcome = ""
    if not verdict.green:
        outcome = "error" if verdict.status in _WITHOUT_VERDICT else "failure"
    yield _case("llmops.gate", "verdict", outcome, verdict.line, verdict.status)


def _findings(report: GateReport) -> Iterator[str]:
    for number, finding in enumerate(report.findings, 1):
        name = f"{number}: {finding.kind}: {finding.what}"
        outcome = "failure" if finding.level == "error" else ""
        yield _case("llmops.gate.policy", name, outcome, _placed(finding), finding.kind)


def _placed(finding: Finding) -> str:
    return f"{finding.at}: {finding.words}" if finding.at else finding.words


def _rules(report: GateReport) -> Iterator[str]:
    for number, rule in enumerate(report.rules, 1):
        scope = rule.scope or "all that is reached"
        name = f"{number}: {rule.rule}: {scope}"
        yield _case("llmops.gate.rules", name, _outcome(rule), rule.words, rule.outcome)


def _outcome(rule: RuleResult) -> str:
    if rule.sign != "red":
        return ""
    return "failure" if rule.outcome == "broken" else "error"


def _case(group: str, name: str, outcome: str, words: str, kind: str) -> str:
    opened = _tag("testcase", {"classname": group, "name": cut(name, _LONGEST), "time": "0.000"})
    text = cut(words, _LONGEST)
    if not outcome:
        return f"{opened}<system-out>{xml_text(text)}</system-out></testcase>"
    told = _tag(outcome, {"message": text, "type": kind})
    return f"{opened}{told}{xml_text(text)}</{outcome}></testcase>"


def _tag(element: str, attributes: Mapping[str, str | int]) -> str:
    pairs = "".join(f' {key}="{xml_attribute(str(value))}"' for key, value in attributes.items())
    return f"<{element}{pairs}>"
