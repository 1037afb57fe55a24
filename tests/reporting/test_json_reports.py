import json

from hypothesis import given
from made_reports import PASSING, a_full_run, hostile_texts, report_of, said, trial, written
from msgspec.structs import replace

from llmops.domain.completion import Completion
from llmops.domain.frame import footer_from_json, header_from_json
from llmops.domain.record import trial_from_json
from llmops.domain.run import Exchange
from llmops.reporting.run.json import json_text, write_json
from llmops.reporting.run.jsonl import write_jsonl


def test_the_document_holds_the_whole_run():
    report = a_full_run()

    value = json.loads(written(write_json, report))

    assert value["schema"] == "llmops.run/1"
    assert header_from_json(value["header"]) == report.header
    assert footer_from_json(value["footer"]) == report.footer
    assert [trial_from_json(item) for item in value["trials"]] == list(report.trials())
    assert value["verdict"]["status"] == "budget"
    assert value["verdict"]["pass_rate"] == [7 / 14, 9 / 14]
    assert value["warnings"] == [
        {
            "code": "unpinned-model",
            "severity": "warning",
            "message": "'fast' names no dated model",
            "at": "llmops.yaml:4:3",
            "hint": "name one",
        }
    ]


def test_an_empty_run_is_a_document_too():
    value = json.loads(written(write_json, report_of([], duration=None)))

    assert value["trials"] == []
    assert value["footer"] is None
    assert value["verdict"]["pass_rate"] is None


def test_a_killed_run_has_no_footer_line():
    lines = written(write_jsonl, report_of([trial()], duration=None)).splitlines()

    assert [sorted(json.loads(line)) for line in lines] == [
        ["header", "schema"],
        ["n", "trial"],
        ["verdict"],
    ]


def test_what_is_no_finite_number_is_null_and_listed():
    odd = Completion(text="x", output={"a": [1.5, float("nan")]}, cost=float("inf"))

    text = written(write_json, report_of([trial("passed", Exchange(completion=odd))]))

    whole = json.loads(text, parse_constant=lambda name: 1 / 0)
    found = whole["trials"][0]
    assert found["exchanges"][0]["completion"]["output"] == {"a": [1.5, None]}
    assert found["not_finite"] == [
        "exchanges[0].completion.output.a[1]",
        "exchanges[0].completion.cost",
    ]
    assert whole["verdict"]["not_finite"] == ["totals.spent", "totals.value"]


def test_what_json_has_no_form_for_is_written_as_text():
    odd = Completion(text="x", output={"a": {1}})

    text = written(write_json, report_of([trial("passed", Exchange(completion=odd))]))

    assert json.loads(text)["trials"][0]["exchanges"][0]["completion"]["output"] == {"a": "{1}"}


@given(hostile_texts())
def test_text_is_the_same_when_read_back(text):
    shown = json_text({text: text})

    assert json.loads(shown) == {text: text}
    assert len(shown.splitlines()) == 1
    shown.encode()


def test_trials_are_written_as_they_come():
    asked = []

    def trials():
        for number in range(3):
            asked.append(number)
            yield trial("passed", said("x", PASSING), case=str(number))

    class Watching(list):
        def write(self, text):
            self.append((len(asked), text))

    report = report_of([trial() for _ in range(3)])
    stream = Watching()

    write_json(replace(report, trials=trials), stream)

    assert [seen for seen, text in stream if '"case": "0"' in text] == [1]
    assert [seen for seen, text in stream if '"case": "1"' in text] == [2]
