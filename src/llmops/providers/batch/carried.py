"""Which models can be asked in batches, and by whom."""

from llmops.domain.config import Model
from llmops.providers.keys import provider_of

_SPOKEN = frozenset({"openai", "anthropic"})
_INTERPRETED = ("azure/", "mistral/")
"""Beginnings of the names whose requests litellm writes and whose answers it reads."""


def has_batches(model: Model | None) -> bool:
    """Whether a model's host is known to take batches, in a form that is known here."""
    return model is not None and (_is_spoken(model) or is_interpreted(model))


def is_interpreted(model: Model) -> bool:
    """Whether batches of a model are written and read by litellm."""
    return model.via == "litellm" and model.name.startswith(_INTERPRETED)


def _is_spoken(model: Model) -> bool:
    return (
        model.via == "direct"
        and not model.options
        and "/" in model.name
        and provider_of(model.name) in _SPOKEN
    )
