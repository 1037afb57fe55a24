"""The wish to stop: a signal, a spent budget or a first failure, seen by all who start things."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from llmops.domain.run import StoppedBy

_SIGNALS: dict[int, StoppedBy] = {signal.SIGINT: "sigint", signal.SIGTERM: "sigterm"}
if hasattr(signal, "SIGHUP"):
    _SIGNALS[signal.SIGHUP] = "sighup"


class Stop:
    """Says whether to stop, and why. The first reason counts."""

    def __init__(self) -> None:
        self.reason: StoppedBy | None = None
        self._listeners: list[Callable[[], None]] = []

    def ask(self, reason: StoppedBy) -> None:
        """Ask to stop."""
        if self.reason is None:
            self.reason = reason
            for listener in list(self._listeners):
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function when somebody asks; at once if somebody has."""
        self._listeners.append(listener)
        if self.reason is not None:
            listener()


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a wish to stop; a second one ends at once.

    Works in the main thread only; elsewhere signals are left as they are.
    """
    before: dict[int, object] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.reason in _SIGNALS.values():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.ask(_SIGNALS[number])

    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, handle)
    except ValueError:
        before.clear()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() itself returned
