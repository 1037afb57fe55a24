"""How far a run is: a live line on a terminal, a plain line now and then elsewhere."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TextIO

from msgspec import Struct, field
from rich.live import Live
from rich.text import Text

from llmops.domain.run import TrialResult
from llmops.domain.verdict import Totals
from llmops.reporting.terminal import Screen, is_dumb, make_screen
from llmops.reporting.wording import money, plural, seconds

Clock = Callable[[], float]
"""Seconds that only grow, such as `time.monotonic`."""

_BAR_WIDTH: Final = 24
_REFRESHES: Final = 8
_QUIET_SECONDS: Final = 30.0
_SHORTEST_SECONDS: Final = 2.0
"""A run that is over sooner says nothing on its way."""
_QUIET_SHARE: Final = 0.1


class Progress(Protocol):
    """Told of a run as it goes."""

    def start(self, total: int) -> None:
        """The run begins; `total` trials are planned."""
        ...

    def trial(self, result: TrialResult, in_flight: int) -> None:
        """A trial ended; `in_flight` requests are on their way."""
        ...

    def note(self, text: str) -> None:
        """Something happened that the user should read now."""
        ...

    def stop(self) -> None:
        """The run ended. Stopping twice does nothing."""
        ...


class NoProgress:
    """Says nothing."""

    def start(self, total: int) -> None:
        """Say nothing."""

    def trial(self, result: TrialResult, in_flight: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Say nothing."""


def make_progress(stream: TextIO, environment: Mapping[str, str], *, clock: Clock) -> Progress:
    """Choose the progress that fits a stream, which is standard error as a rule."""
    screen = make_screen(stream, environment)
    if screen.is_terminal and not screen.in_ci and not is_dumb(environment):
        return LiveProgress(screen, clock)
    return PlainProgress(screen, clock)


class _State(Struct, kw_only=True):
    """What there is to say about a run under way."""

    clock: Clock
    began: float
    totals: Totals = field(default_factory=Totals)
    in_flight: int = 0

    def take(self, result: TrialResult, in_flight: int) -> None:
        self.totals.add(result)
        self.in_flight = in_flight

    def words(self) -> list[str]:
        totals = self.totals
        found = [f"{totals.failed:,} failed"]
        unknown = totals.error + totals.unscored
        found += [plural(unknown, "error")] if unknown else []
        found.append(money(totals.spent))
        left = self._left()
        found += [f"about {seconds(left)} left"] if left is not None else []
        found.append(f"{self.in_flight:,} in flight")
        return found

    def _left(self) -> float | None:
        """Seconds until the end at the speed so far; None while there is no speed."""
        done, missing = self.totals.done, self.totals.missing
        if not done or not missing:
            return None
        return (self.clock() - self.began) / done * missing


class LiveProgress:
    """One line at the bottom of a terminal, redrawn a few times a second, gone at the end."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._state = _State(clock=clock, began=clock())
        self._live: Live | None = None

    def start(self, total: int) -> None:
        """Draw the line."""
        self._state = _State(clock=self._clock, began=self._clock(), totals=Totals(planned=total))
        self._live = Live(
            console=self._screen.console,
            get_renderable=self._line,
            refresh_per_second=_REFRESHES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def trial(self, result: TrialResult, in_flight: int) -> None:
        """Count one more; the line is redrawn at its own pace."""
        self._state.take(result, in_flight)

    def note(self, text: str) -> None:
        """Write a line above."""
        self._screen.line(text)

    def stop(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        totals, symbols = self._state.totals, self._screen.symbols
        planned = max(1, totals.planned)
        filled = min(_BAR_WIDTH, _BAR_WIDTH * totals.done // planned)
        line = self._screen.text(
            f" {totals.done:,}/{totals.planned:,} ",
            (symbols.bar * filled, "red" if totals.failed else "green"),
            (symbols.rest * (_BAR_WIDTH - filled), "dim"),
            f"  {' · '.join(self._state.words())}",
        )
        line.truncate(self._screen.console.width, overflow="crop")
        return line


class PlainProgress:
    """A line for each tenth of the trials, or after half a minute without one."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._state = _State(clock=clock, began=clock())
        self._said_at = clock()
        self._said = 0

    def start(self, total: int) -> None:
        """Remember the time; nothing is written yet."""
        now = self._clock()
        self._state = _State(clock=self._clock, began=now, totals=Totals(planned=total))
        self._said_at, self._said = now, 0

    def trial(self, result: TrialResult, in_flight: int) -> None:
        """Write a line if it is time for one."""
        self._state.take(result, in_flight)
        totals = self._state.totals
        step = max(1.0, totals.planned * _QUIET_SHARE)
        quiet = self._clock() - self._said_at
        enough = totals.done - self._said >= step and quiet >= _SHORTEST_SECONDS
        if enough or quiet >= _QUIET_SECONDS:
            self._say()

    def note(self, text: str) -> None:
        """Write a line."""
        self._screen.line(text)

    def stop(self) -> None:
        """Nothing is left to do: the report says the rest."""

    def _say(self) -> None:
        totals = self._state.totals
        self._said, self._said_at = totals.done, self._clock()
        words = " · ".join(self._state.words())
        self._screen.line(f"{totals.done:,}/{totals.planned:,} trials · {words}")
