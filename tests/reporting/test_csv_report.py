import csv
import io

from made_reports import FAILING, PASSING, report_of, said, scored, trial, written

from llmops.domain.completion import Completion
from llmops.domain.run import Arm, Exchange
from llmops.domain.score import Score
from llmops.reporting.run.csv import COLUMNS, write_csv


def rows(*trials) -> list[dict[str, str]]:
    text = written(write_csv, report_of(trials))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_holds_a_trial():
    arm = Arm(
        prompt="reply@main", model="fast", version="1.4.0", content_hash="abc", parameters={"t": 0}
    )

    (row,) = rows(trial("failed", arm=arm, sample=3))

    assert list(row) == list(COLUMNS)
    assert row == {
        "suite": "triage",
        "case": "angry-customer",
        "prompt": "reply@main",
        "version": "1.4.0",
        "hash": "abc",
        "model": "fast",
        "parameters": "t=0",
        "sample": "3",
        "status": "failed",
        "score": "0.0",
        "latency_s": "0.25",
        "input_tokens": "30",
        "output_tokens": "4",
        "cached_tokens": "",
        "cache_written_tokens": "",
        "reasoning_tokens": "",
        "cost_usd": "0.001",
        "origin": "recorded",
        "output": "I can look into this for you.",
        "reason": "contains 'refund': not in the output",
        "quarantined": "",
    }


def test_what_is_unknown_is_empty_and_never_zero():
    uncounted = Exchange(completion=Completion(text="x"), scores=(PASSING,))
    costless = said("y", PASSING, cost=None)

    first, second, third, fourth = rows(
        trial("passed", uncounted, costless),
        trial("error"),
        trial("skipped"),
        trial("passed", said("a", PASSING), said("b", PASSING)),
    )

    assert (first["cost_usd"], first["input_tokens"]) == ("", "")
    assert (second["score"], second["latency_s"], second["output"]) == ("", "", "")
    assert (third["origin"], third["reason"]) == ("", "skipped: not today")
    assert (fourth["cost_usd"], fourth["output_tokens"]) == ("0.002", "8")


def test_each_reason_has_its_line():
    long = scored(Score.failing("is too long"), "length")

    (row,) = rows(trial("failed", said("=1+1", FAILING, long)))

    assert row["reason"] == "contains 'refund': not in the output\nlength: is too long"
    assert row["output"] == "'=1+1"
