"""Several questions at once: p-values adjusted for how many were asked."""

from collections.abc import Sequence

from llmops.comparing.statistics.checks import check_share


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's adjusted p-values, in the order given.

    An adjusted value of at most α is a rejection, and the chance of any false rejection is at most
    α whatever the dependence (Holm 1979, Scandinavian Journal of Statistics 6, 65–70).

    Raises:
        ValueError: A p-value does not lie from 0 to 1.
    """
    order = _by_size(p_values)
    adjusted, highest = [0.0] * len(order), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for the false discovery rate, in the order given.

    For slices and exploration, never for the gate (Benjamini and Hochberg 1995, JRSS B 57,
    289–300).

    Raises:
        ValueError: A p-value does not lie from 0 to 1.
    """
    order = _by_size(p_values)
    adjusted, lowest = [0.0] * len(order), 1.0
    for rank in range(len(order), 0, -1):
        index = order[rank - 1]
        lowest = min(lowest, len(order) / rank * p_values[index])
        adjusted[index] = lowest
    return tuple(adjusted)


def _by_size(p_values: Sequence[float]) -> list[int]:
    for p_value in p_values:
        check_share("a p-value", p_value)
    return sorted(range(len(p_values)), key=p_values.__getitem__)
