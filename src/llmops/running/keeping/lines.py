"""A file that only grows, line by line: each line is there to its end or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # asked for before each use

_STEP = 65_536


class LineFile:
    """A file of lines, held by one process at a time.

    Attributes:
        end: The bytes of its lines so far, which is where the next one begins.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        """Create the file, or open one and cut off what a kill left of its last line.

        Raises:
            BlockingIOError: Another process holds it.
            OSError: It cannot be written, or a new one is there already.
        """
        flags = os.O_RDWR | os.O_APPEND | (0 if resume else os.O_CREAT | os.O_EXCL)
        self._file = os.fdopen(os.open(path, flags, 0o600), "ab+", buffering=0)
        try:
            _lock(self._file)
            self.end = _drop_broken_end(self._file)
        except OSError:
            self._file.close()
            raise

    def add(self, line: bytes) -> None:
        """Write one line, without its end.

        Raises:
            OSError: The disk refused; nothing of the line is kept.
        """
        left = line + b"\n"
        try:
            while left:  # nearly always once
                left = left[self._file.write(left) :]
        except OSError:
            with suppress(OSError):
                _drop_broken_end(self._file)
            raise
        self.end += len(line) + 1

    def close(self) -> None:
        """Close the file and let go of it."""
        self._file.close()


def _lock(file: IO[bytes]) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return


def _drop_broken_end(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    end = _end_of_lines(file, size)
    if end < size:
        file.truncate(end)
    return end


def _end_of_lines(file: IO[bytes], size: int) -> int:
    position = size
    while position > 0:
        start = max(0, position - _STEP)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
