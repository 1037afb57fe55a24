"""What models cost by the list that litellm brings, read without importing litellm."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmops.domain.config import Model, Price

_FILE = "model_prices_and_context_window_backup.json"
_MILLION = 1_000_000


def listed_price(model: Model) -> Price | None:
    """What a model costs: by the project's own word, else by the list; None when nobody knows."""
    if model.price is not None:
        return model.price
    if model.api_base is not None or not model.is_live:
        return None
    entry = listed_entry(model.name)
    read, written = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if not isinstance(read, int | float) or not isinstance(written, int | float):
        return None
    return Price(
        input=read * _MILLION,
        output=written * _MILLION,
        cached_input=_a_million(entry.get("cache_read_input_token_cost")),
        cache_write=_a_million(entry.get("cache_creation_input_token_cost")),
        reasoning=_a_million(entry.get("output_cost_per_reasoning_token")),
    )


def listed_output_limit(model: Model) -> int | None:
    """The most tokens that a model can write in one answer; None when nobody knows."""
    limit = listed_entry(model.name).get("max_output_tokens")
    return limit if isinstance(limit, int) else None


def listed_entry(name: str) -> dict[str, Any]:
    """The list's entry for a model, whose provider stands before the name or in the entry.

    Empty when it has none.
    """
    listing = _listing()
    provider, _, rest = name.partition("/")
    if name in listing:
        return listing[name]
    entry = listing.get(rest, {})
    return entry if str(entry.get("litellm_provider", "")).startswith(provider) else {}


def _a_million(cost: object) -> float | None:
    return cost * _MILLION if isinstance(cost, int | float) else None


@cache
def _listing() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    try:
        found = json.loads((Path(spec.origin).parent / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
