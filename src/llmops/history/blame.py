"""Which commit wrote each line of a file."""

from datetime import datetime, timedelta, timezone

from msgspec import Struct

from llmops.history.changes import Commit
from llmops.history.repository import Repository


class BlamedLine(Struct, frozen=True, kw_only=True):
    """A line of a file.

    Attributes:
        number: From 1.
        text: Without its line end.
        commit: What wrote it; None for a line that is not committed.
        path: What the file was called in that commit, from the repository's top.
    """

    number: int
    text: str
    commit: Commit | None
    path: str


def blame(repository: Repository, path: str, commit: str | None) -> list[BlamedLine]:
    """Tell which commit wrote each line; moves of the file are followed.

    Args:
        repository: Asked from its top folder.
        path: From the repository's top.
        commit: A commit's id; None for the work tree.

    Raises:
        UnavailableError: The file is in no commit, or git failed.
    """
    revision = (commit,) if commit else ()
    said = repository.run("blame", "--line-porcelain", *revision, "--", path)
    lines: list[BlamedLine] = []
    head: list[str] = []
    for line in said.split("\n"):
        if line.startswith("\t"):
            lines.append(_blamed(head, line[1:].removesuffix("\r"), len(lines) + 1))
            head = []
        else:
            head.append(line)
    return lines


def _blamed(head: list[str], text: str, number: int) -> BlamedLine:
    id_ = head[0].partition(" ")[0]
    said = dict(line.partition(" ")[::2] for line in head[1:])
    path = said["filename"]
    if not id_.strip("0"):
        return BlamedLine(number=number, text=text, commit=None, path=path)
    commit = Commit(
        id=id_,
        parents=(said["previous"].partition(" ")[0],) if "previous" in said else (),
        date=_date(int(said["author-time"]), said["author-tz"]),
        author=said["author"],
        subject=said["summary"],
    )
    return BlamedLine(number=number, text=text, commit=commit, path=path)


def _date(seconds: int, zone: str) -> str:
    """ISO 8601 of a time in seconds and a zone such as `+0130`."""
    minutes = int(zone[-4:-2]) * 60 + int(zone[-2:])
    offset = timedelta(minutes=-minutes if zone.startswith("-") else minutes)
    return datetime.fromtimestamp(seconds, timezone(offset)).isoformat()
