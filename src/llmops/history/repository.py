"""The one door to git: fixed options, a clean environment, ids and literal paths only."""

import hashlib
import os
import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from llmops.errors import UnavailableError

_NOBODY = {"user.name": "llmops init", "user.email": "llmops@localhost"}
_OPTIONS = (
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.quotePath=false",
    "color.ui=false",
    "diff.external=",
    "diff.autoRefreshIndex=true",
    "protocol.allow=never",
    "log.showSignature=false",
    f"diff.orderFile={os.devnull}",
)
_GIT = ("git", "--no-pager", *(word for option in _OPTIONS for word in ("-c", option)))
_OWN = ("--no-ext-diff", "--no-textconv")
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C.UTF-8",
}
_TIMEOUT = 30
_OID = "# branch.oid "
_UNBORN = "(initial)"
_UNTRACKED = "? "
_READ_BYTES = 2**24
_READ_FILES = 1000
"""Of untracked files that are larger or more, size and time stand for the content."""
_NO_REPOSITORY = ("not a git repository", "must be run in a work tree")
PARTIAL = (
    "the clone is partial: 'git config --unset remote.origin.partialclonefilter', then "
    "'git fetch --refetch' gets the rest"
)
DAMAGED = "the repository is damaged: 'git fsck' says more; fetch or clone it again"
_REMEDIES = {
    "dubious ownership": "git config --global --add safe.directory <this folder>",
    "safe.bareRepository": "a folder here looks like a bare repository; move the project or it",
    "promisor": PARTIAL,
    "transport": PARTIAL,
    "object name list": (
        "the setting blame.ignoreRevsFile names a file that cannot be read: create it, or "
        "'git config --unset blame.ignoreRevsFile'"
    ),
    "corrupt": DAMAGED,
    "unable to read": DAMAGED,
    "bad object": DAMAGED,
    "missing": DAMAGED,
}


class WorkState(Struct, frozen=True, kw_only=True):
    """What is checked out.

    Attributes:
        commit: The commit's id, 40 hex digits; None before the first commit.
        dirty: 12 hex digits of what differs from it; None when nothing does.
    """

    commit: str | None
    dirty: str | None


class Repository(Struct, frozen=True):
    """A repository that holds the project.

    Attributes:
        top: The work tree's top folder.
        shallow: Whether the clone lacks older commits.
    """

    top: Path
    _folder: Path
    shallow: bool = False

    def run(self, *arguments: str) -> str:
        """Run one git command whose arguments hold no word of a user's that git could obey.

        Raises:
            UnavailableError: Git is missing, refused, or took longer than 30 s.
        """
        return _run(self._folder, arguments)

    def diff(self, *arguments: str) -> str:
        """Compare with the work tree by `git diff`, and write nothing.

        Git looks into each file whose time is not the index's, and then notes the time in the index,
        whatever it is told of locks. So it is given a copy, of the same time: by it git knows which
        files may have changed unseen in the second of their staging.

        Raises:
            UnavailableError: Git refused, took longer than 30 s, or the copy cannot be written.
        """
        index = self._folder / self.run("rev-parse", "--git-path", "index").removesuffix("\n")
        try:
            with TemporaryDirectory(prefix="llmops-") as folder:
                copy = Path(folder) / "index"
                with suppress(FileNotFoundError):
                    shutil.copy2(index, copy)
                return _run(self._folder, ("diff", *_OWN, *arguments), index=copy)
        except OSError as error:
            raise _failure(("diff",), f"the index cannot be copied: {error}") from None

    def talk(self, *arguments: str) -> Any:  # noqa: ANN401 - GitPython is untyped here
        """Start one git command that is written to and read from until it is closed.

        It has a session of its own, so that a Ctrl-C that is meant for us does not end it.

        Raises:
            UnavailableError: Git is missing.
        """
        _leave_surrounding_git()
        from git.cmd import Git
        from git.exc import GitCommandNotFound

        git = Git(str(self._folder))
        git.update_environment(**_ENVIRONMENT)
        how: dict[str, Any] = {"istream": subprocess.PIPE, "start_new_session": True}
        try:
            return git.execute([*_GIT, *arguments], as_process=True, **how)
        except GitCommandNotFound:
            raise _no_git() from None

    def at_top(self) -> "Repository":
        """The same repository, asked from its top folder, to which paths are relative then."""
        return Repository(self.top, self.top, self.shallow)

    def partial(self) -> bool:
        """Whether the clone left objects with the server."""
        try:
            said = self.run(
                "config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$"
            )
        except UnavailableError:  # no such setting
            return False
        return bool(said)

    def state(self) -> WorkState:
        """The commit that is checked out, and whether files differ from it.

        Raises:
            UnavailableError: Git refused, or took longer than 30 s.
        """
        status = self.run("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all")
        entries = [entry for entry in status.split("\0") if entry]
        oid = next((e.removeprefix(_OID) for e in entries if e.startswith(_OID)), _UNBORN)
        commit = None if oid == _UNBORN else oid
        changed = [entry for entry in entries if not entry.startswith("# ")]
        if not changed:
            return WorkState(commit=commit, dirty=None)
        digest = hashlib.sha256("\0".join(changed).encode("utf-8", errors="surrogateescape"))
        if commit:
            diff = self.diff(commit)
            digest.update(diff.encode("utf-8", errors="surrogateescape"))
        untracked = [e.removeprefix(_UNTRACKED) for e in changed if e.startswith(_UNTRACKED)]
        for number, path in enumerate(untracked):
            digest.update(
                _content(self.top / path, most=_READ_BYTES if number < _READ_FILES else 0)
            )
        return WorkState(commit=commit, dirty=digest.hexdigest()[:12])


