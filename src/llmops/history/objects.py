"""Git's objects by their ids, read from one process that stays open."""

import contextlib
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from llmops.errors import UnavailableError
from llmops.history.repository import DAMAGED, PARTIAL, Repository

_CHUNK = 2**20
_AT_ONCE = 400
"""Questions that fit into a pipe while nobody reads its other end."""
_Found = tuple[str, bytes, int]
_TREE = b"40000"
_SUBMODULE = b"160000"
_UNSHALLOW = "the clone is shallow: 'git fetch --unshallow' (fetch-depth: 0 in actions/checkout) gets the rest"


class Entry(Struct, frozen=True):
    """What stands under one name in a folder of a commit.

    Attributes:
        id: The object's id.
        kind: `link` is a symbolic link, which git keeps as a file that holds the target.
    """

    id: str
    kind: str


class Objects:
    """Reads a repository's objects; threads may share it."""

    def __init__(self, repository: Repository) -> None:
        """Prepare; the process is started when the first object is asked for."""
        self._repository = repository
        self._lock = threading.Lock()
        self._process: Any = None
        self._end: Any = None
        self._folders: dict[str, Mapping[str, Entry]] = {}
        _READERS.add(self)

    def root(self, commit: str) -> Mapping[str, Entry]:
        """The top folder of a commit, by name.

        Raises:
            UnavailableError: The commit is not in this clone, or git failed.
        """
        return self.folder(f"{commit}^{{tree}}")

    def folder(self, id_: str) -> Mapping[str, Entry]:
        """A folder of a commit, by name; submodules are left out.

        Raises:
            UnavailableError: As `root`.
        """
        if id_ not in self._folders:
            real, data, size = self._read_one(id_, None)
            self._keep(id_, real, data, size)
        return self._folders[id_]

    def known(self, folder: str) -> Mapping[str, Entry]:
        """A folder that was read ahead; empty when it could not be."""
        return self._folders.get(folder, {})

    def read_ahead(self, folders: Iterable[str]) -> None:
        """Ask for many folders at once; one that cannot be read is left to whoever needs it.

        Args:
            folders: Ids, or `ID^{tree}` of a commit.
        """
        names = [name for name in dict.fromkeys(folders) if name not in self._folders]
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            for name, found in zip(some, self._read(some, None), strict=True):
                if found is not None:
                    self._keep(name, *found)

    def blob(self, id_: str, limit: int) -> tuple[bytes, int]:
        """A file's bytes and its size; no bytes when it is larger than the limit.

        Raises:
            UnavailableError: As `root`.
        """
        _real, data, size = self._read_one(id_, limit)
        return data, size

    def close(self) -> None:
        """End the process, if there is one."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _keep(self, name: str, real: str, data: bytes, size: int) -> None:
        del size
        self._folders[name] = dict(_entries(data, len(real) // 2))

    def _read_one(self, name: str, limit: int | None) -> _Found:
        found = self._read([name], limit)[0]
        if found is None:
            raise self._missing(name)
        return found

    def _read(self, names: Sequence[str], limit: int | None) -> list[_Found | None]:
        """Read objects, so few that the questions fit into a pipe; None for one that is missing."""
        with self._lock:
            try:
                process = self._open()
                process.stdin.write("".join(f"{name}\n" for name in names).encode())
                process.stdin.flush()
                return [_answer(process.stdout, limit) for _ in names]
            except UnavailableError:
                raise
            except (OSError, ValueError):  # it was killed, or met an object it cannot read
                self.close()
                return [None for _ in names]
            except BaseException:  # interrupted between a question and its answer
                self.close()
                raise

    def _open(self) -> Any:  # noqa: ANN401 - GitPython is untyped here
        if self._process is None:
            self._process = self._repository.talk("cat-file", "--batch")
            self._end = weakref.finalize(self, _end, self._process)
        return self._process

    def _missing(self, name: str) -> UnavailableError:
        if self._repository.partial():
            hint = PARTIAL
        else:
            hint = _UNSHALLOW if self._repository.shallow else DAMAGED
        return UnavailableError(
            f"git cannot read the object {name}", code="missing-object", hint=hint
        )


_READERS: weakref.WeakSet[Objects] = weakref.WeakSet()


def close_readers() -> None:
    """End every process that a reader still holds; a reader that is asked again starts another."""
    for reader in list(_READERS):
        reader.close()


def _answer(stream: Any, limit: int | None) -> _Found | None:  # noqa: ANN401 - a process's stream
    """What git says of one object: its id, its bytes, and its size.

    Raises:
        ValueError: It ended, as it does when a partial clone lacks an object.
    """
    head = stream.readline().split()
    if head[1:] == [b"missing"]:
        return None
    real, _kind, written = head
    size = int(written)
    if limit is not None and size > limit:
        _pass_over(stream, size)
        data = b""
    else:
        data = stream.read(size)
    if stream.read(1) != b"\n":
        raise ValueError(real)
    return real.decode(), data, size


def _entries(data: bytes, id_size: int) -> list[tuple[str, Entry]]:
    found = []
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        name = data[space + 1 : end].decode("utf-8", errors="surrogateescape")
        mode, id_ = data[position:space], data[end + 1 : end + 1 + id_size].hex()
        position = end + 1 + id_size
        if mode != _SUBMODULE:
            found.append((name, Entry(id_, _kind(mode))))
    return found


def _kind(mode: bytes) -> str:
    if mode == _TREE:
        return "folder"
    return "link" if mode.startswith(b"12") else "file"


def _pass_over(stream: Any, size: int) -> None:  # noqa: ANN401 - a process's stream
    while size > 0:
        size -= len(stream.read(min(size, _CHUNK))) or size


def _end(process: Any) -> None:  # noqa: ANN401 - GitPython is untyped here
    with contextlib.suppress(OSError):  # a pipe to a process that has ended
        process.stdin.close()
    process.proc.terminate()
    process.proc.wait()
    process.stdout.close()
    process.stderr.close()
