"""A courier: takes things and carries them off in a thread of its own, some at a time."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

Thing = TypeVar("Thing")
Load_contra = TypeVar("Load_contra", contravariant=True)

_BATCH: Final = 256
_LINGER: Final = 0.05
"""Seconds that a load waits for more to go with it."""
_WAITING: Final = 8192
_PATIENCE: Final = 5.0
"""Seconds that whoever hands something over waits for room; then it is lost."""
_TRIES: Final = 2
"""So many loads in a row may fail; then nothing more is carried."""
_LONGEST_END: Final = 20.0
"""Seconds that the end of a run waits for what is still to be carried."""


class Carrier(Protocol[Load_contra]):
    """Carries loads, in the courier's thread."""

    def carry(self, load: Sequence[Load_contra]) -> str | None:
        """Carry a load; returns why it could not be, or None."""
        ...

    def close(self) -> None:
        """Let go of the connection; a load under way is given up."""
        ...

    def summary(self, lost: int, reason: str | None) -> str:
        """What to say at the end: what was carried, and why some of it was lost."""
        ...


class Courier(Generic[Thing]):
    """Carries things off without keeping those who hand them over waiting.

    What cannot be carried is lost, counted, and said once at the end: it never breaks a run.
    """

    def __init__(self, open_carrier: Callable[[], Carrier[Thing]]) -> None:
        """Start the thread.

        Args:
            open_carrier: Called at once; raises what keeps the run from starting.
        """
        self._carrier = open_carrier()
        self._things: queue.Queue[Thing | None] = queue.Queue(maxsize=_WAITING)
        self._lost = 0
        self._failed = 0
        self._reason: str | None = None
        self._thread = threading.Thread(target=self._run, name="llmops-courier", daemon=True)
        self._thread.start()

    def take(self, thing: Thing) -> None:
        """Take one thing."""
        try:
            self._things.put(thing, timeout=_PATIENCE)
        except queue.Full:
            self._lost += 1

    def close(self) -> str:
        """Carry what is left, and say in one sentence what came of it."""
        self._say_end()
        self._thread.join(_LONGEST_END)
        self._carrier.close()
        self._thread.join(1.0)
        if self._thread.is_alive():
            self._lost += self._things.qsize()
        late = "it takes too long" if self._lost else None
        return self._carrier.summary(self._lost, self._reason or late)

    def _say_end(self) -> None:
        """Let the thread end once it has come so far; what finds no room for that is lost."""
        try:
            self._things.put(None, timeout=_PATIENCE)
        except queue.Full:
            while not self._things.empty():
                self._things.get_nowait()
                self._lost += 1
            self._things.put(None)

    def _run(self) -> None:
        ended = False
        while not ended:
            load, ended = self._next_load()
            if load and self._failed < _TRIES:
                self._carry(load)
            else:
                self._lost += len(load)

    def _next_load(self) -> tuple[list[Thing], bool]:
        """What waits, at most a batch of it; and whether it is the last."""
        load: list[Thing] = []
        while len(load) < _BATCH:
            try:
                thing = self._things.get(timeout=_LINGER if load else None)
            except queue.Empty:
                break
            if thing is None:
                return load, True
            load.append(thing)
        return load, False

    def _carry(self, load: list[Thing]) -> None:
        try:
            reason = self._carrier.carry(load)
        except Exception as error:  # whatever it is, the run goes on
            reason = f"{type(error).__name__}: {error}"[:200]
        self._failed = self._failed + 1 if reason else 0
        if reason:
            self._lost += len(load)
            self._reason = self._reason or reason
