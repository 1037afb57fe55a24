"""Labels: which version is deployed where, as a line in a file that git keeps."""

from msgspec import Struct
from msgspec.structs import asdict

from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.history.refs import resolve_ref
from llmops.loading.labels import labels_path, unknown_label
from llmops.loading.prompts import unknown_prompt
from llmops.loading.value_checks import label_fault
from llmops.location import COMMAND_LINE
from llmops.reporting.files import write_text
from llmops.versions.finder import Versions
from llmops.versions.labels import remove_label, set_label
from llmops.versions.version import PromptVersion

_SHORT = 12


class LabelListing(Struct, frozen=True, kw_only=True):
    """A label of a prompt.

    Attributes:
        target: What the file says: a claimed version or a commit's id.
        commit: The commit it means; None when it means nothing any more.
        content_hash: 12 hex digits of the prompt there.
        why: Why it means nothing.
    """

    prompt: str
    label: str
    target: str
    commit: str | None
    content_hash: str | None
    protected: bool
    why: str | None = None

    def as_json(self) -> dict[str, object]:
        """The label as plain JSON values."""
        return asdict(self)


class Moved(Struct, frozen=True, kw_only=True):
    """What setting or removing a label did.

    Attributes:
        path: The file of labels, from the project's root.
        before: What the label meant; None when it was not there.
        after: What it means now; None when it was removed.
        note: What the user should know.
    """

    prompt: str
    label: str
    path: str
    before: str | None
    after: str | None
    note: str | None = None

    def as_json(self) -> dict[str, object]:
        """The move as plain JSON values."""
        return asdict(self)


def list_labels(versions: Versions, name: str | None = None) -> list[LabelListing]:
    """List labels, of one prompt or of all.

    Raises:
        InvalidInputError: The file of labels is wrong, or no prompt has that name.
    """
    labels = versions.labels
    if name is not None and name not in labels and name not in versions.names():
        raise InvalidInputError.of([unknown_prompt(name, versions.names(), COMMAND_LINE)])
    return [
        _listing(versions, prompt, label, target)
        for prompt, known in labels.items()
        for label, target in known.items()
        if name in {None, prompt}
    ]


def label_version(
    versions: Versions, name: str, label: str, ref: str | None, *, force: bool = False
) -> Moved:
    """Let a label mean a version.

    Args:
        versions: Of the project.
        name: The prompt's.
        label: The label.
        ref: A claimed version, another label, or a git revision; None for the commit that is
            checked out.
        force: Move a protected label too.

    Raises:
        InvalidInputError: There is no such prompt or version, the word cannot be a label, or the
            label is protected.
        UnavailableError: Git is missing or refuses, or the file cannot be written.
    """
    fault = label_fault(label, COMMAND_LINE)
    if fault is not None:
        raise InvalidInputError.of([fault])
    asked = "git:HEAD" if ref is None else ref
    version = versions.find(Text(f"{name}@{asked}", COMMAND_LINE))
    target = _target(versions, name, version)
    before = versions.labels.get(name, {}).get(label)
    path = labels_path(versions.config)
    if before is not None and before.text == target:
        return Moved(prompt=name, label=label, path=path, before=target, after=target)
    _check_protected(versions, label, force=force)
    _write(versions, set_label(_text(versions), path, name, label, target))
    was = str(before) if before is not None else None
    note = _shadow(versions, name, label)
    return Moved(prompt=name, label=label, path=path, before=was, after=target, note=note)


def unlabel(versions: Versions, name: str, label: str, *, force: bool = False) -> Moved:
    """Take a label out.

    Raises:
        InvalidInputError: The prompt has no such label, or it is protected.
        UnavailableError: The file cannot be written.
    """
    labels = versions.labels
    before = labels.get(name, {}).get(label)
    if before is None:
        raise InvalidInputError.of([unknown_label(label, name, labels, COMMAND_LINE)])
    _check_protected(versions, label, force=force)
    path = labels_path(versions.config)
    _write(versions, remove_label(_text(versions), path, name, label))
    return Moved(prompt=name, label=label, path=path, before=str(before), after=None)


def _listing(versions: Versions, prompt: str, label: str, target: Text) -> LabelListing:
    protected = label in versions.config.protected_labels
    try:
        meant = versions.find(Text(f"{prompt}@label:{label}", target.at))
    except InvalidInputError as error:
        return LabelListing(
            prompt=prompt,
            label=label,
            target=str(target),
            commit=None,
            content_hash=None,
            protected=protected,
            why=error.faults[0].message,
        )
    return LabelListing(
        prompt=prompt,
        label=label,
        target=str(target),
        commit=meant.commit,
        content_hash=meant.content_hash,
        protected=protected,
    )


def _target(versions: Versions, name: str, version: PromptVersion) -> str:
    """What to write: the claimed version where it means this content, else the commit's id."""
    commit = str(version.commit)
    if version.prompt.version is None:
        return commit
    claimed = str(version.prompt.version)
    try:
        meant = versions.find(Text(f"{name}@version:{claimed}", COMMAND_LINE))
    except InvalidInputError:  # two contents claim it, or no commit of this branch does
        return commit
    return claimed if meant.content_hash == version.content_hash else commit


def _check_protected(versions: Versions, label: str, *, force: bool) -> None:
    if label in versions.config.protected_labels and not force:
        raise InvalidInputError(
            f"the label '{label}' is protected",
            at=COMMAND_LINE,
            code="protected-label",
            hint="add --force to move it, and have the change to the file reviewed",
        )


def _shadow(versions: Versions, name: str, label: str) -> str | None:
    if resolve_ref(versions.loader.repository, label) is None:
        return None
    return f"'{label}' is a git revision too: write {name}@label:{label} or {name}@git:{label}"


def _text(versions: Versions) -> str:
    try:
        return versions.tree.read(labels_path(versions.config)).decode()
    except InvalidInputError as error:
        if error.faults[0].code == "missing-file":
            return ""
        raise


def _write(versions: Versions, text: str) -> None:
    path = versions.root / labels_path(versions.config)
    write_text(path, text, root=versions.root)
