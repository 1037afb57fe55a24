"""Tokens, estimated where nobody counted them."""

from collections.abc import Iterable, Mapping
from typing import Final

CHARACTERS_A_TOKEN: Final = 4
"""A rule of thumb for English; a provider's own count is always preferred."""


def estimated_tokens(messages: Iterable[Mapping[str, object]]) -> int:
    """An estimate of the tokens that messages take: four characters each, rounded up."""
    characters = sum(len(str(message.get("content") or "")) for message in messages)
    return -(-characters // CHARACTERS_A_TOKEN)
