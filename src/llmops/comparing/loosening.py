"""Assertions of one case, as they were and as they are, in; those that ask for less now, out."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from llmops.domain.node import plain
from llmops.domain.suite import Assertion
from llmops.location import Location

LossKind = Literal["assertion_removed", "assertion_loosened", "assertion_changed"]
_LOWER: Final = frozenset({"min", "threshold", "n", "least"})
_UPPER: Final = frozenset({"max", "max_distance", "limit", "within", "tolerance"})
_ALL: Final = frozenset({"all_of", "contains_all"})
_ANY: Final = frozenset({"any_of", "contains_any", "language", "finish_reason"})
_PARTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": str.__contains__,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
"""Scorers that ask for a part of the text, and when one part asks for all that another does."""
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?\s*")
_SECONDS: Final = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHOWN: Final = 80


class Loss(Struct, frozen=True):
    """What became of one assertion.

    Attributes:
        what: In words that begin with the assertion.
        at: Where it stands now; where it stood, when it is gone.
    """

    kind: LossKind
    what: str
    at: Location


def losses(before: Sequence[Assertion], after: Sequence[Assertion]) -> list[Loss]:
    """Find the assertions that are gone, ask for less, or ask for something else.

    Each assertion is held against the one that is most like it, wherever that stands. One that
    asks for more is none of them.
    """
    left, right = _without_equal(before, after)
    found: list[Loss] = []
    for assertion in left:
        counterpart = _counterpart(assertion, right)
        if counterpart is None:
            found.append(_removed(assertion))
            continue
        right.remove(counterpart)
        found += _compared(assertion, counterpart)
    return found


def shown(assertion: Assertion) -> str:
    """An assertion in short, as its author wrote it: `contains: "refund"`."""
    return _shown(assertion.scorer, plain(assertion.arguments.value))


def _without_equal(
    before: Iterable[Assertion], after: Iterable[Assertion]
) -> tuple[list[Assertion], list[Assertion]]:
    """Both sides without what stands on both."""
    rest = list(after)
    keys = [_key(assertion) for assertion in rest]
    left = []
    for assertion in before:
        key = _key(assertion)
        if key in keys:
            place = keys.index(key)
            del rest[place], keys[place]
        else:
            left.append(assertion)
    return left, rest


def _key(assertion: Assertion) -> str:
    parts = [assertion.scorer, plain(assertion.arguments.value), assertion.on, assertion.metric]
    return _json([*parts, assertion.weight, assertion.soft])


def _counterpart(assertion: Assertion, others: Sequence[Assertion]) -> Assertion | None:
    """What an assertion became: as like it as there is one, and of the same scorer at least."""
    turned = [other for other in others if _is_turned(assertion, other)]
    same = [other for other in others if other.scorer == assertion.scorer]
    ranked = sorted(same, key=lambda other: _likeness(assertion, other), reverse=True)
    return next(iter([*ranked, *turned]), None)


def _likeness(one: Assertion, other: Assertion) -> int:
    arguments = _json(plain(one.arguments.value)) == _json(plain(other.arguments.value))
    return (
        8 * arguments
        + 4 * (one.on == other.on)
        + 2 * (one.name == other.name)
        + (one.metric == other.metric)
    )


def _is_turned(assertion: Assertion, other: Assertion) -> bool:
    """Whether the one is what the other forbids, or the other way round."""
    pairs = ((assertion, other), (other, assertion))
    return any(
        outer.scorer == "not"
        and isinstance(outer.arguments.value, Mapping)
        and _json(plain(outer.arguments.value).get(inner.scorer))  # type: ignore[attr-defined]  # plain keeps mappings
        == _json(plain(inner.arguments.value))
        for inner, outer in pairs
    )


def _removed(assertion: Assertion) -> Loss:
    return Loss("assertion_removed", f"{shown(assertion)} was removed", assertion.at)


def _compared(before: Assertion, after: Assertion) -> Iterator[Loss]:
    name = shown(before)
    if before.scorer != after.scorer:
        yield Loss("assertion_loosened", f"{name} was turned round by 'not'", after.at)
        return
    if after.soft and not before.soft:
        yield Loss("assertion_loosened", f"{name} was made soft, so it fails nothing", after.at)
    if after.weight < before.weight:
        words = f"{name} weighs {after.weight:g} in place of {before.weight:g}"
        yield Loss("assertion_loosened", words, after.at)
    if before.on != after.on:
        words = f"{name} judges {after.on or 'the text'} in place of {before.on or 'the text'}"
        yield Loss("assertion_changed", words, after.at)
    if before.metric is not None and before.metric != after.metric:
        words = f"{name} counts for {after.metric or 'no metric'} in place of {before.metric}"
        yield Loss("assertion_changed", words, after.at)
    then, now = plain(before.arguments.value), plain(after.arguments.value)
    if _json(then) != _json(now):
        yield _arguments(before.scorer, then, now, after.at)


def _arguments(scorer: str, then: object, now: object, at: Location) -> Loss:
    """The loss of other arguments."""
    direction = _direction(scorer, then, now)
    words = f"{_shown(scorer, then)} became {_shown(scorer, now)}"
    return Loss("assertion_loosened" if direction < 0 else "assertion_changed", words, at)


def _direction(scorer: str, then: object, now: object) -> int:
    """How the demand moved: -1 asks for less, 1 for more, 0 for something else."""
    if _json(then) == _json(now):
        return 1
    if scorer == "not":
        return _inner_direction(then, now)
    if scorer in _ALL | _ANY and isinstance(then, list) and isinstance(now, list):
        return _listed(then, now, wider=scorer in _ANY)
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return _least(_of_key(key, then.get(key), now.get(key)) for key in {**then, **now})
    if scorer in _PARTS and isinstance(then, str) and isinstance(now, str):
        held = _PARTS[scorer]
        return held(now, then) - held(then, now)
    return _bound(scorer, then, now)


def _inner_direction(then: object, now: object) -> int:
    """What `not` forbids: asking for more inside is asking for less outside."""
    if not isinstance(then, Mapping) or not isinstance(now, Mapping) or then.keys() != now.keys():
        return 0
    return -_least(_direction(key, then[key], now[key]) for key in then)


def _listed(then: list[object], now: list[object], *, wider: bool) -> int:
    """`any_of` asks for less with more choices, `all_of` with fewer."""
    old, new = {_json(item) for item in then}, {_json(item) for item in now}
    gained, lost = bool(new - old), bool(old - new)
    if gained and lost:
        return 0
    return -1 if (gained if wider else lost) else 1


def _of_key(key: str, then: object, now: object) -> int:
    if _json(then) == _json(now):
        return 1
    if key not in _LOWER | _UPPER:
        return 0
    if now is None or then is None:
        return -1 if now is None else 1
    return _bound(f"min_{key}" if key in _LOWER else f"max_{key}", then, now)


def _bound(name: str, then: object, now: object) -> int:
    first, second = _number(then), _number(now)
    if first is None or second is None or not name.startswith(("min_", "max_")):
        return 0
    rose = 1 if second > first else -1
    return rose if name.startswith("min_") else -rose


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) * _SECONDS[found[2]] if found else None


def _least(directions: Iterable[int]) -> int:
    """Asking for less anywhere is asking for less; else for something else; else for more."""
    found = set(directions)
    return -1 if -1 in found else 0 if 0 in found else 1


def _shown(scorer: str, value: object) -> str:
    text = _json(value)
    return f"{scorer}: {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
