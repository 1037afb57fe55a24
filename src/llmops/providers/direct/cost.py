"""What an answer costs by litellm's list of prices, to the same cent as litellm says."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from llmops.domain.completion import Usage
from llmops.domain.config import Price
from llmops.providers.price_list import listed_entry
from llmops.providers.prices import price_of

_INPUT = "input_cost_per_token"
_OUTPUT = "output_cost_per_token"
_CACHE_READ = "cache_read_input_token_cost"
_CACHE_WRITE = "cache_creation_input_token_cost"
_CACHE_WRITE_HOUR = "cache_creation_input_token_cost_above_1hr"
_REASONING = "output_cost_per_reasoning_token"
_RATES = (_INPUT, _OUTPUT, _CACHE_READ, _CACHE_WRITE, _CACHE_WRITE_HOUR, _REASONING)
_TIERS: Mapping[str, str] = {
    "flex": "_flex",
    "priority": "_priority",
    "fast": "_priority",
    "ultrafast": "_ultrafast",
    "balanced": "_balanced",
    "batch": "_batches",
}
_BATCHES = _TIERS["batch"]
_UNTOLD = frozenset({"tiered_pricing", "off_peak_pricing"})
"""Ways to price of which nothing is known here."""


class Counted(Struct, frozen=True, kw_only=True):
    """What is paid for.

    Attributes:
        usage: Tokens, as the provider counted them.
        cache_written_hour: Tokens that were put into the provider's cache for an hour.
        tier: The provider's word for how soon it answered.
        factors: By which words of the list the whole is multiplied.
        plain: Whether it is nothing but text.
    """

    usage: Usage
    cache_written_hour: int = 0
    tier: object = None
    factors: tuple[str, ...] = ()
    plain: bool = True


def cost_of(
    counted: Counted, provider: str, names: Iterable[str | None], price: Price | None
) -> float | None:
    """US dollars; None when nobody knows, which is never 0.

    Args:
        counted: What is paid for.
        provider: Whose prices.
        names: Under which the price is looked for, the best first.
        price: The project's own word, which goes before the list.
    """
    tier = _TIERS.get(counted.tier.lower(), "") if isinstance(counted.tier, str) else ""
    if price is not None:
        usual = price_of(counted.usage, price)
        return usual * price.batch if usual is not None and tier == _BATCHES else usual
    read = counted.usage.input or 0
    for name in names:
        short = (name or "").removeprefix(f"{provider}/")
        rates = _rates(provider, short, tier, _step(provider, short, read)) if short else None
        if rates is not None:
            return (
                _sum(counted, rates) * _factor(provider, short, counted) if counted.plain else None
            )
    return None


def _sum(counted: Counted, rates: Mapping[str, float]) -> float:
    usage = counted.usage
    cached, wrote, hour = usage.cached or 0, usage.cache_written or 0, counted.cache_written_hour
    fresh = max(0, (usage.input or 0) - cached - wrote)
    thought = usage.reasoning or 0
    said = max(0, (usage.output or 0) - thought)
    return (
        fresh * rates[_INPUT]
        + cached * rates[_CACHE_READ]
        + (wrote - hour) * rates[_CACHE_WRITE]
        + hour * rates[_CACHE_WRITE_HOUR]
        + said * rates[_OUTPUT]
        + thought * rates[_REASONING]
    )


def _factor(provider: str, name: str, counted: Counted) -> float:
    factors = listed_entry(f"{provider}/{name}").get("provider_specific_entry") or {}
    whole = 1.0
    for word in counted.factors:
        whole *= factors.get(word, 1.0)
    return whole


@cache
def _steps(provider: str, name: str) -> tuple[int, ...]:
    """Numbers of input tokens above which other prices hold, the largest first."""
    begin = f"{_INPUT}_above_"
    found = set()
    for key in listed_entry(f"{provider}/{name}"):
        number, _, rest = key.removeprefix(begin).partition("_tokens")
        if key.startswith(begin) and not rest:
            found.add(int(number.removesuffix("k")) * (1000 if number.endswith("k") else 1))
    return tuple(sorted(found, reverse=True))


def _step(provider: str, name: str, read: int) -> int:
    return next((step for step in _steps(provider, name) if read > step), 0)


@cache
def _rates(provider: str, name: str, tier: str, step: int) -> dict[str, float] | None:
    """US dollars a token of each kind; None when the list has no price of the kind we know."""
    entry = listed_entry(f"{provider}/{name}")
    rate = _batch_rate if tier == _BATCHES else _rate
    known = {key: rate(entry, key, tier, step) for key in _RATES}
    read, wrote = known[_INPUT], known[_OUTPUT]
    if read is None or wrote is None or not _UNTOLD.isdisjoint(entry):
        return None
    filled = {key: value for key, value in known.items() if value is not None}
    write = filled.setdefault(_CACHE_WRITE, read)
    return {_CACHE_READ: read, _REASONING: wrote, _CACHE_WRITE_HOUR: write, **filled}


def _rate(entry: Mapping[str, Any], key: str, tier: str, step: int) -> float | None:
    above = f"{key}_above_{step // 1000}k_tokens" if step else key
    for candidate in (f"{above}{tier}", above, f"{key}{tier}", key):
        value = entry.get(candidate)
        if isinstance(value, int | float):
            return float(value)
    return None


def _batch_rate(entry: Mapping[str, Any], key: str, tier: str, step: int) -> float | None:
    """What a batch costs: half of the usual where the list does not say.

    Where it says what reading costs, nothing is known to be cheaper for it was cached; where it
    says what writing costs, reasoning costs the same.
    """
    above = f"{key}_above_{step // 1000}k_tokens" if step else key
    own = next(
        (entry[name] for name in (f"{above}{tier}", f"{key}{tier}") if entry.get(name)), None
    )
    if isinstance(own, int | float):
        return float(own)
    said = {_CACHE_READ: _INPUT, _CACHE_WRITE: _INPUT, _REASONING: _OUTPUT}.get(key)
    if said is not None and entry.get(f"{said}{tier}"):
        return None
    usual = _rate(entry, key, "", step)
    return None if usual is None else usual / 2
