"""The wish to stop: a signal, a spent budget or a first failure, seen by all who start things."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from llmops.domain.run import StoppedBy

_WORDS: tuple[StoppedBy, ...] = ("sigint", "sigterm", "sighup")
_SIGNALS: Mapping[int, StoppedBy] = {
    getattr(signal, word.upper()): word for word in _WORDS if hasattr(signal, word.upper())
}
"""The signals that a system has: Windows knows no SIGHUP."""


class Stop:
    """Says whether to stop, and why. The first reason counts.

    Attributes:
        reason: None as long as nobody asked.
        hurried: Whether a signal came, be it the reason or not: nobody wants to wait any more.
    """

    def __init__(self) -> None:
        self.reason: StoppedBy | None = None
        self.hurried = False
        self._listeners: list[Callable[[], None]] = []

    def ask(self, reason: StoppedBy) -> None:
        """Ask to stop."""
        news = self.reason is None or (reason in _SIGNALS.values() and not self.hurried)
        self.reason = self.reason or reason
        self.hurried = self.hurried or reason in _SIGNALS.values()
        if news:
            for listener in list(self._listeners):
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function when somebody asks, and once more when a signal hurries.

        If somebody has asked already, it is called at once.
        """
        self._listeners.append(listener)
        if self.reason is not None:
            listener()


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a wish to stop; a second one ends at once.

    What the process was started to ignore (`nohup`) stays ignored. Works in the main thread
    only; elsewhere signals are left as they are.
    """
    before: dict[int, Any] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.hurried:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.ask(_SIGNALS[number])

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            earlier = signal.getsignal(number)
            if earlier not in (signal.SIG_IGN, None):
                before[number] = earlier
                signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
