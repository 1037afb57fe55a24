"""Versions of prompts in, what a bundle holds of them out."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields

from llmops.domain.bundle import BundledPrompt, BundledVersion
from llmops.domain.config import Config, Limits, Model
from llmops.domain.node import Text, plain
from llmops.domain.prompt import Prompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.loading.bundles import content_id, write_bundle
from llmops.loading.complaints import all_of
from llmops.loading.labels import unknown_label
from llmops.loading.project import load_prompt, resolve_model
from llmops.loading.prompts import unknown_prompt
from llmops.location import Location
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.finder import Versions
from llmops.versions.version import PromptVersion

_FOLDERS = ("prompts", "suites", "recordings", "baselines")
FORMS = ("version", "label", "git")
"""What a ref can be forced to mean, before a colon."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What a bundle is to hold.

    Attributes:
        names: `NAME` for the current content and every labelled version of a prompt, `NAME@REF`
            for one version; empty for every prompt.
        labels: When given, only versions that one of these labels means.
        dirty: Whether content that is in no commit may be exported.
        at: Where it was asked for, for complaints.
    """

    at: Location
    names: tuple[Text, ...] = ()
    labels: tuple[Text, ...] = ()
    dirty: bool = False


def make_bundle(versions: Versions, wanted: Wanted) -> str:
    """Write a bundle as text.

    Raises:
        InvalidInputError: All that is wrong with the prompts, there is none, or the current
            content of one is in no commit.
        UnavailableError: Git is missing or refuses.
    """
    gathering = _Gathering(versions=versions, wanted=wanted)
    for name in _names(versions, wanted, gathering.faults):
        gathering.gather(name)
    for text in wanted.names:
        gathering.gather_ref(text)
    if gathering.faults:
        raise all_of(gathering.faults)
    if not gathering.prompts:
        raise InvalidInputError(
            "there is no prompt to export",
            code="nothing-to-export",
            hint="'llmops prompts' lists the prompts, 'llmops label' the labels",
        )
    prompts = {name: parts.finished() for name, parts in gathering.prompts.items()}
    return write_bundle(prompts, gathering.files)


class _Parts(Struct):
    """What is gathered of one prompt."""

    current: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    versions: dict[str, BundledVersion] = field(default_factory=dict)

    def finished(self) -> BundledPrompt:
        return BundledPrompt(
            current=self.current, labels=self.labels, refs=self.refs, versions=self.versions
        )


class _Gathering(Struct, kw_only=True):
    """What is gathered of all prompts."""

    versions: Versions
    wanted: Wanted
    prompts: dict[str, _Parts] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def gather(self, name: str) -> None:
        """Add the current content and the labelled versions of a prompt, as far as wanted."""
        labels = self.versions.labels.get(name, {})
        chosen = {label.text for label in self.wanted.labels}
        if not chosen and name in self.versions.names():
            self._try(name, "current", None, Text(name, self.wanted.at))
        for label, target in labels.items():
            if not chosen or label in chosen:
                text = Text(f"{name}@label:{label}", target.at)
                self._try(name, "label", label, text)

    def gather_ref(self, text: Text) -> None:
        """Add the version that `NAME@REF` means; nothing for a name alone."""
        name, at_sign, ref = text.text.partition("@")
        if not at_sign:
            return
        form, colon, forced = ref.partition(":")
        plain_ref = forced if colon and form in FORMS else ref
        labelled = plain_ref in self.versions.labels.get(name, {}) and form not in {"git"}
        self._try(name, "label" if labelled else "ref", plain_ref, text)

    def _try(self, name: str, kind: str, ref: str | None, text: Text) -> None:
        try:
            version = self._current(text) if kind == "current" else self.versions.find(text)
            id_ = self._add(name, version)
        except InvalidInputError as error:
            self.faults += error.faults
            return
        parts = self.prompts[name]
        if kind == "current":
            parts.current = id_
        elif kind == "label":
            parts.labels[str(ref)] = id_
        elif ref not in {parts.versions[id_].version, parts.versions[id_].commit}:
            parts.refs[str(ref)] = id_

    def _current(self, text: Text) -> PromptVersion:
        """What the work tree holds, from the newest commit that holds the same."""
        here = self.versions.in_work_tree(text)
        committed = _committed(self.versions, text.text, here)
        if committed is not None:
            return committed
        if self.wanted.dirty:
            return here
        raise InvalidInputError(
            f"'{text}' stands in no commit as it is",
            at=here.prompt.at,
            code="uncommitted",
            hint="commit it, or add --dirty",
        )

    def _add(self, name: str, version: PromptVersion) -> str:
        now = self.versions.config
        then = self.versions.loader.config_at(version.commit) if version.commit else now
        prompt, files = _files_of(version, then)
        model = resolve_model(now, prompt.model) if prompt.model is not None else None
        bundled = BundledVersion(
            name=prompt.name,
            version=str(prompt.version) if prompt.version is not None else None,
            content_hash=version.content_hash,
            commit=version.commit,
            config=_config(then, model),
            files={path: content_id(data) for path, data in files.items()},
        )
        self.files |= {content_id(data): data for data in files.values()}
        self.prompts.setdefault(name, _Parts()).versions[bundled.id] = bundled
        return bundled.id


class _KeepingTree(Struct, frozen=True):
    """A tree that keeps what is read."""

    tree: Tree
    kept: dict[str, bytes] = field(default_factory=dict)

    def paths(self, under: str = "") -> Iterable[str]:
        return self.tree.paths(under)

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        self.kept[path] = self.tree.read(path, limit=limit)
        return self.kept[path]


def _files_of(version: PromptVersion, config: Config) -> tuple[Prompt, Mapping[str, bytes]]:
    """The prompt, read again, with every file that reading and rendering it takes.

    Raises:
        InvalidInputError: It cannot be rendered, whatever its inputs.
    """
    tree = _KeepingTree(version.tree)
    prompt = load_prompt(tree, config, version.prompt.name)
    faults = PromptRenderer(tree, config.prompts).check(prompt)
    wrong = [fault for fault in faults if fault.severity == "error"]
    if wrong:
        raise InvalidInputError.of(wrong)
    return prompt, tree.kept


def _committed(versions: Versions, name: str, here: PromptVersion) -> PromptVersion | None:
    try:
        timeline = versions.timeline(name)
    except InvalidInputError as error:
        if error.faults[0].code in {"no-repository", "no-commit"}:
            return None
        raise
    claimed = str(here.prompt.version) if here.prompt.version is not None else None
    same = (
        entry.version
        for entry in timeline
        if (entry.content_hash, entry.claimed) == (here.content_hash, claimed)
    )
    return next(same, None)


def _config(then: Config, model: Model | None) -> dict[str, object]:
    """The configuration that reading the prompt and asking its model take, and no key's value."""
    config: dict[str, object] = {name: getattr(then, name) for name in _FOLDERS}
    limits = {
        item.name: getattr(then.limits, item.name)
        for item in fields(Limits)
        if getattr(then.limits, item.name) != item.default
    }
    if limits:
        config["limits"] = limits
    if model is not None and model.at is not None:
        config["models"] = {model.label: _alias(model)}
    return config


def _alias(model: Model) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "model": model.name,
        "via": model.via,
        "script": model.script,
        "parameters": plain(model.parameters),
        "options": plain(model.options),
        "api_base": model.api_base,
        "key": model.key,
    }
    return {name: value for name, value in whole.items() if value not in (None, {})}


def _names(versions: Versions, wanted: Wanted, faults: list[Fault]) -> list[str]:
    """The prompts that are wanted whole, or by labels."""
    there, labels = versions.names(), versions.labels
    asked = [text for text in wanted.names if "@" not in text.text]
    faults += [
        unknown_prompt(text.text, there, text.at)
        for text in asked
        if text.text not in there and text.text not in labels
    ]
    names = [text.text for text in asked] if wanted.names else sorted({*there, *labels})
    for label in wanted.labels:
        lacking = [name for name in names if label.text not in labels.get(name, {})]
        if asked:
            faults += [unknown_label(label.text, name, labels, label.at) for name in lacking]
        elif len(lacking) == len(names):
            faults.append(_no_label(label))
    return names


def _no_label(label: Text) -> Fault:
    return Fault(
        code="unknown-label",
        message=f"no prompt has the label '{label.text[:80]}'",
        at=label.at,
        hint="'llmops label' lists the labels",
    )
