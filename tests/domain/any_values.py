from typing import get_args

from hypothesis import strategies as st

from llmops.domain.completion import Completion, Request, ToolCall, Usage, UsageSource
from llmops.domain.run import (
    Arm,
    Exchange,
    Failure,
    Origin,
    RunFooter,
    RunHeader,
    Status,
    StoppedBy,
    TrialResult,
)
from llmops.domain.score import AssertionScore, Score, ScoreStatus
from llmops.location import Location

WORDS = st.text(max_size=12)
# One half of a character alone is text too; two halves beside each other would become one.
TEXTS = st.one_of(WORDS, st.sampled_from(["", "a\0b", "\ud800", "x\udfff", "\u2028\r\n", "𝄞"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False,
    allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
COUNTS = st.none() | st.integers(0, 10**9)
MAYBE = st.none() | TEXTS
MONEY = st.none() | st.floats(0, 1000)
PLACES = st.builds(Location, TEXTS, st.integers(1, 10**6), st.integers(1, 10**6))
SECONDS = st.integers(0, 10**9).map(lambda micro: round(micro / 10**6, 6))

REQUESTS = st.builds(
    Request,
    model=TEXTS,
    messages=st.lists(OBJECTS, max_size=3).map(tuple),
    parameters=OBJECTS,
    tools=st.lists(OBJECTS, max_size=2).map(tuple),
    tool_choice=JSON,
    response_format=st.none() | OBJECTS,
)
COMPLETIONS = st.builds(
    Completion,
    text=TEXTS,
    tool_calls=st.lists(st.builds(ToolCall, name=TEXTS, arguments=TEXTS, id=MAYBE), max_size=2).map(
        tuple
    ),
    output=JSON,
    reasoning=MAYBE,
    finish_reason=MAYBE,
    usage=st.builds(
        Usage,
        input=COUNTS,
        output=COUNTS,
        cached=COUNTS,
        reasoning=COUNTS,
        source=st.sampled_from(get_args(UsageSource)),
    ),
    cost=MONEY,
    latency=SECONDS,
    model=MAYBE,
    fingerprint=MAYBE,
    logprobs=JSON,
)
SCORES = st.builds(
    AssertionScore,
    label=TEXTS,
    scorer=TEXTS,
    score=st.builds(
        Score,
        status=st.sampled_from(get_args(ScoreStatus)),
        value=st.floats(0, 1),
        reason=TEXTS,
    ),
    at=st.none() | PLACES,
    metric=MAYBE,
    weight=st.floats(0, 100),
    soft=st.booleans(),
)
FAILURES = st.builds(
    Failure, kind=TEXTS, message=TEXTS, status=COUNTS, at=st.none() | PLACES, hint=MAYBE
)
ANSWERED = st.builds(
    Exchange,
    name=TEXTS,
    digest=TEXTS,
    request=st.none() | REQUESTS,
    inputs=st.none() | OBJECTS,
    completion=COMPLETIONS,
    origin=st.sampled_from(get_args(Origin)),
    scores=st.lists(SCORES, max_size=2).map(tuple),
    failure=st.none() | FAILURES,
    attempts=st.integers(0, 9),
)
FAILED = st.builds(
    Exchange, name=TEXTS, request=st.none() | REQUESTS, failure=FAILURES, attempts=st.integers(0, 9)
)
TRIALS = st.builds(
    TrialResult,
    id=TEXTS,
    suite=TEXTS,
    suite_path=TEXTS,
    case=TEXTS,
    case_hash=TEXTS,
    arm=st.builds(
        Arm, prompt=TEXTS, model=TEXTS, version=MAYBE, content_hash=MAYBE, parameters=OBJECTS
    ),
    sample=st.integers(0, 100),
    status=st.sampled_from(get_args(Status)),
    at=PLACES,
    inputs=OBJECTS,
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    exchanges=st.lists(ANSWERED | FAILED, max_size=2).map(tuple),
    reason=MAYBE,
    cluster=MAYBE,
)
HEADERS = st.builds(
    RunHeader,
    id=WORDS,
    started=TEXTS,
    planned=st.integers(0, 10**6),
    command=st.lists(TEXTS, max_size=2).map(tuple),
    selection=st.lists(TEXTS, max_size=2).map(tuple),
    commit=MAYBE,
    dirty=MAYBE,
    prompts=st.dictionaries(TEXTS, TEXTS, max_size=2),
    suites=st.dictionaries(TEXTS, TEXTS, max_size=2),
    models=st.lists(TEXTS, max_size=2).map(tuple),
    seed=st.integers(0, 2**32),
    versions=st.dictionaries(TEXTS, TEXTS, max_size=2),
    untrusted=st.booleans(),
    options=OBJECTS,
)
FOOTERS = st.builds(
    RunFooter,
    finished=TEXTS,
    duration=st.integers(0, 10**9).map(lambda milli: round(milli / 1000, 3)),
    stopped_by=st.none() | st.sampled_from(get_args(StoppedBy)),
)
