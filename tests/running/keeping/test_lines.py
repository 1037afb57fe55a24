import errno
import fcntl
import resource
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmops.running.keeping import lines
from llmops.running.keeping.lines import LineFile


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file of this process may grow beyond 1,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_does_not_fit_is_not_there_at_all(tmp_path, small_disk) -> None:
    file = LineFile(tmp_path / "r.jsonl", resume=False)
    file.add(b"a" * 600)

    with pytest.raises(OSError, match="too large"):
        file.add(b"b" * 600)
    file.add(b"c" * 300)
    file.close()

    assert (tmp_path / "r.jsonl").read_bytes() == b"a" * 600 + b"\n" + b"c" * 300 + b"\n"


def refuse_to_lock(*_: object) -> None:
    raise OSError(errno.ENOLCK, "no locks here")


@pytest.mark.parametrize(
    "locks",
    [
        None,
        SimpleNamespace(flock=refuse_to_lock, LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB),
    ],
    ids=["a system without locks", "a file system without locks"],
)
def test_without_locks_lines_are_kept_all_the_same(tmp_path: Path, monkeypatch, locks) -> None:
    monkeypatch.setattr(lines, "fcntl", locks)

    file = LineFile(tmp_path / "r.jsonl", resume=False)
    file.add(b"kept")
    file.close()

    assert (tmp_path / "r.jsonl").read_bytes() == b"kept\n"
