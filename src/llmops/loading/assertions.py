"""One assertion of a suite: a mapping with one scorer's key and the keys common to all."""

from dataclasses import dataclass
from itertools import islice

from llmops.domain.node import Node, PlacedMapping
from llmops.domain.suite import Assertion
from llmops.errors import Fault, did_you_mean
from llmops.loading.shapes import Faults, entry, expected, keys_of, read, refuse

_MOST_FAULTS = 20
_PICKS = ("text", "json", "reasoning", "tool_calls", "usage", "cost", "latency")


def check_pick(word: str, node: Node, faults: Faults) -> object:
    """Check what `on` names."""
    if word in _PICKS or (word.startswith("json.") and len(word) > 5):
        return word
    hint = did_you_mean(word, _PICKS) or f"write one of {', '.join(_PICKS)}, json.<path>"
    return refuse(node, "unknown-pick", f"'{word}' cannot be judged", faults, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonKeys:
    """The keys that every assertion may have beside its scorer's."""

    metric: str | None = entry("Scores with one metric are gathered in reports.", default=None)
    weight: float = entry("Share in the trial's mean score.", default=1.0, minimum=0)
    soft: bool = entry("Reported, but never fails the trial.", default=False)
    on: str | None = entry(
        "What is judged: text, json, json.<path>, reasoning, tool_calls, usage, cost, latency.",
        default=None,
        then=check_pick,
    )
    name: str | None = entry("What reports call the assertion.", default=None)


COMMON = keys_of(CommonKeys)


def read_assertions(node: Node, faults: Faults) -> tuple[Assertion, ...]:
    """Read a list of assertions; every fault is added to `faults`, the good ones are returned."""
    if node.kind != "list":
        expected(node, "a list of assertions", faults, "write '- ' before each assertion")
        return ()
    found = [read_assertion(child, faults) for child in node.elements()]
    return tuple([assertion for assertion in found if assertion is not None])


def read_assertion(node: Node, faults: Faults) -> Assertion | None:
    """Read one assertion: `- contains: refund`, or `- is_json` for a scorer without arguments.

    Returns:
        The assertion, or None when it is wrong; then `faults` says what. Whether the scorer
        exists is not known here.
    """
    if node.kind == "text":
        return Assertion(scorer=node.typed, arguments=Node(None, node.path, node.mark), at=node.at)
    if node.kind != "mapping":
        hint = "write one such as 'contains: refund'; 'llmops scorers' lists them"
        expected(node, "an assertion such as 'contains: refund'", faults, hint)
        return None
    if len(node.value) == 1:
        (scorer,) = node.value
        arguments = node.get(scorer)
        if arguments and scorer not in COMMON and not scorer.startswith("x-"):
            return Assertion(scorer=scorer, arguments=arguments, at=node.key_at(scorer))
    return _read_labelled(node, faults)


def _read_labelled(node: Node, faults: Faults) -> Assertion | None:
    scorer = _scorer_key(node, faults)
    common = read(CommonKeys, _common_part(node), faults)
    arguments = node.get(scorer) if scorer is not None else None
    if scorer is None or common is None or arguments is None:
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
    entries = ((key, at) for key, at, _child in node.entries())
    free = ((key, at) for key, at in entries if key not in COMMON and not key.startswith("x-"))
    others = dict(islice(free, _MOST_FAULTS))
    if len(others) == 1:
        return next(iter(others))
    near = {key: did_you_mean(key, COMMON) for key in others}
    scorers = [key for key in others if near[key] is None]
    for key, hint in near.items():
        if hint is not None:
            message = f"'{key}' is not a key of an assertion"
            faults.append(Fault(code="unknown-key", message=message, at=others[key], hint=hint))
    if not scorers:
        hint = "write one such as 'contains: refund'; 'llmops scorers' lists them"
        refuse(node, "missing-key", "the assertion names no scorer", faults, hint)
    for key in scorers[1:]:
        message = f"the assertion names two scorers: '{scorers[0]}' and '{key}'"
        hint = f"give '{key}' its own '- ', or put it below '{scorers[0]}' if it is an argument"
        faults.append(Fault(code="two-scorers", message=message, at=others[key], hint=hint))
    return None


def _common_part(node: Node) -> Node:
    part = PlacedMapping()
    for key, child in node.items():
        if key not in COMMON:
            continue
        part[key] = child.value
        part.marks += [child.mark, child.mark]
        if child.raw is not None:
            part.raws = {**(part.raws or {}), key: child.raw}
    return Node(part, node.path, node.mark)
