"""Small readers of nodes, for formats that are read in this room."""

import math
from collections.abc import Iterable

from llmops.domain.node import Node
from llmops.errors import Fault, did_you_mean

Faults = list[Fault]


def expect_mapping(node: Node, what: str, keys: Iterable[str], faults: Faults) -> bool:
    """Complain unless a node is a mapping with none but these keys (and `x-` ones)."""
    known = tuple(keys)
    if node.kind != "mapping":
        complain(node, f"{what} must be a mapping with {', '.join(known)}", faults)
        return False
    for key in node.value:
        if key not in known and not str(key).startswith("x-"):
            hint = did_you_mean(key, known) or f"{what} may have: {', '.join(known)}"
            fault = Fault(
                code="unknown-key",
                message=f"{what} has no key '{key}'",
                at=node.key_at(key),
                hint=hint,
            )
            faults.append(fault)
    return True


def read_text(node: Node | None, what: str, faults: Faults) -> str | None:
    """A scalar as typed; None when it is not there or wrong."""
    if node is None:
        return None
    if node.kind in {"text", "number", "boolean"}:
        return node.typed
    complain(node, f"{what} must be text", faults)
    return None


def read_number(
    node: Node | None, what: str, faults: Faults, *, most: float = math.inf
) -> float | None:
    """A number from 0; None when it is not there or wrong."""
    if node is None:
        return None
    if node.kind == "number" and 0 <= node.value <= most:
        return float(node.value)
    up_to = f" to {most:g}" if most < math.inf else " or more"
    complain(node, f"{what} must be a number from 0{up_to}", faults)
    return None


def read_count(node: Node | None, what: str, faults: Faults) -> int | None:
    """A whole number from 0; None when it is not there or wrong."""
    if node is None:
        return None
    if node.kind == "number" and isinstance(node.value, int) and node.value >= 0:
        return node.value
    complain(node, f"{what} must be a whole number from 0", faults)
    return None


def read_flag(node: Node | None, what: str, faults: Faults) -> bool:
    """True or false; false when it is not there or wrong."""
    if node is None:
        return False
    if node.kind == "boolean":
        return bool(node.value)
    complain(node, f"{what} must be true or false", faults)
    return False


def complain(node: Node, message: str, faults: Faults, hint: str | None = None) -> None:
    """Add a complaint about a node."""
    faults.append(Fault(code="wrong-type", message=message, at=node.at, hint=hint))
