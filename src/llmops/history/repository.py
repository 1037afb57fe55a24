"""The one door to git: fixed options, a clean environment, ids and literal paths only."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.errors import UnavailableError

_OPTIONS = (
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.quotePath=false",
    "color.ui=false",
    "diff.external=",
    "protocol.allow=never",
    "log.showSignature=false",
)
_SWITCHES = tuple(word for option in _OPTIONS for word in ("-c", option))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkState:
    """What is checked out.

    Attributes:
        commit: The commit's id, 40 hex digits; None before the first commit.
        dirty: 12 hex digits of what differs from it; None when nothing does.
    """

    commit: str | None
    dirty: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that holds the project.

    Attributes:
        top: The work tree's top folder.
    """

    top: Path
    _git: Any

    def run(self, *arguments: str) -> str:
        """Run one git command whose arguments hold no word of a user's that git could obey.

        Raises:
            UnavailableError: Git is missing, refused, or took longer than 30 s.
        """
        return _run(self._git, arguments)

    def state(self) -> WorkState:
        """The commit that is checked out, and whether files differ from it."""
        status = self.run("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
        entries = [entry for entry in status.split("\0") if entry]
        oid = next((e.removeprefix(_OID) for e in entries if e.startswith(_OID)), "(initial)")
        commit = None if oid == "(initial)" else oid
        if all(entry.startswith("# ") for entry in entries):
            return WorkState(commit=commit, dirty=None)
        changed = "\0".join(entry for entry in entries if not entry.startswith("# "))
        if commit:
            changed += self.run("diff", "--no-ext-diff", "--no-textconv", commit)
        digest = hashlib.sha256(changed.encode("utf-8", errors="surrogateescape")).hexdigest()
        return WorkState(commit=commit, dirty=digest[:12])


def open_repository(folder: Path) -> Repository | None:
    """Open the repository that a folder belongs to.

    Returns:
        The repository, or None when the folder is in none.

    Raises:
        UnavailableError: Git is not installed.
    """
    git = _git_in(folder)
    try:
        top = _run(git, ("rev-parse", "--show-toplevel")).rstrip("\n")
    except UnavailableError as error:
        if error.faults[0].code == "no-git":
            raise
        return None
    return Repository(Path(top), git) if top else None


def _git_in(folder: Path) -> Any:  # noqa: ANN401 - GitPython is untyped here
    _leave_surrounding_git()
    from git.cmd import Git

    git = Git(str(folder))
    git.update_environment(**_ENVIRONMENT)
    return git


def _run(git: Any, arguments: tuple[str, ...]) -> str:  # noqa: ANN401 - GitPython is untyped here
    from git.exc import GitCommandError, GitCommandNotFound

    try:
        output: str = git.execute(
            ["git", "--no-pager", *_SWITCHES, *arguments],
            strip_newline_in_stdout=False,
            kill_after_timeout=_TIMEOUT,
        )
    except GitCommandNotFound:
        raise UnavailableError(
            "git is not installed", code="no-git", hint="install git, or run without versions"
        ) from None
    except GitCommandError as error:
        words = str(error.stderr).strip().removeprefix("stderr:").strip(" '\n")
        raise UnavailableError(f"git {arguments[0]}: {words[:300]}", code="git") from None
    return output


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
    _run(_git_in(folder), ("init", "--quiet", "--initial-branch=main"))


def commit_all(folder: Path, message: str) -> None:
    """Commit every file of a repository that `create_repository` made.

    The user's name is taken from git's configuration; without one it is `llmops init`.

    Raises:
        UnavailableError: Git is missing or refused.
    """
    git = _git_in(folder)
    _run(git, ("add", "--all"))
    who: tuple[str, ...] = ()
    try:
        _run(git, ("config", "user.email"))
    except UnavailableError:
        who = ("-c", "user.name=llmops init", "-c", "user.email=llmops@localhost")
    _run(git, (*who, "commit", "--quiet", f"--message={message}"))
