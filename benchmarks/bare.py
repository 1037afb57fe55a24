"""The floor: ask a list of messages, a hundred at a time, with nothing but aiohttp.

`python benchmarks/bare.py http://127.0.0.1:8000/v1 messages.json`
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp  # noqa: TID253 - this is no part of the package, and asks nothing else

_AT_ONCE = 100


async def ask(base: str, messages: list[str]) -> int:
    """Ask for them all; returns how many characters came back."""
    waiting = iter(messages)
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work(waiting: Iterator[str]) -> int:
            characters = 0
            for said in waiting:
                body = {"model": "bench", "messages": [{"role": "user", "content": said}]}
                async with session.post(f"{base}/chat/completions", json=body) as answer:
                    found = await answer.json()
                    characters += len(found["choices"][0]["message"]["content"])
            return characters

        return sum(await asyncio.gather(*(work(waiting) for _ in range(_AT_ONCE))))


if __name__ == "__main__":
    print(asyncio.run(ask(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()))))
