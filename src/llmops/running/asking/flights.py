"""Requests under way, so that one request is asked once however many trials wait for it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Flights(Generic[Answer]):
    """Answers by key, from when somebody asks until nobody is left who announced to."""

    def __init__(self) -> None:
        self._announced: Counter[str] = Counter()
        self._flights: dict[str, asyncio.Future[Answer]] = {}

    def announce(self, key: str) -> None:
        """Say that an answer will be asked for, so that it is kept until then."""
        self._announced[key] += 1

    async def ask(
        self, key: str, asking: Callable[[], Awaitable[Answer]], gone: Exception
    ) -> tuple[Answer, bool]:
        """Ask, or take what another asks or has asked; an error is shared, but not kept.

        Args:
            key: Of the request.
            asking: Asks for it.
            gone: What others get to see when this one is cancelled.

        Returns:
            The answer, and whether it was asked for here.
        """
        flight = self._flights.get(key)
        if flight is not None:
            self._arrive(key)
            return await asyncio.shield(flight), False
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await asking()
            flight.set_result(answer)
        except BaseException as error:
            flight.set_exception(error if isinstance(error, Exception) else gone)
            flight.exception()
            del self._flights[key]
            self._arrive(key)
            raise
        self._arrive(key)
        return answer, True

    def _arrive(self, key: str) -> None:
        """One that was announced has come; the last one takes the answer with it."""
        self._announced[key] -= 1
        if self._announced[key] > 0:
            return
        del self._announced[key]
        flight = self._flights.get(key)
        if flight is not None and flight.done():
            del self._flights[key]
