"""A bundle: versions of prompts with all their files, for programs that run without git."""

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.completion import canonical_json

_SHORT = 12


class BundledVersion(Struct, frozen=True, kw_only=True):
    """One version of a prompt in a bundle.

    Attributes:
        name: What the prompt was called there.
        version: What its author claims.
        content_hash: 12 hex digits.
        commit: The commit's full id; None for content that was in no commit.
        config: What `llmops.yaml` says of folders, limits and the prompt's model.
        files: Every file it is made of, from the project's root, with its SHA-256.
    """

    name: str
    version: str | None
    content_hash: str
    commit: str | None
    config: Mapping[str, object]
    files: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """The version as plain JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "content_hash": self.content_hash,
            "commit": self.commit,
            "config": dict(self.config),
            "files": dict(self.files),
        }

    @property
    def id(self) -> str:
        """What the bundle calls it: 12 hex digits of all it says."""
        written = canonical_json(self.as_json())
        return hashlib.sha256(written.encode()).hexdigest()[:_SHORT]


class BundledPrompt(Struct, frozen=True, kw_only=True):
    """What a bundle holds of one prompt. Versions are named by their ids.

    Attributes:
        current: The one that the name alone means; None when it was not exported.
        labels: The version of each label.
        refs: The version of each git revision that was named at the export.
        versions: By id.
    """

    current: str | None
    labels: Mapping[str, str]
    refs: Mapping[str, str]
    versions: Mapping[str, BundledVersion]

    def as_json(self) -> dict[str, object]:
        """The prompt as plain JSON values."""
        return {
            "current": self.current,
            "labels": dict(self.labels),
            "refs": dict(self.refs),
            "versions": {id_: version.as_json() for id_, version in self.versions.items()},
        }


class Bundle(Struct, frozen=True, kw_only=True):
    """Prompts in one file.

    Attributes:
        path: The file, for complaints.
        prompts: By name.
        files: The content of files by its SHA-256: `{"text": …}` or `{"base64": …}`.
    """

    path: str
    prompts: Mapping[str, BundledPrompt]
    files: Mapping[str, Mapping[str, str]]
