"""What a completion costs by the project's own price list."""

from llmops.domain.completion import Usage
from llmops.domain.config import Price

_MILLION = 1_000_000


def price_of(usage: Usage, price: Price) -> float | None:
    """What a completion costs in US dollars, or None when its tokens are not known."""
    if usage.input is None or usage.output is None:
        return None
    cached = min(usage.cached or 0, usage.input)
    kept = min(usage.cache_written or 0, usage.input - cached)
    thought = min(usage.reasoning or 0, usage.output)
    dollars = (
        (usage.input - cached - kept) * price.input
        + cached * _or(price.cached_input, price.input)
        + kept * _or(price.cache_write, price.input)
        + (usage.output - thought) * price.output
        + thought * _or(price.reasoning, price.output)
    )
    return dollars / _MILLION


def _or(special: float | None, usual: float) -> float:
    return usual if special is None else special
