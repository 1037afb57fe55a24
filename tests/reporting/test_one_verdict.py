import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter

from hypothesis import given
from made_reports import report_of, reports, trial, written

from llmops.domain.verdict import decide
from llmops.reporting.run.console import write_console
from llmops.reporting.run.csv import write_csv
from llmops.reporting.run.github import write_github
from llmops.reporting.run.json import write_json
from llmops.reporting.run.jsonl import write_jsonl
from llmops.reporting.run.junit import write_junit
from llmops.reporting.run.markdown import write_markdown


@given(reports())
def test_every_report_tells_the_verdict_of_the_exit_code(report):
    verdict, totals = report.verdict, report.verdict.totals
    green = verdict.exit_code == 0

    whole = json.loads(written(write_json, report))
    last = json.loads(written(write_jsonl, report).splitlines()[-1])
    table = list(csv.DictReader(io.StringIO(written(write_csv, report))))
    judged = {"passed", "failed"}
    excused = [row for row in table if row["quarantined"] and row["status"] in judged]
    rows = Counter(row["status"] for row in table if row not in excused)
    junit = ET.fromstring(written(write_junit, report))
    markdown = written(write_markdown, report)
    console = written(write_console, report)
    github = written(write_github, report)

    assert whole["verdict"]["exit_code"] == last["verdict"]["exit_code"] == verdict.exit_code
    assert whole["verdict"]["totals"] == totals.as_json()
    for status in ("passed", "failed", "error", "unscored", "skipped"):
        assert rows[status] == getattr(totals, status)
    assert (junit.get("failures") == junit.get("errors") == "0") is green
    suite = junit.find("testsuite")
    assert suite.get("tests") == str(totals.done)
    assert suite.get("failures") == str(totals.failed) == str(len(suite.findall("*/failure")))
    assert suite.get("errors") == str(totals.error + totals.unscored)
    assert len(suite.findall("*/error")) == totals.error + totals.unscored
    assert len(excused) == totals.quarantined
    left_out = totals.skipped + totals.quarantined
    assert suite.get("skipped") == str(left_out) == str(len(suite.findall("*/skipped")))
    assert f"**{verdict.status}** (exit code {verdict.exit_code})" in markdown
    assert markdown.startswith("### ✓" if green else "### ✗")
    assert f" {totals.passed} passed · {totals.failed} failed · " in console
    assert (f"{totals.quarantined} quarantined" in console) is bool(totals.quarantined)
    failed = totals.quarantined_failed
    assert (f"quarantined ({failed} failed)" in console) is bool(failed)
    assert (f"quarantined ({failed} failed)" in markdown) is bool(failed)
    assert verdict.reason in github.splitlines()[0]
    assert github.startswith("::notice " if green else "::error ")


@given(reports())
def test_the_kept_form_of_a_run_gives_the_same_verdict(report):
    lines = [json.loads(line) for line in written(write_jsonl, report).splitlines()]

    assert lines[0]["schema"] == "llmops.run/1"
    assert [line["n"] for line in lines if "trial" in line] == list(
        range(report.verdict.totals.done)
    )
    assert lines[-2] == {"footer": json.loads(written(write_json, report))["footer"]}
    again = decide(report.verdict.totals, stopped_by=report.footer.stopped_by)
    assert lines[-1]["verdict"]["exit_code"] == again.exit_code


def test_a_run_without_verdict_is_an_error_for_a_reader_of_junit_alone():
    report = report_of([trial()], planned=5, stopped_by="budget")

    root = ET.fromstring(written(write_junit, report))

    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    error = root.find("testsuite[@name='llmops.verdict']/testcase/error")
    assert error.get("message") == "the budget stopped it: 1 of 5 trials done"
    assert root.find("testsuite").get("errors") == "0"


def test_nothing_run_is_not_green_anywhere():
    report = report_of([])

    assert report.verdict.exit_code == 5
    assert "no trial was carried out" in written(write_console, report)
    assert ET.fromstring(written(write_junit, report)).get("errors") == "1"
    assert re.match("### ✗ llmops: no trial was carried out", written(write_markdown, report))
    assert written(write_github, report).startswith("::error title=llmops%3A empty::")
