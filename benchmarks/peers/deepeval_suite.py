"""The benchmark's cases for deepeval: answers from AsyncOpenAI, 100 at a time, then `evaluate`."""

import asyncio
import json
import os
import re
from pathlib import Path

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase
from openai import AsyncOpenAI
from rapidfuzz.distance import Levenshtein


class Claim(BaseMetric):
    """A deterministic claim; `holds` says whether it does."""

    async_mode = True
    evaluation_model = None
    include_reason = False
    strict_mode = False

    def __init__(self):
        self.threshold = 1.0
        self.score = self.success = self.reason = self.error = self.evaluation_cost = None

    def measure(self, test_case, *args, **named):
        del args, named
        self.score = float(self.holds(test_case.actual_output, test_case.metadata))
        self.success = self.score >= 1
        self.reason = ""
        return self.score

    async def a_measure(self, test_case, *args, **named):
        return self.measure(test_case, *args, **named)

    def is_successful(self):
        return bool(self.success)

    @property
    def __name__(self):
        return type(self).__name__


class Contains(Claim):
    def holds(self, output, row):
        return row["contains"] in output


class Matches(Claim):
    def holds(self, output, row):
        return re.search(row["matches"], output) is not None


class Near(Claim):
    def holds(self, output, row):
        return Levenshtein.distance(output, row["expected"]) <= 10


async def answers(rows):
    client = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="none")
    places = asyncio.Semaphore(100)

    async def ask(row):
        async with places:
            message = {"role": "user", "content": row["prompt"]}
            said = await client.chat.completions.create(model="bench", messages=[message])
            return said.choices[0].message.content

    return await asyncio.gather(*map(ask, rows))


def main():
    rows = json.loads(Path(os.environ["BENCH_CASES"]).read_text())
    said = asyncio.run(answers(rows))
    evaluate(
        test_cases=[
            LLMTestCase(input=row["prompt"], actual_output=text, metadata=row)
            for row, text in zip(rows, said, strict=True)
        ],
        metrics=[Contains(), Matches(), Near()],
        async_config=AsyncConfig(run_async=True, max_concurrent=100),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False, use_cache=False),
        error_config=ErrorConfig(ignore_errors=True),
    )


if __name__ == "__main__":
    main()
