import csv
import io
import json
import os
import pty
import re
import sys
import threading
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from ci_runners import commands
from lxml import etree
from made_reports import HOSTILE, report_of, said, scored, trial, written
from markdown_it import MarkdownIt
from msgspec.structs import replace

from llmops.domain.completion import Completion, ToolCall
from llmops.domain.record import trial_from_json, trial_to_json
from llmops.domain.run import Arm, Exchange, Failure
from llmops.domain.score import Score
from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.base import Report
from llmops.reporting.encoders import xml_legal
from llmops.reporting.run.console import print_report, write_console
from llmops.reporting.run.csv import write_csv
from llmops.reporting.run.github import write_github
from llmops.reporting.run.json import write_json
from llmops.reporting.run.jsonl import write_jsonl
from llmops.reporting.run.junit import write_junit
from llmops.reporting.run.markdown import write_markdown
from llmops.reporting.terminal import make_screen

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]")


def hostile_run(text: str) -> Report:
    """A run with one text in every field that somebody else may fill."""
    at = Location(text, 3, 4)
    said_so = scored(Score.failing(text), text, metric=text)
    lost = Exchange(name=text, failure=Failure(kind="server", message=text, at=at, hint=text))
    call = Completion(
        text=text, output={text: text}, tool_calls=(ToolCall(name=text, arguments=text),)
    )
    arms = [
        Arm(prompt=text, model=text, version=text, content_hash=text, parameters={text: value})
        for value in (text, 1)
    ]
    common = {"suite": text, "suite_path": text, "at": at, "tags": (text,), "case": text}
    trials = [
        trial(
            "failed", said(text, said_so, replace(said_so, at=at), name=text), arm=arms[0], **common
        ),
        trial("failed", Exchange(completion=call, scores=(said_so,)), arm=arms[1], **common),
        trial("error", lost, arm=arms[0], **common),
        trial("unscored", said(text, scored(Score.unscored(text), text)), arm=arms[0], **common),
        trial("passed", said(text, scored(Score.passing(text), text)), arm=arms[0], **common),
        replace(trial("skipped", arm=arms[0], **common), reason=text),
    ]
    fault = Fault(code="odd", message=text, at=at, hint=text, severity="warning")
    return report_of(
        trials,
        warnings=[fault],
        commit=text or None,
        models=(text,),
        versions={"llmops": text},
        command=(text,),
        prompts={text: text},
    )


each_hostile = pytest.mark.parametrize("text", HOSTILE, ids=ascii)


@each_hostile
def test_json_reads_back_every_trial_and_speaks_no_command(text):
    report = hostile_run(text)

    whole = written(write_json, report)

    value = json.loads(whole)
    assert [trial_from_json(item) for item in value["trials"]] == list(report.trials())
    assert value["warnings"][0]["message"] == text
    assert commands(whole) == []
    assert not CONTROL.search(whole)


@each_hostile
def test_json_lines_stay_lines(text):
    report = hostile_run(text)

    whole = written(write_jsonl, report)

    lines = whole.splitlines()
    assert [json.loads(line)["trial"] for line in lines[1:-2]] == [
        json.loads(json.dumps(trial_to_json(item))) for item in report.trials()
    ]
    assert commands(whole) == []


@each_hostile
def test_junit_parses_and_its_names_are_unique(text):
    whole = written(write_junit, hostile_run(text))

    root = ET.fromstring(whole)
    assert etree.fromstring(whole.encode()).tag == "testsuites"
    cases = root.findall("testsuite/testcase")
    names = {(case.get("classname"), case.get("name")) for case in cases}
    assert len(names) == len(cases) == 6
    assert cases[-2].findtext("system-out", "") == xml_legal(text)
    assert commands(whole) == []


@each_hostile
def test_csv_keeps_its_shape(text):
    whole = written(write_csv, hostile_run(text))

    rows = list(csv.DictReader(io.StringIO(whole, newline="")))
    assert [row["status"] for row in rows] == [
        "failed",
        "failed",
        "error",
        "unscored",
        "passed",
        "skipped",
    ]
    assert commands(whole) == []
    assert not HIDDEN.search(whole)


@each_hostile
def test_markdown_holds_no_active_element(text):
    whole = written(write_markdown, hostile_run(text))

    tokens = GITHUB.parse(f"{whole}\nthe end\n")
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks == ["<details><summary>4 trials that did not pass</summary>", "</details>"]
    inline = [part for token in tokens for part in token.children or []]
    assert {part.type for part in inline} <= {
        "text",
        "html_inline",
        "strong_open",
        "strong_close",
        "softbreak",
    }
    assert {p.content for p in inline if p.type == "html_inline"} <= {"<code>", "</code>"}
    words = "".join(part.content for part in inline if part.type == "text")
    assert not re.search(r"@\w|://|www\.", words, re.IGNORECASE)
    assert sum(token.type == "fence" for token in tokens) == (3 if text else 1)
    assert tokens[-2].content == "the end"
    assert commands(whole) == []
    assert not HIDDEN.search(whole)


@each_hostile
def test_github_hears_only_our_own_commands(text):
    whole = written(write_github, hostile_run(text))

    lines = whole.splitlines()
    assert commands(whole) == ["error"] * 5 + ["warning"]
    assert len(lines) == 6
    for line in lines:
        properties, _, data = line[2:].partition("::")
        assert re.fullmatch(r"(error|warning) ([a-z]+=[^,:]*(,|$))+", properties)
        assert "##[" not in data
    assert not HIDDEN.search(whole)


@each_hostile
def test_the_console_prints_text_and_no_command(text):
    whole = written(write_console, hostile_run(text))

    assert commands(whole) == []
    assert not HIDDEN.search(whole)
    assert "1 passed · 2 failed · 1 error" in whole


def read_all(descriptor: int) -> bytes:
    found = b""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            return found
        if not data:
            return found
        found += data


def test_a_real_terminal_gets_no_sequence_but_our_colours():
    ours, theirs = pty.openpty()
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(read_all(ours)))
    reader.start()

    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        screen = make_screen(stream, {"TERM": "xterm-256color"})
        for text in HOSTILE:
            print_report(hostile_run(text), screen, shown=None)
    reader.join()
    os.close(ours)

    shown = b"".join(found).decode().replace("\r\n", "\n")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain != shown
    assert not [
        c for c in plain if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} and c != "\n"
    ]
    assert not HIDDEN.search(plain)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_no_encoding_of_a_stream_is_too_small(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)

    for text in HOSTILE:
        print_report(hostile_run(text), make_screen(stream, {}), shown=None)
    stream.flush()

    assert raw.getvalue().decode(encoding).count("1 passed") == len(HOSTILE)
    assert sys.stdout is not stream
