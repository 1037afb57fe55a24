"""What a completion costs by the project's own price list."""

from llmops.domain.completion import Usage
from llmops.domain.config import Price

_MILLION = 1_000_000


def price_of(usage: Usage, price: Price) -> float | None:
    """What a completion costs in US dollars, or None when its tokens are not known."""
    if usage.input is None or usage.output is None:
        return None
    cached = min(usage.cached or 0, usage.input)
    cached_price = price.input if price.cached_input is None else price.cached_input
    whole = (usage.input - cached) * price.input + cached * cached_price
    return (whole + usage.output * price.output) / _MILLION
