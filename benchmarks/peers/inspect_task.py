"""The benchmark's cases for inspect: `includes`, a pattern, and a Levenshtein scorer of its own."""

import json
import os
import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import CORRECT, INCORRECT, Score, accuracy, includes, scorer
from inspect_ai.solver import generate
from rapidfuzz.distance import Levenshtein


@scorer(metrics=[accuracy()])
def matches():
    async def score(state, target):
        del target
        found = re.search(state.metadata["matches"], state.output.completion)
        return Score(value=CORRECT if found else INCORRECT)

    return score


@scorer(metrics=[accuracy()])
def near():
    async def score(state, target):
        del target
        distance = Levenshtein.distance(state.output.completion, state.metadata["expected"])
        return Score(value=CORRECT if distance <= 10 else INCORRECT)

    return score


@task
def bench():
    rows = json.loads(Path(os.environ["BENCH_CASES"]).read_text())
    samples = [
        Sample(id=row["number"], input=row["prompt"], target=row["contains"], metadata=row)
        for row in rows
    ]
    scorers = [includes(), matches(), near()]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=scorers)
