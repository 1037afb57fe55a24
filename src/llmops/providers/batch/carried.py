"""Which models can be asked in batches."""

from llmops.domain.config import Model
from llmops.providers.keys import provider_of

_SPOKEN = frozenset({"openai", "anthropic"})


def has_batches(model: Model | None) -> bool:
    """Whether a model's host is known to take batches, in a form that is spoken here."""
    return (
        model is not None
        and model.via == "direct"
        and not model.options
        and "/" in model.name
        and provider_of(model.name) in _SPOKEN
    )
