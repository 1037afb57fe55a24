import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from made_reports import (
    FAILING,
    PASSING,
    hostile_texts,
    refused,
    report_of,
    said,
    scored,
    trial,
    written,
)

from llmops.domain.run import Arm
from llmops.domain.score import Score
from llmops.reporting.run.junit import OUTPUT_LIMIT, TOTAL_LIMIT, write_junit


def read(report) -> ET.Element:
    return ET.fromstring(written(write_junit, report))


def cases(report) -> list[ET.Element]:
    return read(report).findall("testsuite/testcase")


def test_a_failure_says_where_and_why():
    second = scored(Score.failing("is too long"), "length", line=35)
    (case,) = cases(report_of([trial("failed", said("a\nb", FAILING, second), sample=2)]))

    assert case.attrib == {
        "classname": "suites.triage.fast",
        "name": "angry-customer [2]",
        "time": "0.250",
        "file": "suites/triage.yaml",
        "line": "20",
    }
    failure = case.find("failure")
    assert failure.get("message") == "contains 'refund': not in the output"
    assert failure.text == (
        "suites/triage.yaml:31:9: contains 'refund': not in the output\n"
        "suites/triage.yaml:35:9: length: is too long"
    )
    assert case.findtext("system-out") == "a\nb"


def test_an_error_a_missing_verdict_and_a_skipped_case_are_told_apart():
    lost, unsure, skipped = cases(
        report_of([trial("error"), trial("unscored", case="u"), trial("skipped", case="s")])
    )

    assert lost.find("error").get("type") == "error"
    assert lost.findtext("error").endswith("auth (401): no such key\n  hint: set OUR_API_KEY")
    assert lost.find("system-out") is None
    assert unsure.find("error").get("type") == "unscored"
    assert "could not be judged" in unsure.find("error").get("message")
    assert skipped.find("skipped").get("message") == "not today"


def test_an_error_without_a_hint_ends_with_its_reason():
    (case,) = cases(report_of([trial("error", refused())]))

    assert case.findtext("error") == "suites/triage.yaml:20:5: auth: no such key"


def test_the_suite_names_the_run_and_its_verdict():
    root = read(report_of([trial(), trial("failed", case="b")], commit="a1b2"))

    properties = {item.get("name"): item.get("value") for item in root.iter("property")}
    assert properties == {
        "run": "20261121-034512-7c1e",
        "verdict": "failed",
        "exit_code": "1",
        "reason": "1 of 2 trials failed",
        "commit": "a1b2",
        "cost_usd": "0.000000",
    }
    assert root.find("testsuite").get("timestamp") == "2026-11-21T03:45:12+00:00"
    assert root.get("time") == "0.400"


def test_a_model_with_dots_stays_one_word_of_the_class():
    (case,) = cases(report_of([trial(model="openai/gpt-4.1-mini", suite="a/b")]))

    assert case.get("classname") == "suites.a.b.openai/gpt-4_1-mini"


def test_versions_of_one_prompt_are_classes_of_their_own():
    arms = [Arm(prompt=f"reply@{ref}", model="fast") for ref in ("main", "v2")]

    found = cases(report_of([trial(arm=arm, suite="reply") for arm in arms]))

    assert [case.get("classname") for case in found] == [
        "suites.reply.reply@main × fast",
        "suites.reply.reply@v2 × fast",
    ]


@given(st.lists(hostile_texts(), max_size=4).map(lambda names: names * 2))
def test_names_are_unique_whatever_the_cases_are_called(names):
    names += [f"{name} (2)" for name in names[:1]]

    found = cases(report_of([trial(case=name) for name in names], stopped_by="fail_fast"))

    assert len({case.get("name") for case in found}) == len(found) >= len(names)


def test_names_that_read_the_same_are_told_apart():
    found = cases(report_of([trial(case="a\x1b"), trial(case="a#x1B")]))

    assert [case.get("name") for case in found] == ["a#x1B", "a#x1B (2)"]


def test_one_long_output_is_cut_and_says_so():
    (case,) = cases(report_of([trial("failed", said("<é" * OUTPUT_LIMIT, FAILING))]))

    text = case.findtext("system-out")
    assert text.startswith("<é<é")
    assert text.endswith("\n… cut here, the json report has all of it")
    assert "&" not in text


def test_no_case_writes_more_than_its_share_of_the_file():
    big = "<" * OUTPUT_LIMIT
    count = TOTAL_LIMIT // OUTPUT_LIMIT + 20
    trials = [trial("passed", said(big, PASSING), case=f"p{n}") for n in range(count)]
    trials += [trial("failed", said(big, FAILING), case=f"f{n}") for n in range(count)]

    text = written(write_junit, report_of(trials))

    assert len(text.encode()) < TOTAL_LIMIT + 1_000_000
    found = ET.fromstring(text).findall("testsuite/testcase")
    assert found[count - 1].findtext("system-out") == "… left out, the json report has it"
    assert found[count].findtext("system-out").startswith("<<<")
    assert found[-1].findtext("system-out") == "… left out, the json report has it"
    sizes = text.encode().split(b"<system-out>")
    assert max(len(part.partition(b"</system-out>")[0]) for part in sizes[1:]) <= OUTPUT_LIMIT


def test_a_long_reason_is_cut():
    wrong = scored(Score.failing("x" * 100_000))

    (case,) = cases(report_of([trial("failed", said("a", *[wrong] * 50))]))

    assert len(case.find("failure").get("message")) == 1_000
    assert len(case.findtext("failure")) == 16_000
