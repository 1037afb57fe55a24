"""A tree: the files of one version in a bundle."""

import base64
import json
import re
from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.bundle import Bundle, BundledVersion
from llmops.errors import InvalidInputError, did_you_mean

CONFIG_PATH = "llmops.yaml"
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")


class BundleTree(Struct, frozen=True):
    """The files of one version in a bundle as a tree."""

    bundle: Bundle
    version: BundledVersion

    def paths(self, under: str = "") -> list[str]:
        """Every file, relative to the root, sorted.

        Args:
            under: A folder; only files below it are listed.
        """
        prefix = f"{under.rstrip('/')}/" if under else ""
        return sorted(path for path in self._names() if path.startswith(prefix))

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The bytes of one file.

        Raises:
            InvalidInputError: The bundle does not hold it, or it is larger than the limit.
        """
        if path == CONFIG_PATH:
            return _as_yaml(self.version.config)
        digest = self.version.files.get(path)
        if digest is None:
            raise InvalidInputError(
                f"there is no file '{path}' in the bundle",
                code="missing-file",
                hint=did_you_mean(path, self._names()) or "export the bundle again",
            )
        data = _decoded(self.bundle.files[digest])
        if limit is not None and len(data) > limit:
            raise InvalidInputError(
                f"'{path}' has {len(data):,} bytes, more than the {limit:,} allowed",
                code="too-large",
                hint="raise the limit below 'limits:' in llmops.yaml, and export the bundle again",
            )
        return data

    def _names(self) -> tuple[str, ...]:
        return (CONFIG_PATH, *self.version.files)


def encode_file(data: bytes) -> dict[str, str]:
    """The content of a file as a bundle holds it: `{"text": …}`, or `{"base64": …}`."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _decoded(file: Mapping[str, str]) -> bytes:
    return file["text"].encode() if "text" in file else base64.b64decode(file["base64"])


def _as_yaml(value: object) -> bytes:
    """JSON in which YAML, too, can read every character: those outside of ASCII are escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _NOT_PLAIN.sub(lambda found: f"\\U{ord(found[0]):08x}", text).encode()
