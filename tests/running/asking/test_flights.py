import asyncio
from collections.abc import Awaitable

import pytest

from llmops.running.asking.flights import Flights


class Model:
    """Answers with how often it was asked, after a turn of the loop; fails at first if told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked = 0
        self._failures = failures

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0)
        if number <= self._failures:
            raise ValueError(number)
        return number


def ask(flights: Flights[int], model: Model) -> Awaitable[tuple[int, bool]]:
    return flights.ask("k", model, RuntimeError("gone"))


def test_those_who_ask_at_once_share_one_answer() -> None:
    async def run() -> list[tuple[int, bool]]:
        flights, model = Flights[int](), Model()
        return await asyncio.gather(*(ask(flights, model) for _ in range(3)))

    assert asyncio.run(run()) == [(1, True), (1, False), (1, False)]


def test_an_answer_is_kept_for_those_who_said_they_would_come_and_no_longer() -> None:
    async def run() -> list[tuple[int, bool]]:
        flights, model = Flights[int](), Model()
        for _ in range(3):
            flights.announce("k")
        return [await ask(flights, model) for _ in range(4)]

    assert asyncio.run(run()) == [(1, True), (1, False), (1, False), (2, True)]


def test_an_error_is_shared_by_those_who_wait_and_not_kept() -> None:
    async def run() -> tuple[list[object], tuple[int, bool]]:
        flights, model = Flights[int](), Model(failures=1)
        for _ in range(3):
            flights.announce("k")
        both = await asyncio.gather(
            ask(flights, model), ask(flights, model), return_exceptions=True
        )
        return list(both), await ask(flights, model)

    both, later = asyncio.run(run())

    assert [type(error) for error in both] == [ValueError, ValueError]
    assert later == (2, True)


def test_those_who_wait_for_one_that_is_cancelled_are_told_so() -> None:
    async def run() -> None:
        flights, model = Flights[int](), Model()
        first = asyncio.ensure_future(ask(flights, model))
        second = asyncio.ensure_future(ask(flights, model))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(RuntimeError, match="gone"):
            await second

    asyncio.run(run())
