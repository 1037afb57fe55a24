"""Names of cases that have none of their own: made of their inputs, or without a word of them."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping

from llmops.domain.completion import canonical_json

_SLUG = re.compile(r"[^a-z0-9]+")
_HASH = re.compile(r"-[0-9a-f]{6}(?![\w-])")
_NAMELESS = "case"


def derived_id(inputs: Mapping[str, object]) -> str:
    """An id for a case that has none: a slug of its first text and a hash of all its inputs."""
    first = next((value for value in inputs.values() if isinstance(value, str)), _NAMELESS)
    digest = hashlib.sha256(canonical_json(dict(inputs)).encode()).hexdigest()
    return f"{_slug(first)}-{digest[:6]}"


def without_words(case: str, inputs: Mapping[str, object]) -> str:
    """A case's id, with no word of its inputs where the id was derived from them."""
    for value in inputs.values():
        slug = _slug(value) if isinstance(value, str) else _NAMELESS
        if case.startswith(slug) and _HASH.match(case, len(slug)):
            return _NAMELESS + case.removeprefix(slug)
    return case


def _slug(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text[:80]).casefold()
    return _SLUG.sub("-", folded).strip("-")[:30].strip("-") or _NAMELESS
