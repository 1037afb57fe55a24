import math

import pytest

from llmops.domain.completion import Completion, Usage
from llmops.errors import CannotScoreError
from llmops.scoring.base import Subject
from llmops.scoring.budget import FinishReason, MaxCost, MaxTokens


@pytest.mark.parametrize(
    ("written", "fields", "expected", "reason"),
    [
        ("max_latency: 2s", {"latency": 2.0}, "passed", "took 2 s of 2 s allowed"),
        ("max_latency: 2s", {"latency": 2.001}, "failed", "took 2.001 s of 2 s allowed"),
        ("max_latency: 1.5", {"latency": 1.2}, "passed", "took 1.2 s of 1.5 s allowed"),
        ("max_latency: 2s", {"latency": math.nan}, "unscored", "nobody knows how long"),
        ("max_latency: 2s", {"latency": 0.0}, "unscored", "nobody knows how long"),
        ("max_cost: 0", {"cost": 0.0}, "passed", "cost $0 of $0 allowed"),
        ("max_cost: 0.01", {"cost": 0.0123}, "failed", "cost $0.0123 of $0.01 allowed"),
        ("max_cost: 0.01", {"cost": math.nan}, "unscored", "nobody knows what"),
        ("max_cost: 0.01", {}, "unscored", "nobody knows what the completion cost"),
        ("max_tokens: 5", {"usage": {"output": 5}}, "passed", "5 output tokens of 5 allowed"),
        ("max_tokens: 5", {"usage": {"input": 5}}, "unscored", "nobody counted the output tokens"),
        ("max_tokens: 5", {}, "unscored", "nobody counted the tokens"),
        (
            "max_tokens: {limit: 5, which: input}",
            {"usage": {"input": 6, "source": "estimated"}},
            "failed",
            "6 input tokens (estimated) of 5 allowed",
        ),
        (
            "max_tokens: {limit: 9, which: total}",
            {"usage": {"input": 4, "output": 5}},
            "passed",
            "9 total tokens of 9 allowed",
        ),
        (
            "max_tokens: {limit: 9, which: total}",
            {"usage": {"input": 4}},
            "unscored",
            "nobody counted the total tokens",
        ),
        ("finish_reason: STOP", {"finish_reason": "Stop"}, "passed", "the finish reason is 'Stop'"),
        ("finish_reason: [stop, length]", {"finish_reason": "content_filter"}, "failed", "the fin"),
        ("finish_reason: end_turn", {"finish_reason": "end_turn"}, "passed", "the finish reason"),
        ("finish_reason: stop", {"finish_reason": ""}, "unscored", "the provider gave no finish"),
    ],
)
def test_what_a_completion_took_is_compared(judge, written, fields, expected, reason) -> None:
    score = judge(written, **fields).score

    assert (score.status, score.reason[: len(reason)]) == (expected, reason)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("max_latency: 0", "nothing takes no time at all"),
        ("max_latency: 5 minutes", "expected a duration"),
        ("max_latency:", "'max_latency' needs 'limit'"),
        ("max_cost: -1", "0 or more"),
        ("max_cost: .inf", "expected a number"),
        ("max_tokens: 0", "1 or more"),
        ("max_tokens: 1.5", "expected a whole number"),
        ("finish_reason: []", "no reason is given"),
        ('finish_reason: ""', "no reason is given"),
        ("finish_reason: [stop, lenght]", "'lenght' is not a reason to finish"),
        ("finish_reason: tool_call", "'tool_call' is not a reason to finish"),
        ("max_latency: 5s\non: json.a", "'max_latency' always judges the latency"),
        ("max_tokens: 5\non: text", "'max_tokens' always judges the usage"),
        ("finish_reason: stop\non: text", "'finish_reason' always judges the finish reason"),
    ],
)
def test_limits_that_make_no_sense_are_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(written)[0].message


def test_the_natural_on_may_be_written_out(status) -> None:
    assert status("max_latency: 5s\non: latency", latency=1.0) == "passed"
    assert status("max_cost: 5\non: cost", cost=1.0) == "passed"


@pytest.mark.parametrize(
    "scorer", [MaxCost(limit=1.0), MaxTokens(limit=1), FinishReason(reason="stop")]
)
def test_what_nobody_knows_is_never_judged_by_whatever_way(scorer) -> None:
    subject = Subject(completion=Completion(text="", usage=Usage()), picked=None)

    with pytest.raises(CannotScoreError):
        scorer.score(subject)
