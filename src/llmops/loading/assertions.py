"""One assertion of a suite: a mapping with one scorer's key and the keys common to all."""

from dataclasses import dataclass

from llmops.domain.node import Node
from llmops.domain.suite import Assertion
from llmops.errors import Fault, did_you_mean
from llmops.loading.shapes import MISSING, Faults, entry, expected, keys_of, read_value


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonKeys:
    """The keys that every assertion may have beside its scorer's."""

    metric: str | None = entry("Scores with one metric are gathered in reports.", default=None)
    weight: float = entry("Share in the trial's mean score.", default=1.0, minimum=0)
    soft: bool = entry("Reported, but never fails the trial.", default=False)
    on: str | None = entry(
        "What is judged: text, json, json.<path>, reasoning, tool_calls, usage, cost, latency.",
        default=None,
    )
    name: str | None = entry("What reports call the assertion.", default=None)


COMMON = keys_of(CommonKeys)
_KINDS = {"metric": str, "weight": float, "soft": bool, "on": str, "name": str}
_PICKS = ("text", "json", "reasoning", "tool_calls", "usage", "cost", "latency")


def read_assertions(node: Node, faults: Faults) -> tuple[Assertion, ...]:
    """Read a list of assertions; every fault is added to `faults`, the good ones are returned."""
    if node.kind != "list":
        expected(node, "a list of assertions", faults, "write '- ' before each assertion")
        return ()
    found = (read_assertion(child, faults) for child in node.elements())
    return tuple(assertion for assertion in found if assertion is not None)


def read_assertion(node: Node, faults: Faults) -> Assertion | None:
    """Read one assertion: `- contains: refund`, or `- is_json` for a scorer without arguments.

    Returns:
        The assertion, or None when it is wrong; then `faults` says what. Whether the scorer
        exists is not known here.
    """
    if node.kind == "text":
        return Assertion(scorer=node.typed, arguments=Node(None, node.path, node.mark), at=node.at)
    if node.kind != "mapping":
        expected(node, "an assertion such as 'contains: refund'", faults)
        return None
    scorer = _scorer_key(node, faults)
    common = _read_common(node, faults)
    if scorer is None or common is None:
        return None
    arguments = node.get(scorer)
    if arguments is None:
        return None
    return Assertion(
        scorer=scorer,
        arguments=arguments,
        at=node.key_at(scorer),
        metric=common.metric,
        weight=common.weight,
        soft=common.soft,
        on=common.on or "",
        name=common.name,
    )


def _scorer_key(node: Node, faults: Faults) -> str | None:
    others = [key for key in node.value if key not in COMMON and not key.startswith("x-")]
    misspelt = [key for key in others if did_you_mean(key, COMMON)] if len(others) > 1 else []
    scorers = [key for key in others if key not in misspelt]
    for key in misspelt:
        message = f"'{key}' is not a key of an assertion"
        hint = did_you_mean(key, COMMON)
        faults.append(Fault(code="unknown-key", message=message, at=node.key_at(key), hint=hint))
    if not scorers:
        message = "the assertion names no scorer"
        hint = "write one such as 'contains: refund'; 'llmops scorers' lists them"
        faults.append(Fault(code="missing-key", message=message, at=node.at, hint=hint))
        return None
    for key in scorers[1:]:
        message = f"the assertion names two scorers: '{scorers[0]}' and '{key}'"
        hint = f"give '{key}' its own '- ', or put it below '{scorers[0]}' if it is an argument"
        faults.append(Fault(code="two-scorers", message=message, at=node.key_at(key), hint=hint))
    return scorers[0] if len(others) == 1 else None


def _read_common(node: Node, faults: Faults) -> CommonKeys | None:
    values = {}
    for key, child in node.items():
        if key not in COMMON:
            continue
        value = read_value(_KINDS[key], child, faults)
        if value is MISSING:
            return None
        if key == "weight" and value < 0:
            expected(child, "a number of 0 or more", faults)
            return None
        if key == "on" and not _is_pick(value):
            hint = did_you_mean(value, _PICKS) or f"one of {', '.join(_PICKS)}, json.<path>"
            message = f"'{value}' is not something that can be judged"
            faults.append(Fault(code="unknown-pick", message=message, at=child.at, hint=hint))
            return None
        values[key] = value
    return CommonKeys(**values)


def _is_pick(word: str) -> bool:
    return word in _PICKS or (word.startswith("json.") and len(word) > 5)
