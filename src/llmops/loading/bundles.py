"""Bundles on disk: read and checked, and written the same for the same content."""

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmops.domain.bundle import Bundle, BundledPrompt, BundledVersion
from llmops.domain.completion import canonical_json
from llmops.errors import InvalidInputError
from llmops.loading.bundle_tree import encode_file
from llmops.location import Location

BUNDLE_FORMAT = 1
MOST_BYTES = 64 * 2**20
"""The largest bundle that is read."""


def read_bundle(path: Path, *, limit: int = MOST_BYTES) -> Bundle:
    """Read a bundle and check that nothing in it was changed.

    Args:
        path: The file; links are followed.
        limit: The most bytes it may have.

    Raises:
        InvalidInputError: It cannot be read, is larger than the limit, is no bundle, is of
            another format, or was changed since it was written.
    """
    return parse_bundle(_bytes(path, limit), str(path))


def parse_bundle(data: bytes, path: str) -> Bundle:
    """Read a bundle that is in memory.

    Args:
        data: The file's bytes.
        path: What complaints call it.

    Raises:
        InvalidInputError: As `read_bundle`.
    """
    whole = _json(data, path)
    if not isinstance(whole, dict) or "format" not in whole:
        raise _damaged(path, "it is no bundle")
    if whole["format"] != BUNDLE_FORMAT:
        raise InvalidInputError(
            f"the bundle has the format {str(whole['format'])[:20]}, not {BUNDLE_FORMAT}",
            at=Location(path),
            code="bundle-format",
            hint="read it with the llmops that wrote it, or export it again",
        )
    written = whole.pop("sha256", None)
    if written != _digest(whole, path):
        raise _damaged(path, "its content is not what its SHA-256 says")
    try:
        files = {digest: _file(file) for digest, file in _mapping(whole["files"]).items()}
        prompts = {
            name: _prompt(_mapping(prompt), files)
            for name, prompt in _mapping(whole["prompts"]).items()
        }
    except (KeyError, TypeError) as error:
        raise _damaged(path, f"it lacks what a bundle has: {error}") from None
    return Bundle(path=path, prompts=prompts, files=files)


def write_bundle(prompts: Mapping[str, BundledPrompt], files: Mapping[str, bytes]) -> str:
    """A bundle as text, the same for the same content.

    Args:
        prompts: By name.
        files: The content of files by its SHA-256.
    """
    body: dict[str, object] = {
        "format": BUNDLE_FORMAT,
        "prompts": {name: prompt.as_json() for name, prompt in prompts.items()},
        "files": {digest: encode_file(data) for digest, data in files.items()},
    }
    whole = {**body, "sha256": _sha256(canonical_json(body).encode())}
    return json.dumps(whole, sort_keys=True, indent=1, allow_nan=False) + "\n"


def content_id(data: bytes) -> str:
    """What a bundle calls the content of a file: its SHA-256, 64 hex digits."""
    return _sha256(data)


def _bytes(path: Path, limit: int) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidInputError(
                f"the bundle {path} is no regular file", code="not-a-file", hint="name a file"
            )
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise InvalidInputError(
            f"there is no bundle {path}",
            code="missing-file",
            hint=f"'llmops export bundle --output {path.name}' writes one",
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(
            f"the bundle {path} cannot be read: {why}",
            code="unreadable",
            hint="look at its permissions",
        ) from None
    if len(data) > limit:
        raise InvalidInputError(
            f"the bundle {path} has more than the {limit:,} bytes allowed",
            code="too-large",
            hint="export fewer prompts, or only those of one label: --label production",
        )
    return data


def _json(data: bytes, path: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is no JSON: {error}") from None


def _digest(body: object, path: str) -> str:
    try:
        return _sha256(canonical_json(body).encode())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it holds what no bundle does: {error}") from None


def _prompt(value: Mapping[str, Any], files: Mapping[str, object]) -> BundledPrompt:
    versions = _mapping(value["versions"])
    prompt = BundledPrompt(
        current=_text_or_none(value["current"]),
        labels=_texts(value["labels"]),
        refs=_texts(value["refs"]),
        versions={id_: _version(_mapping(version)) for id_, version in versions.items()},
    )
    for id_ in (*prompt.labels.values(), *prompt.refs.values(), prompt.current):
        _ = prompt.versions[id_] if id_ is not None else None
    for version in prompt.versions.values():
        _ = [files[digest] for digest in version.files.values()]
    return prompt


def _version(value: Mapping[str, Any]) -> BundledVersion:
    return BundledVersion(
        name=_text(value["name"]),
        version=_text_or_none(value["version"]),
        content_hash=_text(value["content_hash"]),
        commit=_text_or_none(value["commit"]),
        config=_mapping(value["config"]),
        files=_texts(value["files"]),
    )


def _file(value: object) -> dict[str, str]:
    file = _texts(value)
    if set(file) not in ({"text"}, {"base64"}):
        msg = "a file's text or base64"
        raise TypeError(msg)
    return file


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = f"a mapping, not {type(value).__name__}"
        raise TypeError(msg)
    return value


def _texts(value: object) -> dict[str, str]:
    return {name: _text(inner) for name, inner in _mapping(value).items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"a text, not {type(value).__name__}"
        raise TypeError(msg)
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _damaged(path: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the bundle is damaged: {why[:200]}",
        at=Location(path),
        code="bundle-damaged",
        hint="export it again, and deploy it as it was written",
    )
