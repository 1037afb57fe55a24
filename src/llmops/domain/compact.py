"""Many texts and many places in few bytes each, so that a million of them weigh little."""

from array import array
from collections.abc import Iterator, Mapping

_FEW = 1024
_GAP = 65_536
_BITS = 2**64 - 1


class TextSet:
    """A set of texts that keeps 64 bits of each, in 16 to 40 bytes.

    A text that was never added may seem to be there; among a million texts the odds are 1 to
    30 million.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._slots = array("Q", bytes(8 * _FEW))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, text: str) -> bool:
        return self._slots[self._place(_print_of(text))] != 0

    def add(self, text: str) -> bool:
        """Add a text.

        Returns:
            Whether it is new.
        """
        key = _print_of(text)
        place = self._place(key)
        if self._slots[place]:
            return False
        self._slots[place] = key
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def _place(self, key: int) -> int:
        """Where the key stands, or the free place where it belongs."""
        slots = self._slots
        last = len(slots) - 1
        place = key & last
        while slots[place] != key and slots[place]:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(8 * 2 * len(before)))
        for key in before:
            if key:
                self._slots[self._place(key)] = key


class Offsets(Mapping[int, int]):
    """Places in a file by index, 8 bytes each where the indices are dense.

    Iterates in the order of the indices.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._near = array("q")
        self._far: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count + len(self._far)

    def __iter__(self) -> Iterator[int]:
        yield from (index for index, offset in enumerate(self._near) if offset >= 0)
        yield from sorted(self._far)

    def __getitem__(self, index: int) -> int:
        offset = self._near[index] if 0 <= index < len(self._near) else -1
        return offset if offset >= 0 else self._far[index]

    def put(self, index: int, offset: int) -> None:
        """Remember a place, in place of what was known of the index.

        Args:
            index: From 0; one far beyond the others costs no more than they do.
            offset: From 0.
        """
        missing = index + 1 - len(self._near)
        if missing == 1 and index not in self._far:
            self._near.append(offset)
            self._count += 1
            return
        if missing > _GAP or index in self._far:
            self._far[index] = offset
            return
        if missing > 0:
            self._near.extend([-1] * missing)
        self._count += self._near[index] < 0
        self._near[index] = offset


def _print_of(text: str) -> int:
    return hash(text) & _BITS or 1
