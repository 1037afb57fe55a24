from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from llmops.domain.baseline import (
    Approval,
    ApprovedAnswer,
    ApprovedSample,
    ApprovedScore,
    ApprovedStatus,
    Baseline,
)
from llmops.domain.config import Config
from llmops.domain.score import ScoreStatus
from llmops.errors import InvalidInputError
from llmops.loading.baselines import baseline_text, parse_baseline, read_baselines
from llmops.loading.tree import WorkTree

WriteFiles = Callable[[Mapping[str, str]], Path]

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
MAYBE = st.none() | TEXTS
OBJECTS = st.dictionaries(
    TEXTS, st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
SCORES = st.builds(
    ApprovedScore,
    label=TEXTS,
    scorer=TEXTS,
    status=st.sampled_from(get_args(ScoreStatus)),
    value=st.floats(0, 1),
    metric=MAYBE,
    weight=st.floats(0, 100),
    soft=st.booleans(),
)
ANSWERS = st.builds(
    ApprovedAnswer,
    output=TEXTS,
    name=TEXTS,
    model=MAYBE,
    scores=st.lists(SCORES, max_size=2).map(tuple),
)
SAMPLES = st.builds(
    ApprovedSample,
    status=st.sampled_from(get_args(ApprovedStatus)),
    answers=st.lists(ANSWERS, max_size=2).map(tuple),
)
BASELINES = st.builds(
    Baseline,
    suite=TEXTS,
    case=TEXTS,
    case_hash=TEXTS,
    prompt=TEXTS,
    model=TEXTS,
    asked=OBJECTS,
    parameters=OBJECTS,
    version=MAYBE,
    content_hash=MAYBE,
    model_name=MAYBE,
    approval=st.builds(Approval, run=TEXTS, date=TEXTS, author=MAYBE),
    samples=st.lists(SAMPLES, min_size=1, max_size=2).map(tuple),
)
SAID = ApprovedAnswer(output="We will\nrefund you.")
ONE = Baseline(
    suite="support/reply",
    case="Angry!",
    case_hash="0123456789ab",
    prompt="reply",
    model="fast",
    version="1.20",
    asked={"temperature": 0},
    parameters={"top_p": 1, "temperature": 0},
    approval=Approval(run="20261121-034512-7c1e", date="2026-11-21", author="Ada"),
    samples=(ApprovedSample(status="passed", answers=(SAID,)),),
)
CONFIG = Config()


def complaints(root: Path) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read_baselines(WorkTree(root), CONFIG)
    return [f"{fault.at}: [{fault.code}] {fault.message}" for fault in caught.value.faults]


@given(BASELINES)
def test_any_baseline_is_read_as_it_was_written(baseline: Baseline) -> None:
    text = baseline_text(baseline)

    assert parse_baseline(text.encode(), "x.yaml") == baseline
    assert baseline_text(parse_baseline(text.encode(), "x.yaml")) == text


def test_a_baseline_reads_like_a_page() -> None:
    score = ApprovedScore(label="contains 'refund'", scorer="contains", status="passed", value=1.0)
    extra = replace(score, metric="tone", weight=2.0, soft=True)
    answer = replace(SAID, scores=(score, extra), model="gpt-x-2026", name="turn 1")
    sample = ApprovedSample(status="passed", answers=(answer,))

    assert baseline_text(replace(ONE, samples=(sample,))) == (
        "# Approved results. 'llmops review' and 'llmops approve' write this file.\n"
        "schema: llmops.baseline/1\n"
        "suite: support/reply\n"
        'case: "Angry!"\n'
        "case_hash: 0123456789ab\n"
        "prompt: reply\n"
        'version: "1.20"\n'
        "model: fast\n"
        'asked: {"temperature": 0}\n'
        'parameters: {"temperature": 0, "top_p": 1}\n'
        "run: 20261121-034512-7c1e\n"
        "approved: 2026-11-21\n"
        "author: Ada\n"
        "samples:\n"
        "  - status: passed\n"
        "    answers:\n"
        "      - name: turn 1\n"
        "        model: gpt-x-2026\n"
        "        scores:\n"
        "          - label: \"contains 'refund'\"\n"
        "            scorer: contains\n"
        "            status: passed\n"
        "            value: 1.0\n"
        "          - label: \"contains 'refund'\"\n"
        "            scorer: contains\n"
        "            status: passed\n"
        "            value: 1.0\n"
        "            metric: tone\n"
        "            weight: 2.0\n"
        "            soft: true\n"
        "        output: |-\n"
        "          We will\n"
        "          refund you.\n"
    )


def test_baselines_are_found_by_the_question_they_answer(write: WriteFiles) -> None:
    other = replace(ONE, case="calm", suite="say")
    root = write(
        {f"baselines/{one.file}": baseline_text(one) for one in (ONE, other)}
        | {"baselines/README.md": "Approved."}
    )

    assert read_baselines(WorkTree(root), CONFIG) == {ONE.key: ONE, other.key: other}


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert read_baselines(WorkTree(tmp_path), CONFIG) == {}


def test_a_file_under_the_name_of_another_question_is_refused(write: WriteFiles) -> None:
    other = replace(ONE, case="calm")
    root = write(
        {
            f"baselines/{other.file}": baseline_text(ONE),
            f"baselines/{ONE.file.replace('support/reply', 'support')}": baseline_text(ONE),
        }
    )

    assert complaints(root) == [
        f"baselines/support/angry.{ONE.key}.yaml:1:1: [baseline-name] the file is called otherwise"
        f" than the question it holds the answers to: 'baselines/{ONE.file}'",
        f"baselines/{other.file}:1:1: [baseline-name] the file is called otherwise than the"
        f" question it holds the answers to: 'baselines/{ONE.file}'",
    ]


def test_a_second_file_for_one_question_is_refused(write: WriteFiles) -> None:
    copy = f"baselines/support/reply/copy.{ONE.key}.yaml"
    root = write({f"baselines/{ONE.file}": baseline_text(ONE), copy: baseline_text(ONE)})

    (complaint,) = complaints(root)
    assert complaint.startswith(f"{copy}:1:1: [baseline-name]")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("schema: llmops.baseline/1", "schema: llmops.baseline/2", "[baseline-schema]"),
        ("suite: support/reply", "suite: []", "expected text, not an empty list"),
        ('asked: {"temperature": 0}', "asked: [1]", "expected a mapping, not a list"),
        ('asked: {"temperature": 0}', "asked: no", "expected a mapping, not text ('no')"),
        ("author: Ada", "autor: Ada", "did you mean 'author'?"),
        ("  - status: passed", "  - status: error", "expected one of passed, failed"),
        ("case: ", "<<<<<<< HEAD\ncase: ", "[yaml-syntax]"),
    ],
)
def test_a_broken_baseline_is_shown_where_it_is_broken(
    write: WriteFiles, before: str, after: str, said: str
) -> None:
    text = baseline_text(ONE)
    assert before in text
    root = write({f"baselines/{ONE.file}": text.replace(before, after)})

    with pytest.raises(InvalidInputError) as caught:
        read_baselines(WorkTree(root), CONFIG)

    assert said in str(caught.value)
    assert caught.value.faults[0].at is not None


def test_a_baseline_without_samples_is_refused() -> None:
    text = baseline_text(ONE).partition("samples:")[0] + "samples: []\n"

    with pytest.raises(InvalidInputError, match="at least one sample"):
        parse_baseline(text.encode(), "x.yaml")


def test_a_baseline_larger_than_any_prompt_file_may_be_is_read() -> None:
    long = replace(ONE, samples=(ApprovedSample(
        status="passed", answers=(ApprovedAnswer(output=f"{'x' * 99}\n" * 80_000),)
    ),))  # fmt: skip

    assert parse_baseline(baseline_text(long).encode(), "x.yaml") == long
