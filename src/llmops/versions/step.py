"""Semantic versions: the one after a change, and whether a claimed one is far enough."""

import re
from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from llmops.domain.change import Step

FIRST = "1.0.0"
"""What a prompt claims first."""

_FORM = re.compile(
    r"(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)(-(?P<pre>[0-9A-Za-z.-]+))?(\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_ORDER: tuple[Step, ...] = ("none", "patch", "minor", "major")
_Core = tuple[int, int, int]


class _Version(Struct, frozen=True):
    """A semantic version; what stands behind `+` counts for nothing."""

    core: _Core
    pre: tuple[str, ...]


def next_version(claimed: str | None, step: Step) -> str:
    """The least version that may follow a change.

    Below 1.0.0 a major change asks for the next minor version, as semver allows. A pre-release
    leads to a version that is not out yet: while the change fits into that version, the next
    pre-release of it will do, else the first pre-release of a later one.

    Args:
        claimed: The version before; None when none was claimed.
        step: What the change asks for.

    Raises:
        ValueError: `claimed` is no semantic version.
    """
    if claimed is None:
        return FIRST
    if step == "none":
        return claimed
    before = _read(claimed)
    if before.pre and _ORDER.index(step) <= _ORDER.index(_led_to(before.core)):
        return _written(before.core, _next_pre(before.pre))
    return _written(_raised(before.core, step), _first_pre(before.pre))


def is_enough(before: str, after: str, step: Step) -> bool:
    """Whether a version goes as far beyond another as a change asks for.

    Raises:
        ValueError: One of them is no semantic version.
    """
    if step == "none":
        return not is_older(after, before)
    wanted = _read(next_version(before, step)).core
    return is_older(before, after) and _read(after).core >= wanted


def is_older(one: str, other: str) -> bool:
    """Whether a version comes before another.

    Raises:
        ValueError: One of them is no semantic version.
    """
    first, second = _read(one), _read(other)
    if first.core != second.core:
        return first.core < second.core
    return _pre_is_less(first.pre, second.pre)


def _read(text: str) -> _Version:
    found = _FORM.fullmatch(text)
    if found is None:
        msg = f"'{text}' is no semantic version"
        raise ValueError(msg)
    core = (int(found["major"]), int(found["minor"]), int(found["patch"]))
    return _Version(core, tuple(found["pre"].split(".")) if found["pre"] else ())


def _written(core: _Core, pre: tuple[str, ...]) -> str:
    return ".".join(map(str, core)) + (f"-{'.'.join(pre)}" if pre else "")


def _raised(core: _Core, step: Step) -> _Core:
    major, minor, patch = core
    if step == "patch":
        return (major, minor, patch + 1)
    if step == "minor" or major == 0:
        return (major, minor + 1, 0)
    return (major + 1, 0, 0)


def _led_to(core: _Core) -> Literal["patch", "minor", "major"]:
    """The largest change that a version which is not out yet still has room for."""
    major, minor, patch = core
    if patch:
        return "patch"
    return "minor" if minor and major else "major"


def _next_pre(pre: tuple[str, ...]) -> tuple[str, ...]:
    *others, last = pre
    return (*others, str(int(last) + 1)) if _is_number(last) else (*pre, "1")


def _first_pre(pre: tuple[str, ...]) -> tuple[str, ...]:
    return (*pre[:-1], "1") if pre and _is_number(pre[-1]) else pre


def _pre_is_less(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Semver's order: a pre-release comes before its release, numbers before words."""
    if not one or not other:
        return bool(one) and not other
    for mine, its in zip_longest(one, other):
        if mine != its:
            return mine is None or (its is not None and _rank(mine) < _rank(its))
    return False


def _rank(word: str) -> tuple[bool, int, str]:
    return (False, int(word), "") if _is_number(word) else (True, 0, word)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()
