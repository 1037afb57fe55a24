"""A thread that sends what it is given in batches, so that nobody waits for a server far away."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

_WAITING = 512
_BATCH = 100


class Background(Generic[Item]):
    """Takes items from any thread and hands them on, in order and in batches."""

    def __init__(self, send: Callable[[list[Item]], None], *, name: str) -> None:
        """Make it; the thread begins with the first item.

        Args:
            send: Called in the thread, with one item or more; must not raise.
            name: The thread's.
        """
        self._send = send
        self._name = name
        self._items: queue.Queue[Item | None] = queue.Queue(maxsize=_WAITING)
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """Hand an item over; waits only when very many are waiting already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._items.put(item)

    def close(self) -> None:
        """Send what waits, and end the thread."""
        if self._thread is not None:
            self._items.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next()
            if batch:
                self._send(batch)

    def _next(self) -> tuple[list[Item], bool]:
        """Wait for an item, and take those that are there already with it."""
        batch: list[Item] = []
        item = self._items.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _BATCH or self._items.empty():
                return batch, True
            item = self._items.get()
        return batch, False
