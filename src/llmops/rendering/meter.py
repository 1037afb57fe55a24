"""How much work one rendering has done, and how large its values have grown.

A unit of work is a few tenths of a microsecond at most, or 32 bytes. Whatever can take long
or grow large in a template asks here first, so a bomb ends before it is built.
"""

import threading
from collections.abc import Sized
from typing import Final

WORK: Final = 2_000_000
"""Units that one rendering may spend: about a second at most, and under 64 MB."""
MAX_SIZE: Final = 2**20
"""The largest text, in characters, and the largest list, with all that is in it."""
MAX_BITS: Final = 4096
"""The largest whole number, in bits."""

_ATOMS = frozenset({int, float, bool, type(None)})
_EMPTY: dict[str, object] = {}
LISTS: Final = (
    list,
    tuple,
    range,
    type(_EMPTY.keys()),
    type(_EMPTY.values()),
    type(_EMPTY.items()),
)
"""What counts as a list in a template."""
CONTAINERS: Final = (dict, *LISTS)


class LimitError(Exception):
    """A template grows larger or works longer than a template may."""


class Meter(threading.local):
    """Counts the work of the rendering that this thread carries out.

    Attributes:
        max_size: The largest text, in characters.
        left: Units of work that may still be spent.
    """

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        self.max_size = max_size
        self.left = WORK

    def start(self) -> None:
        """Begin a new rendering."""
        self.left = WORK

    def spend(self, units: int) -> None:
        """Count work.

        Raises:
            LimitError: More was done than one rendering may do.
        """
        self.left -= units
        if self.left < 0:
            msg = "rendering takes too much work"
            raise LimitError(msg)

    def make(self, size: int) -> None:
        """Count a text of so many characters that is about to be made.

        Raises:
            LimitError: It is too large.
        """
        if size > self.max_size:
            msg = f"a text grows larger than {self.max_size:,} characters"
            raise LimitError(msg)
        self.spend(1 + (size >> 3))

    def look_at(self, value: object) -> None:
        """Count that a value is compared or searched.

        Raises:
            LimitError: More was done than one rendering may do.
        """
        self.spend(1 + (self.size_of(value) >> 6))

    def size_of(self, value: object) -> int:
        """Count characters and elements of a value, with all that is inside, as often as it is.

        Raises:
            LimitError: Counting alone takes too much work.
        """
        if isinstance(value, str):
            return len(value)
        if type(value) in _ATOMS:
            return 1
        total = 0
        waiting: list[object] = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                total += len(item)
            elif isinstance(item, dict):
                self.spend(1 + 4 * len(item))
                waiting.extend(item)
                waiting.extend(item.values())
            elif isinstance(item, LISTS):
                self.spend(1 + 2 * len(item))
                waiting.extend(item)
            total += 1
        return total

    def accept(self, value: object) -> object:
        """Count a value that was made.

        Returns:
            The value; a list in place of an iterator, which would put its work off.

        Raises:
            LimitError: It is too large.
        """
        if isinstance(value, str):
            self.make(len(value))
        elif isinstance(value, int):
            self.accept_bits(value.bit_length())
        elif isinstance(value, list | tuple | dict):
            self._accept_elements(len(value))
        elif hasattr(type(value), "__next__"):
            return self._drain(value)
        return value

    def accept_bits(self, bits: int) -> None:
        """Count a whole number of so many bits.

        Raises:
            LimitError: It is too large.
        """
        if bits > MAX_BITS:
            msg = f"a number grows larger than {MAX_BITS:,} bits"
            raise LimitError(msg)

    def accept_whole(self, value: Sized, times: int = 1) -> None:
        """Count a list or mapping, repeated so many times, with all that is inside.

        Raises:
            LimitError: It is too large.
        """
        if self.size_of(value) * times > self.max_size:
            msg = f"a value grows larger than {self.max_size:,} elements"
            raise LimitError(msg)
        self._accept_elements(len(value) * times)

    def _accept_elements(self, count: int) -> None:
        if count > self.max_size:
            msg = f"a list grows larger than {self.max_size:,} elements"
            raise LimitError(msg)
        self.spend(1 + 2 * count)

    def _drain(self, values: object) -> list[object]:
        drained = []
        for value in values:  # type: ignore[attr-defined] # it has __next__, so it can be walked
            self.spend(8)
            drained.append(value)
        return drained
