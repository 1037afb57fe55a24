"""Limits of one model: concurrency that adapts, requests and tokens a minute, a circuit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from llmops.domain.config import Model
from llmops.errors import ProviderError

_OPENS_CIRCUIT = frozenset({"auth", "not_found", "network"})
"""Faults of the model itself: the next request would meet them too."""
_BAD_LUCK = 2
"""So many attempts in a row may find no connection to a host that can be reached."""
_IN_EARNEST = 3
"""So many 429 without an answer between them mean a limit of all requests, not bad luck of one."""
_MOMENT = 1e-6
"""Seconds below which waiting is over, for clocks are rounded."""
_GROWTH = 0.5
"""What a success adds to the number of requests at a time, so that a few 429 among a thousand
answers don't leave the last hundreds to a handful of places."""


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
        """Take an amount, and return how many seconds to wait until it is there.

        More than the bucket ever holds counts as a full one, for else nobody could wait long
        enough.
        """
        now = self._clock()
        self._level = min(self._size, self._level + (now - self._last) * self._rate)
        self._last = now
        self._level -= min(amount, self._size)
        return max(0.0, -self._level / self._rate)


class ModelGate:
    """Lets requests to one model through, so many at a time.

    The number shrinks by half on 429 only, once for all requests that were under way together,
    and grows back by one for two successes. A fault of the model itself opens the
    circuit: what waits fails at once, with that fault. A network fault is one of the model only
    if no attempt reached the host between the first and the last; a connection that breaks off did.
    Where nobody listens and nobody ever did, one attempt says it all.
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
        self._bad_luck = max(model.retries, _BAD_LUCK)
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resting: set[asyncio.Future[None]] = set()
        self._not_before = 0.0
        self._spared = 0
        self._throttles = 0
        self._unreached = 0
        self._reached = False
        self._requests = Bucket(model.rpm, clock) if model.rpm else None
        self._tokens = Bucket(model.tpm, clock) if model.tpm else None

    async def enter(self, tokens: int) -> None:
        """Wait for a place, and for a turn by the limits a minute.

        Args:
            tokens: An estimate of what the request will use.

        Raises:
            ProviderError: The circuit is open.
        """
        while True:
            self._check()
            if self.in_flight < int(self.allowed):
                break
            await self._queue()
        self.in_flight += 1
        try:
            await self._pace(tokens)
        except BaseException:
            self.leave()
            raise

    @property
    def held(self) -> float:
        """Seconds that all wait until a time that the provider named; 0 where there is none."""
        wait = self._not_before - self._clock()
        return wait if wait > _MOMENT else 0.0

    def too_late(self) -> ProviderError:
        """What ends a request whose deadline lies before the time that the provider named."""
        return ProviderError(
            f"not asked: the provider wants nobody to ask for another {min(self.held, 10**9):.0f} s",
            kind="rate_limited",
            hint="'--resume last' goes on later; 'deadline' of the model says how long to wait",
        )

    async def hold(self) -> None:
        """Wait, in one's place, until the time that the provider named for all.

        Raises:
            ProviderError: The circuit is open.
        """
        await self._until(lambda: self._not_before)

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._wake()

    async def rest(self, pause: Awaitable[None]) -> None:
        """Wait for something, but no longer than the circuit is closed.

        Raises:
            ProviderError: The circuit is open.
        """
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waited = asyncio.ensure_future(pause)
        self._resting.add(opened)
        try:
            self._check()
            await asyncio.wait({opened, waited}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._resting.discard(opened)
            opened.cancel()
            waited.cancel()
        self._check()

    def succeeded(self) -> None:
        """A request came back well: grow a little."""
        self._throttles = self._unreached = 0
        self._reached = True
        self._spared = max(0, self._spared - 1)
        if self.allowed < self.most:
            self.allowed = min(self.most, self.allowed + max(_GROWTH, 1 / self.allowed))
            self._wake()

    def missed(self, error: ProviderError) -> None:
        """An attempt failed; on 429 fewer are let through, and for a while none if it must be."""
        self._unreached = self._unreached + 1 if error.unreached else 0
        self._reached = self._reached or error.status is not None or _broke_off(error)
        spared, self._spared = self._spared, max(0, self._spared - 1)
        if error.kind != "rate_limited":
            return
        self._throttles += 1
        if not spared:
            self._spared = self.in_flight
            self.allowed = max(1, self.allowed / 2)
        if error.retry_after is not None and self._throttles >= _IN_EARNEST:
            self._not_before = max(self._not_before, self._clock() + error.retry_after)

    def hopeless(self, error: ProviderError) -> bool:
        """Whether another attempt is a waste; who answered before may be about to start again."""
        return error.refused and not self._reached

    def failed(self, error: ProviderError) -> None:
        """A request failed for good; some faults mean that all the others will too."""
        lucky = not error.unreached or self._unreached <= self._bad_luck
        alone = error.kind == "network" and lucky and not self.hopeless(error)
        if error.kind not in _OPENS_CIRCUIT or alone or self.broken is not None:
            return
        self.broken = error
        while self._waiting:
            self._wake()
        for opened in self._resting:
            if not opened.done():
                opened.set_result(None)

    def _check(self) -> None:
        if self.broken is not None:
            raise ProviderError(
                f"not asked: {self.broken.message}",
                kind=self.broken.kind,
                status=self.broken.status,
                hint=self.broken.hint,
            )

    async def _queue(self) -> None:
        """Wait for a turn; whoever is called and cannot come passes the turn on."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()
            raise

    async def _pace(self, tokens: int) -> None:
        if self._requests is None and self._tokens is None:
            return
        wait = 0.0
        if self._requests is not None:
            wait = self._requests.reserve(1)
        if self._tokens is not None:
            wait = max(wait, self._tokens.reserve(tokens))
        ready = self._clock() + wait
        await self._until(lambda: ready)

    async def _until(self, moment: Callable[[], float]) -> None:
        while (wait := moment() - self._clock()) > _MOMENT:
            await self.rest(self._sleep(wait))

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


def _broke_off(error: ProviderError) -> bool:
    return error.kind == "network" and not error.unreached