def open_repository(folder: Path) -> Repository | None:
    """Open the repository that a folder belongs to.

    Returns:
        The repository, or None when the folder is in none.

    Raises:
        UnavailableError: Git is not installed (`no-git`), or will not look at the folder.
    """
    try:
        said = _run(folder, ("rev-parse", "--show-toplevel", "--is-shallow-repository"))
    except UnavailableError as error:
        if any(words in error.faults[0].message for words in _NO_REPOSITORY):
            return None
        raise
    top, shallow, _ = said.rsplit("\n", 2)  # the folder's name may hold a line end
    return Repository(Path(top), folder, shallow == "true")


def _run(
    folder: Path,
    arguments: tuple[str, ...],
    switches: tuple[str, ...] = (),
    index: Path | None = None,
) -> str:
    """Run a git command to its end. GitPython takes 0.1 s to load, which is more than most take."""
    try:
        done = subprocess.run(  # noqa: S603 - options are fixed; callers keep users' words out
            [*_GIT, *switches, *arguments],
            cwd=folder,
            env=_environment() | ({"GIT_INDEX_FILE": str(index)} if index else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise _no_git() from None
    except subprocess.TimeoutExpired:
        raise _failure(arguments, f"no answer within {_TIMEOUT} s") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).decode("utf-8", errors="replace")
        raise _failure(arguments, words or f"exit code {done.returncode}")
    return done.stdout.decode("utf-8", errors="surrogateescape")


def _environment() -> dict[str, str]:
    """What git is told: nothing that a surrounding git command says of another repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "LANGUAGE": "C", **_ENVIRONMENT}


def _no_git() -> UnavailableError:
    return UnavailableError(
        "git is not installed", code="no-git", hint="install git, or run without versions"
    )


def _failure(arguments: tuple[str, ...], words: str) -> UnavailableError:
    hint = next((remedy for sign, remedy in _REMEDIES.items() if sign in words), None)
    return UnavailableError(f"git {arguments[0]}: {words[:300]}", code="git", hint=hint)


def _leave_surrounding_git() -> None:
    """Forget what a surrounding git command told us: it may point to another repository."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"


def create_repository(folder: Path) -> None:
    """Make a repository of a folder that is in none.

    Raises:
        UnavailableError: Git is missing or refused.
    """
    _run(folder, ("init", "--quiet", "--initial-branch=main"))


def commit_all(folder: Path, message: str) -> None:
    """Commit every file of a repository that `create_repository` made.

    The user's name and address are taken from git's configuration; without them it is
    `llmops init`. The commit is not signed, for nobody may be there to unlock the key.

    Raises:
        UnavailableError: Git is missing or refused.
    """
    _run(folder, ("add", "--all"))
    missing = [
        f"{name}={value}" for name, value in _NOBODY.items() if not _configured(folder, name)
    ]
    who = tuple(word for setting in missing for word in ("-c", setting))
    _run(folder, ("commit", "--quiet", "--no-gpg-sign", f"--message={message}"), who)


def _configured(folder: Path, name: str) -> bool:
    try:
        return bool(_run(folder, ("config", name)).strip())
    except UnavailableError:
        return False


def _content(path: Path, *, most: int) -> bytes:
    """What stands for an untracked file's content: its digest, or why it cannot be read."""
    try:
        if path.is_symlink():
            return os.fsencode(path.readlink())
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            return f"{state.st_size} {state.st_mtime_ns}".encode()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return str(error.errno).encode()
