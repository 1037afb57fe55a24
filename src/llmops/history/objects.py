"""Git's objects by their ids, read from one process that stays open."""

import contextlib
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from llmops.errors import UnavailableError
from llmops.history.repository import DAMAGED, PARTIAL, Repository

_CHUNK = 2**20
_TREE = b"40000"
_SUBMODULE = b"160000"
_UNSHALLOW = "the clone is shallow: 'git fetch --unshallow' (fetch-depth: 0 in actions/checkout) gets the rest"


@dataclass(frozen=True, slots=True)
class Entry:
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
            real, data, _size = self._read(id_, None)
            self._folders[id_] = dict(_entries(data, len(real) // 2))
        return self._folders[id_]

    def blob(self, id_: str, limit: int) -> tuple[bytes, int]:
        """A file's bytes and its size; no bytes when it is larger than the limit.

        Raises:
            UnavailableError: As `root`.
        """
        _real, data, size = self._read(id_, limit)
        return data, size

    def close(self) -> None:
        """End the process, if there is one."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _read(self, name: str, limit: int | None) -> tuple[str, bytes, int]:
        with self._lock:
            try:
                return self._ask(name, limit)
            except UnavailableError:
                raise
            except (OSError, ValueError):  # it was killed, or says what git never says
                self._fail(name)
            except BaseException:  # interrupted between a question and its answer
                self.close()
                raise

    def _ask(self, name: str, limit: int | None) -> tuple[str, bytes, int]:
        process = self._open()
        process.stdin.write(f"{name}\n".encode())
        process.stdin.flush()
        head = process.stdout.readline().split()
        if head[1:] == [b"missing"]:
            raise self._missing(name)
        if len(head) != 3:
            self._fail(name)
        size = int(head[2])
        if limit is not None and size > limit:
            _pass_over(process.stdout, size)
            data = b""
        else:
            data = process.stdout.read(size)
        if process.stdout.read(1) != b"\n":
            self._fail(name)
        return head[0].decode(), data, size

    def _open(self) -> Any:  # noqa: ANN401 - GitPython is untyped here
        if self._process is None:
            self._process = self._repository.talk("cat-file", "--batch")
            self._end = weakref.finalize(self, _end, self._process)
        return self._process

    def _fail(self, name: str) -> NoReturn:
        """Git ended in the middle, as it does when a partial clone lacks an object."""
        self.close()
        raise self._missing(name)

    def _missing(self, name: str) -> UnavailableError:
        if self._repository.partial():
            hint = PARTIAL
        else:
            hint = _UNSHALLOW if self._repository.shallow else DAMAGED
        return UnavailableError(
            f"git cannot read the object {name}", code="missing-object", hint=hint
        )


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
