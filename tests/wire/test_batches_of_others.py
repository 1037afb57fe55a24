import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import program, served

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.providers.batch.base import Tag
from llmops.providers.batch.office import Office

pytestmark = pytest.mark.skipif(program() is None, reason="aimock is not installed")
TAG = Tag(run="20261121-034512-7c1e", name="1-0123456789ab")
TEXT = "Mock batch completion"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("aimock")
    yield from served(folder)


def test_openai_batches_go_through_a_server_of_others(address: str) -> None:
    of = Model(
        label="m",
        name="openai/gpt-4o-mini",
        via="direct",
        api_base=f"{address}/v1",
        key="OUR_API_KEY",
    )
    asked = {
        name: Request(model=of.name, messages=({"role": "user", "content": name},))
        for name in ("a", "b")
    }

    async def run() -> tuple[list[str], dict[str, object], str | None, str, str]:
        office = Office({"OUR_API_KEY": "sk-mock"})
        try:
            letters = [office.letter(request, of, name) for name, request in asked.items()]
            sent = [letter for letter in letters if letter is not None]
            batches = office.batches(sent[0], of)
            batch = await batches.send(sent, TAG)
            found = await batches.find(TAG)
            states = [await batches.look(batch), await batches.look(batch)]
            replies = {
                reply.id: reply.answer async for reply in batches.fetch(batch, states[-1], asked)
            }
            other = await batches.send(sent[:1], Tag(run="r", name="2"))
            await batches.cancel(other)
            last = await batches.look(other)
            return [state.word for state in states], replies, found, batch, last.word
        finally:
            await office.close()

    words, replies, found, batch, last = asyncio.run(run())

    assert words == ["in_progress", "completed"]
    assert {name: getattr(answer, "text", answer) for name, answer in replies.items()} == {
        "a": TEXT,
        "b": TEXT,
    }
    assert found == batch
    assert last == "cancelled"
