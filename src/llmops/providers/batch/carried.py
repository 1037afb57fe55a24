"""Which models can be asked in batches, and by whom."""

from llmops.domain.config import Model
from llmops.providers.keys import provider_of

_SPOKEN = frozenset({"openai", "anthropic"})
_INTERPRETED = ("azure/", "mistral/", "bedrock/", "vertex_ai/gemini")
"""Beginnings of the names whose requests litellm writes and whose answers it reads."""
_STORED = ("bedrock/", "vertex_ai/gemini")
"""Beginnings of the names whose batches lie in a bucket of the project's own."""


def has_batches(model: Model | None) -> bool:
    """Whether a model's host is known to take batches, in a form that is known here."""
    return model is not None and (_is_spoken(model) or is_interpreted(model))


def is_interpreted(model: Model) -> bool:
    """Whether batches of a model are written and read by litellm."""
    known = model.via == "litellm" and model.name.startswith(_INTERPRETED)
    return known and (model.batch is not None or not needs_store(model))


def needs_store(model: Model) -> bool:
    """Whether batches of a model lie in a bucket, which `batch` has to name."""
    return model.via == "litellm" and model.name.startswith(_STORED)


def _is_spoken(model: Model) -> bool:
    return (
        model.via == "direct"
        and not model.options
        and "/" in model.name
        and provider_of(model.name) in _SPOKEN
    )
