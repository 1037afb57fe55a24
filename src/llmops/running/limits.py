"""Limits of one model: concurrency that adapts, requests and tokens a minute, a circuit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from llmops.domain.config import Model
from llmops.errors import ProviderError

_OPENS_CIRCUIT = frozenset({"auth", "not_found", "network"})
"""Faults of the model itself: the next request would meet them too."""


class Bucket:
    """A token bucket: `rate` units a minute, of which a minute's worth may be saved up."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        """Start with a full bucket. `clock` gives monotonic seconds."""
        self._rate = rate / 60
        self._size = rate
        self._level = rate
        self._clock = clock
        self._last = clock()

    def reserve(self, amount: float) -> float:
        """Take an amount, and return how many seconds to wait until it is there."""
        now = self._clock()
        self._level = min(self._size, self._level + (now - self._last) * self._rate)
        self._last = now
        self._level -= min(amount, self._size)
        return max(0.0, -self._level / self._rate)


class ModelGate:
    """Lets requests to one model through, so many at a time.

    The number shrinks by half on 429 only, and grows back by one for each round of successes.
    A fault of the model itself opens the circuit: what waits fails at once, with that fault.
    """

    def __init__(
        self,
        model: Model,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        concurrency: int | None = None,
    ) -> None:
        """Set up the limits of a model; `concurrency` overrides its own."""
        self.most = concurrency or model.max_concurrency
        self.allowed: float = self.most
        self.in_flight = 0
        self.broken: ProviderError | None = None
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._not_before = 0.0
        self._requests = Bucket(model.rpm, clock) if model.rpm else None
        self._tokens = Bucket(model.tpm, clock) if model.tpm else None

    async def enter(self, tokens: int) -> None:
        """Wait for a place.

        Args:
            tokens: An estimate of what the request will use.

        Raises:
            ProviderError: The circuit is open.
        """
        while True:
            self._check()
            if self.in_flight < int(self.allowed):
                break
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self.in_flight += 1
        try:
            await self._pace(tokens)
            self._check()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._wake()

    def succeeded(self) -> None:
        """A request came back well: grow a little."""
        if self.allowed < self.most:
            self.allowed = min(self.most, self.allowed + 1 / max(self.allowed, 1))
            self._wake()

    def throttled(self, retry_after: float | None) -> None:
        """The provider said 429: halve, and start nothing before the time it named."""
        self.allowed = max(1, self.allowed / 2)
        if retry_after is not None:
            self._not_before = max(self._not_before, self._clock() + retry_after)

    def failed(self, error: ProviderError) -> None:
        """A request failed for good; some faults mean that all the others will too."""
        if error.kind in _OPENS_CIRCUIT and self.broken is None:
            self.broken = error
            while self._waiting:
                self._wake()

    def _check(self) -> None:
        if self.broken is not None:
            raise ProviderError(
                f"not asked: {self.broken.message}",
                kind=self.broken.kind,
                status=self.broken.status,
                hint=self.broken.hint,
            )

    async def _pace(self, tokens: int) -> None:
        wait = self._not_before - self._clock()
        if self._requests is not None:
            wait = max(wait, self._requests.reserve(1))
        if self._tokens is not None:
            wait = max(wait, self._tokens.reserve(tokens))
        if wait > 0:
            await self._sleep(wait)

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
