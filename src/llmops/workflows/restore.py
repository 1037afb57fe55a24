"""Old content brought back into the work tree as a new version."""

from msgspec import Struct

from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.location import COMMAND_LINE
from llmops.reporting.files import write_bytes
from llmops.versions.bump import set_changelog, set_version
from llmops.versions.change import change_between
from llmops.versions.finder import Versions
from llmops.versions.step import next_version
from llmops.versions.version import PromptVersion

_SHORT = 12


class Restored(Struct, frozen=True, kw_only=True):
    """What was brought back.

    Attributes:
        path: The prompt's file, from the project's root.
        commit: Where it came from.
        before: The version that the work tree claimed; None when it held no such prompt.
        after: The version that it claims now; the same as before when nothing was written.
        files: The files that were written.
    """

    path: str
    commit: str
    before: str | None
    after: str | None
    files: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """What was done, as plain JSON values."""
        return {
            "path": self.path,
            "commit": self.commit,
            "before": self.before,
            "after": self.after,
            "files": list(self.files),
        }


def restore(
    versions: Versions, named: str, *, force: bool = False, with_files: bool = False
) -> Restored:
    """Write an old version's content into the work tree, and claim a new version for it.

    Args:
        versions: Of the project.
        named: `NAME@REF`.
        force: Write over changes that are not committed.
        with_files: Bring back the partials and other files that it was made of, too.

    Raises:
        InvalidInputError: There is no such version, the file has changes that are not committed,
            or what the prompt was made of has changed since.
        UnavailableError: Git is missing or refuses, or a file cannot be written.
    """
    name, at_sign, _ref = named.partition("@")
    if not at_sign:
        raise InvalidInputError(
            f"'{named[:80]}' names no version",
            at=COMMAND_LINE,
            code="usage",
            hint="write NAME@REF, such as support/reply@1.0.0",
        )
    old = versions.find(Text(named, COMMAND_LINE))
    now = _in_work_tree(versions, name)
    path = now.prompt.path if now is not None else _path_of(versions, name, old)
    before = str(now.prompt.version) if now is not None and now.prompt.version else None
    if now is not None and now.content_hash == old.content_hash:
        return Restored(path=path, commit=_commit(old), before=before, after=before, files=())
    others = _others(versions, old)
    if others and not with_files:
        raise _changed_since(old, others)
    for file in (path, *others):
        _check_committed(versions, file, force=force)
    after = _next(versions, name, now, old)
    text = old.tree.read(old.prompt.path).decode("utf-8", errors="surrogateescape")
    text = set_changelog(
        set_version(text, path, after), path, f"Restored from {_commit(old)[:_SHORT]}."
    )
    written = {path: text.encode("utf-8", errors="surrogateescape")}
    written |= {file: old.tree.read(file) for file in others}
    for file, data in written.items():
        write_bytes(versions.root / file, data, root=versions.root)
    return Restored(
        path=path, commit=_commit(old), before=before, after=after, files=tuple(written)
    )


def _in_work_tree(versions: Versions, name: str) -> PromptVersion | None:
    """The prompt as it is now; None when there is none, or it cannot be read."""
    if name not in versions.names():
        return None
    try:
        return versions.in_work_tree(Text(name, COMMAND_LINE))
    except InvalidInputError:
        return None


def _path_of(versions: Versions, name: str, old: PromptVersion) -> str:
    """Where the prompt's file is, or will be."""
    held = set(versions.tree.paths(versions.config.prompts))
    usual = versions.loader.paths_of(name)
    suffix = old.prompt.path.rpartition(".")[2]
    return next(
        (path for path in usual if path in held), f"{versions.config.prompts}/{name}.{suffix}"
    )


def _others(versions: Versions, old: PromptVersion) -> list[str]:
    """The files beside its own that the prompt was made of and that are not as they were."""
    loaded = versions.loader.load(old.prompt.path, _commit(old))
    files = loaded.files if loaded is not None else {}
    made_of = [file for file, id_ in files.items() if file != old.prompt.path and id_ is not None]
    return [file for file in made_of if _lines(old.tree.read(file)) != _now(versions, file)]


def _now(versions: Versions, file: str) -> bytes | None:
    try:
        return _lines(versions.tree.read(file))
    except InvalidInputError:
        return None


def _check_committed(versions: Versions, file: str, *, force: bool) -> None:
    now = _now(versions, file)
    if force or now is None:
        return
    head = versions.project_tree(versions.head)
    try:
        kept: bytes | None = _lines(head.read(file))
    except InvalidInputError:
        kept = None
    if now != kept:
        raise InvalidInputError(
            f"'{file}' has changes that are not committed",
            at=COMMAND_LINE,
            code="uncommitted",
            hint="commit them, or add --force to write over them",
        )


def _next(versions: Versions, name: str, now: PromptVersion | None, old: PromptVersion) -> str:
    """A version that no commit claims yet, as far from today's as the change asks for."""
    current = now or next((e.version for e in versions.timeline(name) if e.version), old)
    claimed = str(current.prompt.version) if current.prompt.version else None
    taken = {entry.claimed for entry in versions.timeline(name)}
    step = change_between(current, old).step
    after = next_version(claimed, "patch" if step == "none" else step)
    while after in taken:
        after = next_version(after, "patch")
    return after


def _changed_since(old: PromptVersion, files: list[str]) -> InvalidInputError:
    listing = ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")
    return InvalidInputError(
        f"what '{old.name}' was made of has changed since: {listing}",
        at=COMMAND_LINE,
        code="changed-since",
        hint="add --with-files to bring these back too; other prompts may use them",
    )


def _commit(version: PromptVersion) -> str:
    return str(version.commit)


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")
